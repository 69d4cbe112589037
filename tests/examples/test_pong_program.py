"""The example as a process: it serves, says what it does, and ends as it is told to."""

import http.client
import io
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

import tickws
from examples.pong_server.__main__ import greeting, parse
from examples.pong_server.client import joining
from examples.pong_server.game import SIDES, Move
from examples.pong_server.server import FILES, PAGE
from examples.pong_server.status import Status, server_line
from tests.examples.table import Table
from tests.program import ROOT, SECONDS, Program

posix = pytest.mark.skipif(os.name != "posix", reason="signals and terminals are POSIX's here")
PONG = [sys.executable, "-m", "examples.pong_server"]
LINE = re.compile(
    r"\d+\.\d ticks/s, p99 \d+\.\d ms late \| \d+ playing, \d+ watching \| "
    r"\d+\.\d kB/s in, \d+\.\d kB/s out \| slice p99 \d+\.\d\d of 4 ms"
)


def until(condition: Callable[[], object], *clients: "tickws.GameClient[Move]") -> None:
    """Turn clients until the condition holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"nothing came of it within {SECONDS:g} s"
        for client in clients:
            client.work(0.01, wait=0.005)


def leave(*clients: "tickws.GameClient[Move]") -> None:
    """Close them, to the end."""
    for client in clients:
        client.close()
        while client.work(0.05, wait=0.05):
            pass


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_serves_page_and_game_and_ends_when_told(start: Callable[..., Program], number: int) -> None:
    program = start()
    for path, file in FILES.items():
        connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=SECONDS)
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, file.read_bytes())
        connection.close()

    clients = [tickws.GameClient(joining(program.url), inputs=Move, query={"name": name}) for name in ("Ada", "Grace")]
    dropped: list[tuple[int, str]] = []
    for client in clients:
        client.bus.subscribe(tickws.Dropped, lambda event: dropped.append((event.code, event.reason)))
    until(lambda: all(client.connected and client.state() for client in clients), *clients)
    until(lambda: {clients[0].state()[side]["name"] for side in SIDES} == {"Ada", "Grace"}, *clients)

    program.process.send_signal(number)
    until(lambda: len(dropped) >= 2, *clients)
    leave(*clients)
    assert dropped[:2] == [(1001, "the server was stopped")] * 2
    assert program.ended() == 0
    assert program.output.endswith("Stopped. Goodbye!\n")
    assert "Traceback" not in program.output


@posix
def test_bots_play_and_watch_and_end_when_told(start: Callable[..., Program]) -> None:
    program = start()
    bots = subprocess.Popen([*PONG, "bots", "5", program.url], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        watcher = tickws.GameClient(joining(program.url), inputs=Move, role="spectator")
        until(lambda: watcher.state().get("match", {}).get("watching") == 4, watcher)
        assert all(re.fullmatch(r"bot \d", watcher.state()[side]["name"]) for side in SIDES)
        bots.send_signal(signal.SIGINT)
        output, _ = bots.communicate(timeout=SECONDS)
    finally:
        bots.kill()
        bots.communicate()
    assert bots.returncode == 0
    assert output.endswith("Stopped. Goodbye!\n")
    until(lambda: watcher.state()["left"]["player"] is None, watcher)
    leave(watcher)


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [*PONG, "--port", str(port)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "the port is taken" in done.stderr
    assert "--port" in done.stderr


@posix
def test_with_lan_other_machines_may_join(start: Callable[..., Program]) -> None:
    program = start("--lan")
    program.wait_for("nothing is encrypted")
    assert "Anybody who reaches this machine may play and watch" in program.output
    assert program.stop() == 0


@posix
def test_output_that_nobody_reads_any_more_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PONG, "--port", "0"],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@posix
def test_in_a_terminal_the_status_is_written_in_place() -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PONG, "--port", "0"],
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,  # where a busy machine makes ticks late, that is said there
        env={**os.environ, "COLUMNS": "160"},
    )
    os.close(theirs)
    said = b""
    stopped = False
    deadline = time.monotonic() + SECONDS
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(ours, selectors.EVENT_READ)
            while True:
                assert selector.select(deadline - time.monotonic()), said
                try:
                    data = os.read(ours, 4096)
                except OSError:  # EIO: the other end is closed
                    break
                if not data:
                    break
                said += data
                if said.count(b"slice p99") == 3 and not stopped:
                    stopped = True
                    process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    status = said.decode().partition("Ctrl-C ends it.")[2].replace("\r\n", "\n")
    lines = [line for line in status.strip().split("\r") if line.strip()]
    assert len(lines) >= 3
    assert all(LINE.match(line) for line in lines), lines
    assert "\n" not in "".join(lines[:-1])
    assert status.endswith("Goodbye!\n")


class Terminal(io.StringIO):
    """A terminal as far as `Status` asks."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_the_status_line(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    output = Terminal() if terminal else io.StringIO()
    table = Table()
    table.join("Ada")
    status = Status(server_line(table.pong), table.clock, output)
    table.pong.loop.system(status.tick)
    table.run(11.0)
    status.end()
    if terminal:
        before, *written = output.getvalue().rstrip("\n").split("\r")
        lines = written[1::2]
        assert before == ""
        assert set(written[::2]) == {" " * 59}
        assert len(lines) in (21, 22)
        assert all(len(text) == 59 for text in lines)
        assert output.getvalue().count("\n") == 1
        assert re.match(r"60\.0 ticks/s, p99 0\.0 ms late \| 1 playing, 0 watching", lines[-1])
    else:
        [line] = output.getvalue().splitlines()
        assert LINE.fullmatch(line)


