"""The hand-over of docs/deployment.md: a process follows another, and of those who connect meanwhile none notices."""

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import tickws
from tests.program import ROOT, SECONDS, Program

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the sample restarts by SIGHUP and pass_fds")

SAMPLE = ROOT / "docs" / "samples" / "restart.py"
HOST = "127.0.0.1"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CLOSE = b"\x88\x82\0\0\0\0\x03\xe8"


def visit(port: int) -> bytes:
    """Connect, go through the handshake, say Close, and read to the end; gives what was heard behind the 101."""
    with socket.create_connection((HOST, port), timeout=SECONDS) as sock:
        sock.sendall(HANDSHAKE)
        heard = b""
        while b"\r\n\r\n" not in heard:
            data = sock.recv(4096)
            assert data, f"the end, after {heard!r}"
            heard += data
        assert heard.startswith(b"HTTP/1.1 101 "), heard
        sock.sendall(CLOSE)
        while data := sock.recv(4096):
            heard += data
        return heard.partition(b"\r\n\r\n")[2]


class Crowd:
    """Threads that visit without a pause, until they are told to stop."""

    def __init__(self, port: int, size: int) -> None:
        self.visits = 0
        self.faults: list[BaseException] = []
        self._port = port
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(size)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                words = visit(self._port)
                assert words in (b"\x88\x02\x03\xe8", b"\x88\x09\x03\xf4restart"), words
            except BaseException as fault:
                self.faults.append(fault)
                return
            self.visits += 1

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(SECONDS)


class Guest:
    """A client that stays."""

    def __init__(self, port: int) -> None:
        self.ends: list[tuple[int, str]] = []
        self.client = tickws.WebSocketClient(f"ws://{HOST}:{port}/", on_close=lambda ws, *why: self.ends.append(why))
        until(lambda: self.client.work(0.01) and self.here, f"in: {self.client.error}")

    @property
    def here(self) -> bool:
        return self.client.websocket is not None and self.client.websocket.open


def until(condition: object, what: str) -> None:
    """Call until it is true."""
    clock = tickws.SystemClock()
    give_up = clock.now() + SECONDS
    assert callable(condition)
    while not condition():
        assert clock.now() < give_up, f"not {what}"


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


@pytest.fixture
def program(tmp_path: Path, port: int) -> Iterator[Program]:
    copy = tmp_path / "restart.py"
    copy.write_text(SAMPLE.read_text(encoding="utf-8").replace("8056", str(port)), encoding="utf-8")
    program = Program(copy)
    yield program
    program.close()


def process_of(line: str) -> int:
    return int(re.findall(r"\d+", line)[0])


def test_nobody_is_refused_and_everybody_hears_why(program: Program, port: int) -> None:
    serving = process_of(program.wait_for(r"process \d+ serves"))
    crowd = Crowd(port, 3)
    try:
        for _ in range(3):
            guests = [Guest(port) for _ in range(5)]
            before = crowd.visits
            until(lambda before=before: crowd.visits > before + 20 or crowd.faults, "busy")
            os.kill(serving, signal.SIGHUP)
            serving = process_of(program.wait_for(r"process \d+ serves"))
            for guest in guests:
                until(lambda guest=guest: not guest.client.work(0.01), "told")
                assert guest.ends == [(1012, "restart")]
            before = crowd.visits
            until(lambda before=before: crowd.visits > before + 20 or crowd.faults, "busy again")
    finally:
        crowd.stop()
        os.kill(serving, signal.SIGTERM)
    assert crowd.faults == []
    assert program.ended() == 0
    assert len(re.findall(r"process \d+ serves", program.output)) == 4
    assert "Traceback" not in program.output


def test_a_successor_that_does_not_start_changes_nothing(program: Program, port: int, tmp_path: Path) -> None:
    serving = process_of(program.wait_for(r"process \d+ serves"))
    sample = tmp_path / "restart.py"
    whole = sample.read_text(encoding="utf-8")
    sample.write_text("raise SystemExit('broken')", encoding="utf-8")
    guest = Guest(port)
    os.kill(serving, signal.SIGHUP)
    program.wait_for("the new process does not start; this one goes on")
    visit(port)
    assert guest.client.work(0)
    assert guest.here
    sample.write_text(whole, encoding="utf-8")
    os.kill(serving, signal.SIGHUP)
    serving = process_of(program.wait_for(r"process \d+ serves"))
    until(lambda: not guest.client.work(0.01), "told")
    assert guest.ends == [(1012, "restart")]
    visit(port)
    os.kill(serving, signal.SIGTERM)
    assert program.ended() == 0
