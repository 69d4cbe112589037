"""Counters and histograms: kept by long-lived objects, handed out frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeVar

__all__ = [
    "MOST_NAMES",
    "ConnectionStatistics",
    "Distribution",
    "EndpointStatistics",
    "Histogram",
    "Overrun",
    "Overruns",
    "RecentHistogram",
    "StepStatistics",
    "frozen_counts",
    "name_of",
]

K = TypeVar("K", int, str)

_NANOSECONDS = 1_000_000_000  # in a second
_MINUTE = 60 * _NANOSECONDS
_MINUTES = 3
_PRECISION = 4  # bits below the leading one that tell buckets apart: values are kept to 1/16

MOST_NAMES: Final = 256
"""The most names that are kept apart, where names are counted."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a histogram has seen. Seconds; percentiles are exact to about 6 %, `worst` and `mean` are exact."""

    count: int
    mean: float
    p50: float
    p99: float
    p999: float
    worst: float


class Histogram:
    """Counts durations in buckets that grow with the value: at most 976 of them, however many there are to count.

    Cost: one dictionary entry a sample.
    """

    __slots__ = ("_buckets", "_total", "_worst")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self._total = 0
        self._worst = 0

    def record(self, duration: int) -> None:
        """Count one duration in nanoseconds; a negative one counts as zero."""
        duration = max(duration, 0)
        shift = duration.bit_length() - _PRECISION - 1
        bucket = duration if shift <= 0 else (shift << _PRECISION) + (duration >> shift)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self._total += duration
        self._worst = max(self._worst, duration)

    def add(self, other: Histogram) -> None:
        """Count what another one has counted."""
        for bucket, count in other._buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self._total += other._total
        self._worst = max(self._worst, other._worst)

    def percentile(self, share: float) -> float:
        """The duration in seconds below or at which `share` (0 to 1) of all samples lie; 0.0 without samples."""
        wanted = share * sum(self._buckets.values())
        seen = 0
        for bucket, count in sorted(self._buckets.items()):
            seen += count
            if seen >= wanted:
                return min(_upper_edge(bucket), self._worst) / _NANOSECONDS
        return 0.0

    def distribution(self) -> Distribution:
        """What was counted so far."""
        count = sum(self._buckets.values())
        mean = self._total / count / _NANOSECONDS if count else 0.0
        p50, p99, p999 = (self.percentile(share) for share in (0.5, 0.99, 0.999))
        return Distribution(count, mean, p50, p99, p999, self._worst / _NANOSECONDS)


class RecentHistogram:
    """A histogram of the last minutes: of the minute that goes on, and of the two before it."""

    __slots__ = ("_minutes", "_until")

    def __init__(self) -> None:
        self._minutes = [Histogram()]
        self._until: int | None = None

    def record(self, duration: int, now: int, count: int = 1) -> None:
        """Count one duration at `now`, both in nanoseconds, or several; a negative one counts as zero."""
        if self._until is None or now >= self._until:
            self._turn(now)
        minute = self._minutes[0]
        if duration <= 0:  # as `Histogram.record`, in one call: it is the most frequent thing that a loop does
            bucket = duration = 0
        else:
            shift = duration.bit_length() - _PRECISION - 1
            bucket = duration if shift <= 0 else (shift << _PRECISION) + (duration >> shift)
        buckets = minute._buckets
        buckets[bucket] = buckets.get(bucket, 0) + count
        minute._total += duration * count
        if duration > minute._worst:  # noqa: PLR1730 (max() is a call)
            minute._worst = duration

    def _turn(self, now: int) -> None:
        """Begin another minute; what was long ago is forgotten."""
        if self._until is None:
            self._until = now + _MINUTE
            return
        begun = (now - self._until) // _MINUTE + 1
        self._until += begun * _MINUTE
        begun = min(begun, _MINUTES)
        self._minutes = [Histogram() for _ in range(begun)] + self._minutes[: _MINUTES - begun]

    def distribution(self, now: int) -> Distribution:
        """What was counted in the last two to three minutes before `now` (nanoseconds)."""
        if self._until is not None and now >= self._until:
            self._turn(now)
        whole = Histogram()
        for minute in self._minutes:
            whole.add(minute)
        return whole.distribution()


def _upper_edge(bucket: int) -> int:
    """The largest value that falls into `bucket`."""
    shift = (bucket >> _PRECISION) - 1
    if shift <= 0:
        return bucket
    return ((((1 << _PRECISION) | (bucket & ((1 << _PRECISION) - 1))) + 1) << shift) - 1


