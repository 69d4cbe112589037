"""The lives of attackers: generators that say what is to be done next; who drives them has the socket and the time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from enum import Enum, auto
from typing import NamedTuple, TypeAlias

from benchmarks.siege import arms
from benchmarks.siege.rules import MESSAGE_BYTES

__all__ = [
    "Arsenal",
    "Order",
    "Say",
    "Script",
    "bombs",
    "connect",
    "fragments",
    "header_floods",
    "hellos",
    "lengths",
    "never_readers",
    "pings",
    "plain_http",
    "resets",
    "slow_http",
    "slow_tls",
]


class Say(NamedTuple):
    """Send that, all of it."""

    data: bytes
    acts: int = 0
    """How many of what the attack counts that is."""


class Order(Enum):
    """What else an attacker may do."""

    OPEN = auto()
    """Wait for the 101."""
    END = auto()
    """Wait for the server to end it."""
    DEAF = auto()
    """Read no more."""


Script: TypeAlias = Generator[Say | float | Order, None, None]
"""A life; a number stands for so many seconds of rest."""


class Arsenal(NamedTuple):
    """What scripts need to know."""

    host: str
    """For the Host header."""
    hello: bytes
    """A ClientHello; empty where there is no TLS."""


TINY_PER_SAY = 24
SAYS = 0.06
"""Seconds between two says of those who say much."""
PINGS_PER_SECOND = 250
PING_BURST_SECONDS = 2.0
BOMBS, BOMB_WAY = 8, 0.25
STARVING_SECONDS = 0.1
STARVING_BYTES = 4096


def slow_http(arsenal: Arsenal, life: int) -> Script:
    """A request, a byte a second."""
    for byte in arms.request(arsenal.host):
        yield Say(bytes((byte,)), 1)
        yield 1.0
    yield Order.END


def slow_tls(arsenal: Arsenal, life: int) -> Script:
    """A ClientHello, a byte a second; or all of it, and then nothing."""
    if life % 2:
        yield Say(arsenal.hello, 1)
        yield Order.END
    for byte in arsenal.hello:
        yield Say(bytes((byte,)), 1)
        yield 1.0
    yield Order.END


def hellos(arsenal: Arsenal, life: int) -> Script:
    """A ClientHello: the server signs, and nobody is there any more."""
    yield Say(arsenal.hello)
    yield 0.1


def fragments(size: int) -> Callable[[Arsenal, int], Script]:
    """A message that has no end."""

    def script(arsenal: Arsenal, life: int) -> Script:
        yield Say(arms.request(arsenal.host))
        yield Order.OPEN
        yield Say(arms.fragments(size, TINY_PER_SAY, first=True), TINY_PER_SAY)
        while True:
            yield SAYS
            yield Say(arms.fragments(size, TINY_PER_SAY), TINY_PER_SAY)

    return script


def pings(arsenal: Arsenal, life: int) -> Script:
    """Pings, each of which wants a pong: evenly, or the same in bursts."""
    yield Say(arms.request(arsenal.host))
    yield Order.OPEN
    seconds = PING_BURST_SECONDS if life % 2 else SAYS
    count = round(PINGS_PER_SECOND * seconds)
    while True:
        yield Say(arms.pings(count), count)
        yield seconds


def lengths(arsenal: Arsenal, life: int) -> Script:
    """A frame that says that it is as long as can be, or longer."""
    yield Say(arms.request(arsenal.host))
    yield Order.OPEN
    yield Say(arms.huge(arms.LENGTHS[life % 2]))
    yield Order.END


def bombs(arsenal: Arsenal, life: int) -> Script:
    """One that is too large; or several that are just allowed; or one that is nothing, in many blocks."""
    yield Say(arms.request(arsenal.host))
    yield Order.OPEN
    if life % 3 == 0:
        yield Say(arms.bomb(), 1)
        yield Order.END
    elif life % 3 == 1:
        for _ in range(BOMBS):
            yield Say(arms.word(MESSAGE_BYTES, packed=True), 1)
            yield BOMB_WAY
    else:
        yield Say(arms.empty_blocks(), 1)
        yield Order.END


def resets(arsenal: Arsenal, life: int) -> Script:
    """Gone, in one of eight phases."""
    phase = life % 8
    request = arms.request(arsenal.host)
    if phase == 1:
        yield Say(request[: len(request) // 2])
    elif phase >= 2:
        yield Say(request)
    if phase >= 3:
        yield Order.OPEN
        word = arms.word(1000)
        yield Say((b"", word[:3], word[:500], arms.fragments(10, 3, first=True), word)[phase - 3])
    if phase:
        yield SAYS  # so that it is read before


def never_readers(arsenal: Arsenal, life: int) -> Script:
    """Says what is answered at length, and does not read it."""
    yield Say(arms.request(arsenal.host))
    yield Order.OPEN
    yield Order.DEAF
    while True:
        yield Say(arms.word(STARVING_BYTES), 1)
        yield STARVING_SECONDS


def header_floods(arsenal: Arsenal, life: int) -> Script:
    """A thousand header lines, or one of a mebibyte."""
    yield Say(arms.long_header(arsenal.host) if life % 2 else arms.many_headers(arsenal.host))
    yield Order.END


def plain_http(arsenal: Arsenal, life: int) -> Script:
    """What crawlers and scanners ask for."""
    requests = arms.plain_requests(arsenal.host)
    yield Say(requests[life % len(requests)])
    yield Order.END


def connect(arsenal: Arsenal, life: int) -> Script:
    """Connects, and is gone."""
    return
    yield
