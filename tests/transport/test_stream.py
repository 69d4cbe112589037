"""The stream: never blocks, never raises, loses and repeats no byte, whatever the kernel takes at a time."""

import random
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.transport.sockets import read_all, reset, tcp_pair, wait_readable
from tickws.transport.stream import Stream

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    with tcp_pair() as ends:
        yield ends


def drain(stream: Stream, reader: socket.socket, size: int) -> bytes:
    """Read `size` bytes while the stream writes on."""
    data = b""
    while len(data) < size:
        stream.write([])
        wait_readable(reader)
        data += reader.recv(1 << 20)
    return data


PIECES = [
    pytest.param([], id="nothing"),
    pytest.param([b"one"], id="one"),
    pytest.param([b"one", b"two", b"x" * 1000], id="joined"),
    pytest.param([bytes(40_000), b"y" * 40_000], id="gathered"),
    pytest.param([b"%04d" % number * 500 for number in range(200)], id="more-than-are-gathered-at-once"),
    pytest.param([random.Random(1).randbytes(8 << 20)], id="one-larger-than-the-kernel-takes"),
    pytest.param([random.Random(2).randbytes(1 << 20) for _ in range(8)], id="many-larger-than-the-kernel-takes"),
]


@pytest.mark.parametrize("gathers", [True, False], ids=["sendmsg", "as-on-windows"])
@pytest.mark.parametrize("pieces", PIECES)
def test_what_is_written_arrives_whole_and_in_order(pieces: list[bytes], gathers: bool, pair: Pair) -> None:
    stream = Stream(pair[0])
    if not gathers:
        stream._gather = None
    data = b"".join(pieces)
    sent = stream.write(pieces)
    assert sent + stream.unsent_bytes == len(data)
    assert drain(stream, pair[1], len(data)) == data
    assert stream.unsent_bytes == 0
    assert not stream.lost


class Trickle:
    """Stands for a socket whose kernel takes little at a time, or nothing."""

    def __init__(self, *takes: int, sendmsg: bool = True) -> None:
        self.takes = list(takes)
        self.data = b""
        if sendmsg:
            self.sendmsg = self._sendmsg

    def fileno(self) -> int:
        return 5

    def send(self, data: bytes) -> int:
        if not self.takes or not self.takes[0]:
            del self.takes[:1]
            raise BlockingIOError
        taken = bytes(data[: self.takes.pop(0)])
        self.data += taken
        return len(taken)

    def _sendmsg(self, pieces: list[bytes]) -> int:
        return self.send(b"".join(pieces))


@pytest.mark.parametrize("sendmsg", [True, False])
@pytest.mark.parametrize("count", [1, 3, 100])
@pytest.mark.parametrize("size", [1, 1000, 50_000])
def test_partial_writes_lose_and_repeat_nothing(size: int, count: int, sendmsg: bool) -> None:
    chance = random.Random(size * count)
    pieces = [chance.randbytes(size) for _ in range(count)]
    total = size * count
    trickle: Any = Trickle(*[chance.choice((0, 1, 7, 333, 20_000, 1 << 20)) for _ in range(500)], sendmsg=sendmsg)
    stream = Stream(trickle)
    sent = stream.write(list(pieces))
    while stream.unsent_bytes:
        assert sent + stream.unsent_bytes == total
        assert trickle.data == b"".join(pieces)[:sent]
        trickle.takes.append(1 << 20)
        sent += stream.write([])
    assert trickle.data == b"".join(pieces)
    assert sent == total


@pytest.mark.parametrize("pieces", [[b"x"], [b"x", b"y"], [bytes(70_000)] * 2], ids=["one", "joined", "gathered"])
def test_a_kernel_that_takes_nothing_is_asked_once(pieces: list[bytes]) -> None:
    trickle: Any = Trickle()
    stream = Stream(trickle)
    assert stream.write(pieces) == 0
    assert stream.unsent_bytes == len(b"".join(pieces))
    trickle.takes = [1 << 20]
    assert stream.write([]) == len(trickle.data) == len(b"".join(pieces))


def test_reads_give_bytes_nothing_and_the_end(pair: Pair) -> None:
    stream = Stream(pair[0])
    assert stream.read(100) is None
    pair[1].send(b"hello")
    wait_readable(pair[0])
    assert stream.read(2) == b"he"
    assert stream.read(100) == b"llo"
    assert stream.read(100) is None
    pair[1].shutdown(socket.SHUT_WR)
    wait_readable(pair[0])
    assert [stream.read(100), stream.read(100)] == [b"", b""]
    assert not stream.lost


