"""Both pollers: what is found, how long a wait takes, who ends it."""

import os
import select
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.transport.sockets import SECONDS, reset, tcp_pair
from tickws.errors import UsageError
from tickws.transport import poller as module
from tickws.transport.poller import READABLE, WRITABLE, EpollPoller, Poller, SelectorPoller, system_poller

Pair = tuple[socket.socket, socket.socket]
KINDS: list[Callable[[], Poller]] = [SelectorPoller]
if hasattr(select, "epoll"):
    KINDS.append(module.EpollPoller)


@pytest.fixture(params=KINDS)
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    made = request.param()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    with tcp_pair() as ends:
        yield ends


def test_what_is_watched_for_is_found(poller: Poller, pair: Pair) -> None:
    fd = pair[0].fileno()
    poller.register(fd, READABLE)
    assert poller.poll(0) == []
    pair[1].send(b"x")
    assert poller.poll(SECONDS) == [(fd, READABLE)]
    assert poller.poll(None) == [(fd, READABLE)], "what is not served is told again"
    poller.modify(fd, READABLE | WRITABLE)
    assert poller.poll(SECONDS) == [(fd, READABLE | WRITABLE)]
    poller.modify(fd, WRITABLE)
    assert poller.poll(SECONDS) == [(fd, WRITABLE)]
    poller.unregister(fd)
    assert poller.poll(0) == []


@pytest.mark.parametrize("how", ["end", "reset"])
def test_ends_and_resets_are_readable(how: str, poller: Poller, pair: Pair) -> None:
    poller.register(pair[0].fileno(), READABLE)
    if how == "end":
        pair[1].shutdown(socket.SHUT_WR)
    else:
        reset(pair[1])
    ((fd, events),) = poller.poll(SECONDS)
    assert fd == pair[0].fileno()
    assert events & ~WRITABLE


def fill(sock: socket.socket) -> None:
    with suppress(BlockingIOError):
        while True:
            sock.send(bytes(1 << 20))


def test_a_full_socket_is_not_writable(poller: Poller, pair: Pair) -> None:
    fill(pair[0])
    poller.register(pair[0].fileno(), WRITABLE)
    assert poller.poll(0) == []


@pytest.mark.parametrize("timeout", [0.0, 0.0003, 0.005])
def test_a_wait_lasts_as_long_as_it_was_told(timeout: float, poller: Poller) -> None:
    started = time.perf_counter()
    assert poller.poll(timeout) == []
    assert timeout <= time.perf_counter() - started < timeout + SECONDS


def test_waking_ends_a_wait_now_or_to_come(poller: Poller) -> None:
    for _ in range(3):
        poller.wake()
    for _ in range(2):
        assert poller.poll(SECONDS) == [(poller.wake_fd, READABLE)]
    poller.drain()
    poller.drain()
    assert poller.poll(0) == []
    thread = threading.Thread(target=poller.wake)
    thread.start()
    assert poller.poll(SECONDS) == [(poller.wake_fd, READABLE)]
    thread.join()


def test_waking_without_end_costs_nothing_and_is_drained_at_once(poller: Poller) -> None:
    for _ in range(20_000):
        poller.wake()
    poller.drain()
    assert poller.poll(0) == []


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """A limit that lets the next test open some thousands."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard >= 0 else 1 << 16, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
def test_all_that_is_ready_is_told_at_once(poller: Poller) -> None:
    """epoll would give 1,023 of them unless told otherwise."""
    ends = [socket.socketpair() for _ in range(1100)]
    try:
        for one, other in ends:
            other.send(b"x")
            poller.register(one.fileno(), READABLE)
        for timeout in (0, SECONDS):
            assert len(poller.poll(timeout)) == len(ends)
        for one, _ in ends:
            poller.unregister(one.fileno())
    finally:
        for one, other in ends:
            one.close()
            other.close()


def test_its_descriptor_is_readable_when_something_is_found(poller: Poller, pair: Pair) -> None:
    fd = poller.fileno()
    assert select.select([fd], [], [], 0)[0] == []
    poller.register(pair[0].fileno(), READABLE)
    pair[1].send(b"x")
    assert select.select([fd], [], [], SECONDS)[0] == [fd]
    pair[0].recv(1)
    assert select.select([fd], [], [], 0)[0] == []
    poller.wake()
    assert select.select([fd], [], [], SECONDS)[0] == [fd]


def test_closing_gives_all_descriptors_back(poller: Poller) -> None:
    fds = {poller.fileno(), poller.wake_fd}
    poller.close()
    for fd in fds:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)
    poller.__init__()  # type: ignore[misc]  # for the fixture's end


def test_a_platform_without_a_descriptor_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "DefaultSelector", selectors.SelectSelector)
    poller = SelectorPoller()
    with pytest.raises(UsageError, match=r"call work\(0\) from a timer"):
        poller.fileno()
    poller.close()


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="no epoll here")
def test_a_descriptor_beyond_selects_reach_is_waited_for_by_epoll_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SELECT_MOST", 0)
    poller = module.EpollPoller()
    assert poller.poll(0.001) == []
    poller.wake()
    assert poller.poll(SECONDS) == [(poller.wake_fd, READABLE)]
    poller.close()


def test_the_best_poller_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = system_poller()
    assert type(chosen) is KINDS[-1]
    chosen.close()
    monkeypatch.delattr(select, "epoll", raising=False)
    chosen = system_poller()
    assert type(chosen) is SelectorPoller
    chosen.close()


@pytest.mark.skipif(not hasattr(os, "eventfd"), reason="no eventfd on this platform")
def test_a_poller_that_is_forgotten_gives_its_descriptors_back_and_says_so() -> None:
    before = len(os.listdir("/proc/self/fd"))
    pollers = [EpollPoller()]
    with pytest.warns(ResourceWarning, match="unclosed file"):
        pollers.clear()
    assert len(os.listdir("/proc/self/fd")) == before
