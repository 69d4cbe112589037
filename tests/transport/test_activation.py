"""systemd's sockets: a program that is started as systemd starts it, and by systemd's own tool."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tickws
from tests.program import ROOT, SECONDS
from tickws.transport import activation

posix = pytest.mark.skipif(os.name != "posix", reason="systemd is for Linux; this wants fork and dup2")


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[socket.socket]]:
    """Two listening sockets with neighbouring descriptors, which stand at the place where systemd puts them."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    base = 200
    for place, sock in enumerate(taken):
        os.dup2(sock.fileno(), base + place, inheritable=True)
        sock.close()
    monkeypatch.setattr(activation, "FIRST", base)
    made = [socket.socket(fileno=os.dup(base + place)) for place in range(2)]
    yield made
    for sock in made:
        sock.close()
    for place in range(2):
        try:
            os.close(base + place)
        except OSError:
            pass


def variables(count: int = 2, pid: int | None = None) -> dict[str, str]:
    return {
        "LISTEN_PID": str(os.getpid() if pid is None else pid),
        "LISTEN_FDS": str(count),
        "LISTEN_FDNAMES": "game:admin",
        "OTHER": "stays",
    }


@posix
def test_they_are_taken_over_in_order_and_once(handed: list[socket.socket]) -> None:
    environment = variables()
    sockets = tickws.systemd_sockets(environment)
    try:
        assert [sock.getsockname() for sock in sockets] == [sock.getsockname() for sock in handed]
        assert not any(sock.get_inheritable() for sock in sockets)
        assert all((sock.family, sock.type) == (socket.AF_INET, socket.SOCK_STREAM) for sock in sockets)
        assert environment == {"OTHER": "stays"}
        assert tickws.systemd_sockets(environment) == []
    finally:
        for sock in sockets:
            sock.close()


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "0")
    assert tickws.systemd_sockets() == []
    assert "LISTEN_PID" not in os.environ
    assert "LISTEN_FDS" not in os.environ


@pytest.mark.parametrize("environment", [{}, {"LISTEN_FDS": "2"}, variables(pid=os.getpid() + 1)])
def test_what_is_not_for_this_process(environment: dict[str, str]) -> None:
    assert tickws.systemd_sockets(environment) == []
    assert environment.keys() <= {"OTHER"}


@pytest.mark.parametrize("wrong", [{"LISTEN_PID": "me"}, {"LISTEN_FDS": "-1"}, {"LISTEN_FDS": ""}, {"LISTEN_FDS": "²"}])
def test_variables_that_are_none_of_systemd_s(wrong: dict[str, str]) -> None:
    with pytest.raises(tickws.ListenError, match="are to be numbers, as systemd sets them"):
        tickws.systemd_sockets(variables() | wrong)


@posix
def test_what_is_no_socket_is_named_and_the_others_are_closed(
    handed: list[socket.socket], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR)
    os.dup2(file, activation.FIRST + 1)
    os.close(file)
    with pytest.raises(tickws.ListenError, match=r"descriptor 201, .* is no socket .*ListenStream="):
        tickws.systemd_sockets(variables())
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(activation.FIRST)


PROGRAM = """
import tickws

server = tickws.WebSocketServer(port=None, on_message=lambda ws, message: ws.send(f"{message}!"))
for sock in tickws.systemd_sockets():
    server.listen(sock=sock)
loop = tickws.TickLoop(rate=60)
loop.add(server)
print(*server.addresses, flush=True)
loop.run()
"""

AS_SYSTEMD_DOES = """
import os, sys
os.dup2(int(sys.argv[1]), 3)  # inheritable
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-c", sys.argv[2]])
"""


def ask(url: str) -> list[Any]:
    """What an echo says, in a program that may only be starting: who connects waits in the backlog."""
    heard: list[Any] = []

    def on_message(ws: tickws.WebSocket, message: str | bytes) -> None:
        heard.append(message)
        ws.close()

    clock = tickws.SystemClock()
    give_up = clock.now() + SECONDS
    limits = tickws.Limits(handshake_seconds=SECONDS)
    with tickws.WebSocketClient(url, on_open=lambda ws: ws.send("up"), on_message=on_message, limits=limits) as client:
        while client.work(0.05) and clock.now() < give_up:
            pass
        assert client.error is None
    return heard


@posix
def test_a_program_that_is_started_with_a_socket_serves_who_came_before_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port, fd = door.getsockname()[1], door.fileno()
        program = subprocess.Popen(
            [sys.executable, "-c", AS_SYSTEMD_DOES, str(fd), PROGRAM], pass_fds=(fd,), cwd=ROOT, stdout=subprocess.PIPE
        )
    try:
        assert ask(f"ws://127.0.0.1:{port}/") == ["up!"]
    finally:
        program.terminate()
        output, _ = program.communicate(timeout=SECONDS)
    assert program.returncode == 0
    assert output.decode().split() == ["('127.0.0.1',", f"{port})"]


def test_systemd_s_own_tool() -> None:
    tool = shutil.which("systemd-socket-activate")
    if tool is None:
        pytest.skip("this machine has no systemd-socket-activate (on Debian: apt install systemd)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = subprocess.Popen(
        [tool, f"--listen=127.0.0.1:{port}", sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert program.stderr is not None
        assert b"Listening on" in program.stderr.readline()
        assert ask(f"ws://127.0.0.1:{port}/") == ["up!"]
    finally:
        program.terminate()
        output, complaints = program.communicate(timeout=SECONDS)
    assert (program.returncode, output.decode().split()[-1]) == (0, f"{port})"), complaints.decode()