def test_a_reset_is_an_answer_of_reading_and_of_writing(pair: Pair) -> None:
    stream = Stream(pair[0])
    reset(pair[1])
    wait_readable(pair[0])
    assert stream.read(100) is None
    assert stream.lost


@pytest.mark.parametrize("pieces", [[b"x"], [b"x", b"y"], [bytes(70_000)] * 2], ids=["one", "joined", "gathered"])
def test_writing_to_who_is_gone_is_lost(pieces: list[bytes], pair: Pair) -> None:
    stream = Stream(pair[0])
    reset(pair[1])
    wait_readable(pair[0])
    assert stream.write(pieces) == 0
    assert stream.lost


def test_the_end_goes_behind_what_was_written_and_leaves_reading_open(pair: Pair) -> None:
    stream = Stream(pair[0])
    stream.write([b"last words"])
    stream.end()
    stream.end()
    assert read_all(pair[1], 10) == b"last words"
    wait_readable(pair[1])
    assert pair[1].recv(1) == b""
    pair[1].send(b"still heard")
    wait_readable(pair[0])
    assert stream.read(100) == b"still heard"
    assert not stream.lost


def test_the_end_is_said_once() -> None:
    said: list[int] = []
    trickle: Any = Trickle()
    trickle.shutdown = said.append
    stream = Stream(trickle)
    stream.end()
    stream.end()
    assert said == [socket.SHUT_WR]


def test_an_end_on_a_dead_socket_is_lost(pair: Pair) -> None:
    stream = Stream(pair[0])
    pair[0].close()
    stream.end()
    assert stream.lost


def test_closing_forgets_what_is_unsent_and_gives_the_descriptor_back(pair: Pair) -> None:
    stream = Stream(pair[0])
    assert stream.fd == pair[0].fileno()
    stream.write([bytes(16 << 20)])
    assert stream.unsent_bytes
    stream.close()
    assert stream.unsent_bytes == 0
    assert pair[0].fileno() == -1
    assert stream.fd > 0, "kept, so that a link can be found by it"


def test_the_error_of_connecting_is_told(pair: Pair) -> None:
    assert Stream(pair[0]).error() == 0


class Greedy:
    """A socket that takes all, as one does whose peer reads as fast as we write."""

    def __init__(self) -> None:
        self.offered: list[int] = []

    def fileno(self) -> int:
        return 5

    def send(self, data: bytes) -> int:
        self.offered.append(len(data))
        return len(data)

    def sendmsg(self, pieces: list[bytes]) -> int:
        return self.send(b"".join(pieces))


@pytest.mark.parametrize("pieces", [[bytes(10 << 20)], [bytes(100_000)] * 50, [bytes(300_000), bytes(10)], [b"x"] * 9])
def test_a_write_is_one_call_of_bounded_size(pieces: list[bytes]) -> None:
    """However fast the peer reads: the rest is for the next step."""
    sock: Any = Greedy()
    stream = Stream(sock)
    total = sum(map(len, pieces))
    assert stream.write(list(pieces)) == sock.offered[0]
    while stream.unsent_bytes:
        before = len(sock.offered)
        stream.write([])
        assert len(sock.offered) == before + 1
    assert sum(sock.offered) == total
    assert max(sock.offered) <= 256 * 1024
    assert len(sock.offered) <= total // 100_000 + 2


class Interrupted:
    """Stands for a socket in whose calls a Ctrl-C strikes, when the kernel has taken the bytes."""

    def __init__(self) -> None:
        self.taken = b""
        self.strikes = True

    def fileno(self) -> int:
        return 1

    def send(self, data: bytes) -> int:
        self.taken += bytes(data)
        if self.strikes:
            raise KeyboardInterrupt
        return len(data)

    def sendmsg(self, pieces: list[bytes]) -> int:
        return self.send(b"".join(pieces))


@pytest.mark.parametrize("pieces", [[b"one"], [b"one", b"two"], [b"x" * 60_000, b"y" * 60_000], [bytes(1 << 20)]])
def test_after_an_interrupt_nothing_is_said_twice(pieces: list[bytes]) -> None:
    sock: Any = Interrupted()
    stream = Stream(sock)
    with pytest.raises(KeyboardInterrupt):
        stream.write(pieces)
    sock.strikes = False
    said = sock.taken
    stream.write([])
    if not stream.lost:  # who is lost can be told no more: how much of it went out, nobody knows
        assert stream.write([b"goodbye"]) == 7
        said += b"goodbye"
    assert sock.taken == said
    assert stream.lost is (sum(map(len, pieces)) > 64 * 1024)