@dataclass(frozen=True, slots=True)
class Overrun:
    """Somebody who took longer than they may."""

    count: int
    """How often."""
    last: float
    """Seconds above what was allowed, the last time."""
    worst: float


class Overruns:
    """Who overran, by name: how often, and by how much. Beyond `MOST_NAMES`, all are "others"."""

    def __init__(self) -> None:
        self._by_name: dict[str, tuple[int, int, int]] = {}

    def record(self, name: str, excess: int) -> None:
        """Count one, of `excess` nanoseconds."""
        if name not in self._by_name and len(self._by_name) >= MOST_NAMES:
            name = "others"
        count, _, worst = self._by_name.get(name, (0, 0, 0))
        self._by_name[name] = count + 1, excess, max(worst, excess)

    def frozen(self) -> Mapping[str, Overrun]:
        """For the statistics."""
        return MappingProxyType(
            {
                name: Overrun(count, last / _NANOSECONDS, worst / _NANOSECONDS)
                for name, (count, last, worst) in self._by_name.items()
            }
        )


@dataclass(frozen=True, slots=True)
class StepStatistics:
    """One kind of step (see `tickws.transport.steps`)."""

    count: int
    """Steps since the beginning."""
    last: float
    """Seconds that the last slice spent on them."""
    longest: float
    """Seconds of the longest single step since the beginning."""
    slices: Distribution
    """Seconds that they took of each slice that had any, in the last two to three minutes."""


@dataclass(frozen=True, slots=True)
class ConnectionStatistics:
    """One connection since it was opened. Bytes are those on the wire, frame headers included."""

    messages_received: int
    messages_sent: int
    bytes_received: int
    bytes_sent: int
    queued_messages: int
    queued_bytes: int
    unsent_seconds: float
    """As `WebSocket.unsent_seconds`."""
    latency: float | None
    """As `WebSocket.latency`."""


@dataclass(frozen=True, slots=True)
class EndpointStatistics:
    """A server or client: its counters since it was made, its distributions of the last two to three minutes."""

    connections: int
    """Sockets held now: in their handshake, open, or closing."""
    open: int
    """WebSockets open now."""
    accepted: int
    """Connections taken from the backlog (a client: made)."""
    opened: int
    """Handshakes finished."""
    closed: Mapping[int, int]
    """Closed WebSockets by close code, as `on_close` saw them."""
    faults: Mapping[int, int]
    """Peers that broke RFC 6455, by the close code that they were failed with."""
    answered: Mapping[int, int]
    """HTTP answers other than 101, by status."""
    limited: Mapping[str, int]
    """How often a limit took effect, by the name of its field in `Limits`; and "max_connections"."""
    timed_out: int
    """Peers given up for a deadline: handshake, closing, silence."""
    tls_faults: int
    """Peers that broke TLS, spoke none where it is spoken, did not trust our certificate, or showed one that we do not
    trust."""
    callback_errors: int
    """Exceptions that your callbacks let out."""
    messages_received: int
    messages_sent: int
    bytes_received: int
    bytes_sent: int
    carried_over: int
    """Connections with work left for the next slice, now."""
    slice: Distribution
    """Seconds that slices took, sleep left out, in the last two to three minutes. `work` is a slice; so is a `receive`
    with its `flush`; one that found nothing at all to do counts as 0."""
    steps: Mapping[str, StepStatistics]
    """What slices were spent on, by kind of step: see `tickws.transport.steps`, where all are listed."""
    overruns: Mapping[str, Overrun]
    """Calls of `work`, `receive` and `flush` that did something and took longer than their budget: by the longest step
    in each, as in "message: Chat.on_message" or "write"; where they would not have without it, by "garbage collector".
    To overshoot by a part of a step is the rule where there is more to do than time."""
    polls: int
    """Looks at the network."""
    empty_polls: int
    """Of those, which slept and woke before their time with nothing to do."""
    collections: int
    """Runs of the garbage collector inside slices."""
    collection_seconds: float


def frozen_counts(counts: Mapping[K, int]) -> Mapping[K, int]:
    """A read-only copy of what was counted, in the order of its keys."""
    return MappingProxyType({key: counts[key] for key in sorted(counts) if counts[key]})


def name_of(function: Callable[..., object]) -> str:
    """What a callable is called where it was written, as in "Chat.on_message"."""
    name: str = getattr(function, "__qualname__", type(function).__qualname__)
    return name.rpartition("<locals>.")[2]
