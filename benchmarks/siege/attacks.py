"""The kinds of attackers: what one does in a life, how often, how many of a thousand do it, and which counter of the
server tells that it was met.

A life is a script (`benchmarks.siege.scripts`). When it is over, whoever ended it, the attacker comes again `every`
seconds after it came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from benchmarks.siege import arms, scripts
from benchmarks.siege.scripts import Arsenal, Script

__all__ = ["ATTACKS", "NAMES", "THOUSAND", "Attack", "Tls", "share_out"]

THOUSAND = 1000
FAIR = ("limited.messages_per_second", "limited.slice_messages", "carried_over")
"""Who says too much waits: for its rate, for its next slice, or behind all who say little."""


class Tls(Enum):
    """Where an attack goes."""

    NEVER = auto()
    """To the plain port."""
    SOME = auto()
    """One attacker in four comes over TLS."""
    RAW = auto()
    """To the TLS port, with bytes of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One kind."""

    name: str
    does: str
    """For people."""
    share: int
    """Of a thousand."""
    every: float
    """Seconds from one life to the next, where it ends before."""
    acts: float = 0.0
    """What one does in a second of its life; 0: lives are what counts."""
    unit: str = "connections"
    script: Callable[[Arsenal, int], Script]
    """Of the life of that number."""
    tls: Tls = Tls.NEVER
    reset: bool = False
    """It ends with an RST."""
    distant: bool = False
    """It is at the other end of a line, see `benchmarks.seat.connect`."""
    met: tuple[str, ...]
    """Counters of `statistics()` of which one must move: fields, or `field.key`."""

    @property
    def rate(self) -> float:
        """What one does in a second, at most."""
        return self.acts or 1 / self.every


ATTACKS = (
    Attack(
        name="slow-http",
        does="a request, a byte a second",
        share=120,
        every=1.0,
        acts=1.0,
        unit="bytes",
        script=scripts.slow_http,
        tls=Tls.SOME,
        met=("timed_out", "limited.handshakes"),
    ),
    Attack(
        name="slow-tls",
        does="a ClientHello, a byte a second; or all of it, and then nothing",
        share=80,
        every=1.0,
        acts=1.0,
        unit="bytes",
        script=scripts.slow_tls,
        tls=Tls.RAW,
        met=("timed_out", "limited.handshakes"),
    ),
    Attack(
        name="tls-hellos",
        does="a ClientHello, which the server answers with a signature, and gone",
        share=20,
        every=0.4,
        script=scripts.hellos,
        tls=Tls.RAW,
        reset=True,
        met=("accepted",),
    ),
    Attack(
        name="tiny-fragments",
        does="fragments of 1 byte without end",
        share=50,
        every=1.0,
        acts=scripts.TINY_PER_SAY / scripts.SAYS,
        unit="fragments",
        script=scripts.fragments(1),
        tls=Tls.SOME,
        met=FAIR,
    ),
    Attack(
        name="empty-fragments",
        does="fragments of 0 bytes without end",
        share=50,
        every=1.0,
        acts=scripts.TINY_PER_SAY / scripts.SAYS,
        unit="fragments",
        script=scripts.fragments(0),
        tls=Tls.SOME,
        met=FAIR,
    ),
    Attack(
        name="pings",
        does=f"pings of {arms.PING_BYTES} bytes, evenly or 500 at once",
        share=40,
        every=1.0,
        acts=scripts.PINGS_PER_SECOND,
        unit="pings",
        script=scripts.pings,
        tls=Tls.SOME,
        met=FAIR,
    ),
    Attack(
        name="lengths",
        does="frames of 2^63-1 and 2^63 bytes",
        share=100,
        every=1.0,
        script=scripts.lengths,
        tls=Tls.SOME,
        met=("faults.1002", "faults.1009"),
    ),
    Attack(
        name="bombs",
        does="deflate bombs: 32 MiB; as much as is allowed, 8 times; 12,000 empty blocks",
        share=100,
        every=2.0,
        acts=(1 + scripts.BOMBS + 1) / 3 / 2.0,
        unit="messages",
        script=scripts.bombs,
        tls=Tls.SOME,
        met=("faults.1009",),
    ),
    Attack(
        name="resets",
        does="RST in eight phases, from connect to amid a message",
        share=100,
        every=1.0,
        script=scripts.resets,
        tls=Tls.SOME,
        reset=True,
        met=("closed.1006",),
    ),
    Attack(
        name="never-readers",
        does="want 40 kB a second each, and read nothing",
        share=100,
        every=1.0,
        acts=1 / scripts.STARVING_SECONDS,
        unit="messages",
        script=scripts.never_readers,
        distant=True,
        met=("closed.1008",),
    ),
    Attack(
        name="header-floods",
        does="1,000 header lines, or one of 1 MiB",
        share=100,
        every=4.0,
        script=scripts.header_floods,
        met=("answered.431",),
    ),
    Attack(
        name="plain-http",
        does="GET, POST, no HTTP at all",
        share=80,
        every=1.0,
        script=scripts.plain_http,
        tls=Tls.SOME,
        met=("answered.426", "answered.400"),
    ),
    Attack(
        name="connect-storm",
        does="connect and close at once",
        share=60,
        every=0.1,
        script=scripts.connect,
        met=("accepted",),
    ),
)

NAMES = tuple(attack.name for attack in ATTACKS)


def share_out(attackers: int) -> dict[str, int]:
    """How many of so many attackers are of each kind: their shares, and at least one of each."""
    return {attack.name: max(1, round(attack.share * attackers / THOUSAND)) for attack in ATTACKS}