@pytest.mark.parametrize("port", ["65536", "-1", "http", "8056.0", ""])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse([f"--port={port}"])
    assert exit_.value.code == 2
    assert "from 0 to 65535" in capsys.readouterr().err


def test_the_command_line() -> None:
    assert (parse([]).port, parse([]).host, parse([]).command) == (8056, "127.0.0.1", None)
    play = parse(["play", "http://10.0.0.7:9000/", "--name", "Ada"])
    assert (play.command, play.url, play.name) == ("play", "http://10.0.0.7:9000/", "Ada")
    assert (parse(["bots", "20"]).count, parse(["bots", "20"]).url) == (20, "http://127.0.0.1:8056/")


@pytest.mark.parametrize(
    "line",
    ["bots", "bots 0", "bots many", "dance", "--lan --host ::"]
    + [f"play {url}" for url in ("ftp://127.0.0.1", "http://[::1", "http://", "https://", "a:99999")],
)
def test_a_command_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse(line.split())
    assert exit_.value.code == 2


def test_the_greeting_names_the_page_and_says_what_lan_exposes() -> None:
    assert "http://127.0.0.1:8056/" in greeting("127.0.0.1", 8056)
    assert "encrypted" not in greeting("127.0.0.1", 8056)
    assert "http://[::1]:9000/" in greeting("::1", 9000)
    assert "nothing is encrypted" in greeting("0.0.0.0", 8056)
    assert "pong play http://127.0.0.1:9000/" in greeting("0.0.0.0", 9000)


@pytest.mark.parametrize(
    ("url", "joined"),
    [
        ("http://127.0.0.1:8056/", "ws://127.0.0.1:8056/"),
        ("https://pong.example", "wss://pong.example"),
        ("10.0.0.7:9000", "ws://10.0.0.7:9000"),
        ("ws://localhost/?role=spectator", "ws://localhost/?role=spectator"),
    ],
)
def test_where_to_join(url: str, joined: str) -> None:
    assert joining(url) == joined


def test_all_that_the_page_asks_for_is_served() -> None:
    page = (PAGE / "index.html").read_text("utf-8")
    asked = {f"/{name}" for name in re.findall(r'(?:href|src)="([^"]+)"', page)}
    for script in PAGE.glob("*.js"):
        asked |= {name.removeprefix(".") for name in re.findall(r'from "([^"]+)"', script.read_text("utf-8"))}
    assert asked - {"/tickws.js"} | {"/"} == set(FILES)
    assert {file.name for file in FILES.values()} == {file.name for file in PAGE.iterdir()}
