"""Counters and histograms: kept by long-lived objects, handed out frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["ConnectionStatistics", "Distribution", "EndpointStatistics", "Histogram", "frozen_counts"]

_NANOSECONDS = 1_000_000_000  # in a second
_PRECISION = 4  # bits below the leading one that tell buckets apart: values are kept to 1/16


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
    """Counts durations in buckets that grow with the value, so that memory stays the same for ever.

    Cost: one list element a sample; at most 976 buckets.
    """

    __slots__ = ("_buckets", "_count", "_total", "_worst")

    def __init__(self) -> None:
        self._buckets = [0] * ((64 - _PRECISION + 1) << _PRECISION)
        self._count = 0
        self._total = 0
        self._worst = 0

    def record(self, duration: int) -> None:
        """Count one duration in nanoseconds; a negative one counts as zero."""
        duration = max(duration, 0)
        shift = duration.bit_length() - _PRECISION - 1
        bucket = duration if shift <= 0 else (shift << _PRECISION) + (duration >> shift)
        self._buckets[bucket] += 1
        self._count += 1
        self._total += duration
        self._worst = max(self._worst, duration)

    def percentile(self, share: float) -> float:
        """The duration in seconds below or at which `share` (0 to 1) of all samples lie; 0.0 without samples."""
        wanted = share * self._count
        seen = 0
        for bucket, count in enumerate(self._buckets):
            seen += count
            if count and seen >= wanted:
                return min(_upper_edge(bucket), self._worst) / _NANOSECONDS
        return 0.0

    def distribution(self) -> Distribution:
        """What was counted so far."""
        mean = self._total / self._count / _NANOSECONDS if self._count else 0.0
        p50, p99, p999 = (self.percentile(share) for share in (0.5, 0.99, 0.999))
        return Distribution(self._count, mean, p50, p99, p999, self._worst / _NANOSECONDS)


def _upper_edge(bucket: int) -> int:
    """The largest value that falls into `bucket`."""
    shift = (bucket >> _PRECISION) - 1
    if shift <= 0:
        return bucket
    return ((((1 << _PRECISION) | (bucket & ((1 << _PRECISION) - 1))) + 1) << shift) - 1


@dataclass(frozen=True, slots=True)
class ConnectionStatistics:
    """One connection since it was opened. Bytes are those on the wire, frame headers included."""

    messages_received: int
    messages_sent: int
    bytes_received: int
    bytes_sent: int
    queued_messages: int
    queued_bytes: int
    latency: float | None


@dataclass(frozen=True, slots=True)
class EndpointStatistics:
    """A server or client since it was made."""

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
    timed_out: int
    """Peers given up for a deadline: handshake, closing, silence."""
    callback_errors: int
    """Exceptions that your callbacks let out."""
    messages_received: int
    messages_sent: int
    bytes_received: int
    bytes_sent: int
    carried_over: int
    """Connections with work left for the next slice, now."""
    slice: Distribution
    """Time spent in `work`, `receive` and `flush`, sleep left out."""
    overruns: int
    """Slices that did something and took longer than their budget."""
    empty_polls: int
    """Polls that slept and woke for nothing, or found nothing though something was said to be ready."""


def frozen_counts(counts: Mapping[int, int]) -> Mapping[int, int]:
    """A read-only copy, in the order of its keys."""
    return MappingProxyType({key: counts[key] for key in sorted(counts)})
