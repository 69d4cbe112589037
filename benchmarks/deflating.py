"""The compression itself: what one message costs to deflate and to inflate, alone; and the verdict by it.

The rule of `--compression` (flood, stall): in every round, what is measured with it, less the same without it, less the
compression itself, is what it costs besides; the median of that over all rounds must be within the noise. The
compression itself is the CPU time that the classes take which the server has for it (`tickws.protocol.deflate`: zlib,
and what is around it), measured alone, over and over, on the very messages, in the process that directs the bout and
just before it; times the messages of the window. A snapshot counts once, for all who get it: one that is compressed for
each would fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.contenders import DEFLATE
from benchmarks.contenders.host import SNAPSHOT_TICKS
from benchmarks.contenders.window import WindowResult
from benchmarks.contest import MS, Contest, Gate, Spread
from benchmarks.packing import OFFER, Packing
from benchmarks.payloads import FIRST, Kind, make_snapshot, make_stamped
from benchmarks.process import cpu_ns
from tickws import Deflate
from tickws.clock import NANOSECONDS
from tickws.protocol.deflate import CHUNK_BYTES, Compressible, Deflater, Inflater
from tickws.protocol.extensions import answer_offers, parse_extensions
from tickws.protocol.opcodes import Opcode

__all__ = ["METRICS", "NOISE_MS", "NOISE_POINTS", "Cost", "Itself", "cost", "itself", "verdict"]

NOISE_POINTS = 1.0
"""Per cent of a core by which a median of a few rounds may be off."""
NOISE_MS = 1.0
"""Milliseconds, likewise."""
NOISE_US = 1.0
"""Microseconds of one message, likewise."""
BATCHES = 5
BATCH_NS = 2_000_000
"""CPU time of one batch, at least."""

METRICS = ITSELF_CPU, ITSELF_FRAME = "compression itself: CPU, %", "compression itself: ms a frame"
"""Of a window."""
ITSELF_FLOOD = "compression itself: CPU of a flood's message, µs"
UNITS = {"%": (ITSELF_CPU, NOISE_POINTS), "ms": (ITSELF_FRAME, NOISE_MS), "µs": (ITSELF_FLOOD, NOISE_US)}
"""By the last word of a metric: what it is compared by, and what may be noise."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one message. Seconds of CPU."""

    deflate: float
    inflate: float
    """Of what a light client makes of it."""
    size: int
    """Bytes that are sent for it: as many as it has, where deflating does not help."""


def cost(payload: bytes, ours: Deflate) -> Cost:
    """What compression costs alone, with everything in the CPU's caches."""
    terms = answer_offers(parse_extensions(OFFER), ours)
    assert terms is not None
    deflater, inflater = Deflater(ours, terms, alone=False), Inflater(terms)
    packed = Packing(terms.header).pack(payload)

    def inflate() -> None:
        inflater.feed(packed, CHUNK_BYTES, final=True)
        while inflater.more:
            inflater.chunk(CHUNK_BYTES)

    return Cost(
        deflate=_seconds(lambda: _deflated(payload, deflater)),
        inflate=_seconds(inflate),
        size=len(_deflated(payload, deflater)),
    )


def _deflated(payload: bytes, deflater: Deflater) -> bytes:
    message = Compressible(Opcode.BINARY, payload)
    while (made := message.compress(deflater)) is None:
        pass
    return made


def _seconds(work: Callable[[], Any]) -> float:
    """CPU time of one call: the median of some batches."""
    work()
    found = []
    for _ in range(BATCHES):
        begun, calls, spent = cpu_ns(), 0, 0
        while spent < BATCH_NS:
            work()
            calls += 1
            spent = cpu_ns() - begun
        found.append(spent / calls / NANOSECONDS)
    return median(found)


@dataclass(frozen=True, slots=True)
class Itself:
    """What the compression itself costs in a contest. Seconds of CPU."""

    inflate: Mapping[str, float]
    """One message of each kind of client."""
    deflate: float
    """One snapshot."""

    def of_flood(self) -> dict[str, float | None]:
        """Of one message that flooders say."""
        return {ITSELF_FLOOD: self.inflate[Kind.FLOODER.name.lower()] * 1e6}

    def metrics(self, window: WindowResult) -> dict[str, float | None]:
        """Of one window."""
        said = sum(self.inflate[kind] * count for kind, count in window.messages.items())
        spent = said + self.deflate * window.frames / SNAPSHOT_TICKS
        return {
            ITSELF_CPU: 100 * spent / window.seconds,
            ITSELF_FRAME: MS * spent / window.frames if window.frames else None,
        }


def itself(server: str, *, entities: int, flood: bytes = b"") -> Itself | None:
    """Measure it; None for a server that does not compress.

    Args:
        entities: of a snapshot.
        flood: what flooders say.
    """
    if server != DEFLATE:
        return None
    ours = Deflate()
    inputs = cost(make_stamped(Kind.PLAYER, 0, FIRST, cpu_ns()), ours).inflate
    kinds = {kind.name.lower(): inputs for kind in Kind}
    if flood:
        kinds[Kind.FLOODER.name.lower()] = cost(flood, ours).inflate
    return Itself(kinds, cost(make_snapshot(FIRST, entities), ours).deflate)


def verdict(contest: Contest, case: str, metrics: Sequence[str], prefix: str = "") -> list[Gate]:
    """Whether those metrics (their units: `UNITS`) are no worse by more than the compression itself.

    Args:
        prefix: of the names of one window, where a case has several.
    """
    found = []
    for metric in metrics:
        costs, noise = UNITS[metric.rpartition(" ")[2]]
        name = prefix + metric
        above = list(_above(contest, case, name, prefix + costs))
        found.append(
            Gate(
                f"{case}, compressed: {name}, above that without and the compression itself",
                Spread.over(above),
                noise,
                why="noise",
            )
        )
    return found


def _above(contest: Contest, case: str, metric: str, itself: str) -> Iterator[float | None]:
    """Round by round: machines change from minute to minute."""
    for plain, compressed in zip(contest.rounds["tickws"], contest.rounds[DEFLATE], strict=True):
        without, having = plain.get(case, {}).get(metric), compressed.get(case, {})
        value, costs = having.get(metric), having.get(itself)
        yield None if without is None or value is None or costs is None else value - without - costs
