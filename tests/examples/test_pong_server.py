"""The example as a process: it serves, says what it does, and ends as it is told to."""

import http.client
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

import tickws
from examples.pong_server.__main__ import FILES
from tests.examples.program import ROOT, SECONDS, Program

posix = pytest.mark.skipif(os.name != "posix", reason="signals and terminals are POSIX's here")


def until(condition: Callable[[], object], *clients: tickws.WebSocketClient) -> None:
    """Turn clients until the condition holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"nothing came of it within {SECONDS:g} s"
        for client in clients:
            client.work(0.01)


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_serves_page_and_chat_and_ends_when_told(start: Callable[..., Program], number: int) -> None:
    program = start()
    for path, file in FILES.items():
        connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=SECONDS)
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, file.read_bytes())
        connection.close()

    heard: list[list[dict[str, Any]]] = [[], []]
    closed: list[tuple[int, str]] = []

    def join(messages: list[dict[str, Any]]) -> tickws.WebSocketClient:
        return tickws.WebSocketClient(
            f"{program.url.replace('http', 'ws')}ws",
            origin=program.url.rstrip("/"),
            on_message=lambda ws, message: messages.append(json.loads(message)),
            on_close=lambda ws, code, reason: closed.append((code, reason)),
        )

    def count(kind: str) -> list[int]:
        return [sum(message["kind"] == kind for message in messages) for messages in heard]

    clients = [join(messages) for messages in heard]
    until(lambda: count("joined") in ([2, 1], [1, 2]), *clients)
    assert clients[0].send('{"kind":"say","text":"hello"}')
    until(lambda: count("line") == [1, 1] and min(count("state")) >= 5, *clients)
    ticks = [message["tick"] for message in heard[1] if message["kind"] == "state"]
    assert ticks == sorted(set(ticks))

    program.process.send_signal(number)
    until(lambda: len(closed) == 2, *clients)
    for client in clients:
        client.abort()
    assert closed == [(1001, "server stopped")] * 2
    assert program.ended() == 0
    assert program.output.endswith("Stopped. Goodbye!\n")
    assert "Traceback" not in program.output


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "examples.pong_server", "--port", str(port)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "the port is taken" in done.stderr
    assert "--port" in done.stderr


@posix
def test_output_that_nobody_reads_any_more_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "examples.pong_server", "--port", "0"]
    done = subprocess.run(
        command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@posix
def test_in_a_terminal_the_status_is_written_in_place() -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "examples.pong_server", "--port", "0"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "COLUMNS": "100"}
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
    assert all(re.match(r"\d+\.\d frames/s \| 0 connected \| ", line) for line in lines)
    assert "\n" not in "".join(lines[:-1])
    assert status.endswith("Goodbye!\n")
