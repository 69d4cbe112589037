"""What a soak measured: the figures, what is wrong with them, and how they are printed. Knows no socket.

`heading`, `table` and `failures` print what every benchmark has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tickws.protocol.opcodes import CloseCode
from tickws.statistics import Distribution

__all__ = ["Client", "Figures", "Way", "failures", "heading", "table"]

HELD = 59.5 / 60
"""The share of its tick rate that a loop must reach, averaged over the window."""
LISTED = 10
"""Complaints that are printed; of more, only how many there are."""


@dataclass(frozen=True, slots=True)
class Way:
    """Messages of one kind: what one end sent, and what the other got."""

    sent: int
    received: int
    missing: int
    """Numbers that were skipped."""
    disordered: int
    """Messages whose number was not above the one before."""

    @property
    def lost(self) -> int:
        """Messages that did not arrive, or counted twice if negative."""
        return self.sent - self.received

    @property
    def whole(self) -> bool:
        """Whether all arrived, once each and in order."""
        return not (self.lost or self.missing or self.disordered)

    def __str__(self) -> str:
        return (
            f"{self.sent} sent, {self.received} received, lost {self.lost} of {self.sent}, "
            f"{self.missing} skipped, {self.disordered} out of order"
        )


@dataclass(frozen=True, slots=True)
class Client:
    """One client's run."""

    inputs: Way
    snapshots: Way
    server_code: int | None
    """The close code that the server's `on_close` got; None: it was not called."""
    client_code: int | None
    """The close code that the client saw."""
    early: bool
    """It was closed while the soak went on."""
    fault: str
    """What the client has against the server's bytes."""

    def complaints(self, name: int) -> Iterator[str]:
        """What went wrong."""
        if self.early or (self.server_code, self.client_code) != (CloseCode.NORMAL, CloseCode.NORMAL):
            when = "early" if self.early else "at the end"
            yield f"client {name} closed {when}: {self.server_code} here, {self.client_code} there"
        if self.fault:
            yield f"client {name}: {self.fault}"
        if not self.inputs.whole:
            yield f"client {name}: inputs {self.inputs}"
        if not self.snapshots.whole:
            yield f"client {name}: snapshots {self.snapshots}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One soak. Times in seconds, unless a name says otherwise."""

    machine: str
    load_average: float | None
    pinned: bool
    """Server and load generator had a CPU each."""
    rate: int
    tick: int
    budget: float
    ticks: int
    tick_rate: float
    """Ticks a second, averaged over the window."""
    slipped: float
    """Time that the loop gave up, because it was more than a quarter of a second behind."""
    clients: list[Client]
    bytes_received: int
    bytes_sent: int
    slice: Distribution
    """`receive` and `flush` of one frame together."""
    slice_cpu: Distribution
    """CPU time of the slice: where it is far below the slice itself, the process was not running."""
    receive: Distribution
    flush: Distribution
    simulate: Distribution
    """The tick itself: where a snapshot is due, it is packed and queued for everybody."""
    lateness: Distribution
    """From when a tick was due to when its frame began."""
    overruns: int
    """Frames whose slice took longer than the budget."""
    cpu_us_per_client_tick: float
    cpu_share: float
    """Of one core."""
    preempted: int | None
    collections: int
    resident_bytes: tuple[int | None, int | None]
    """When the window began, and at its end."""
    descriptors: tuple[int | None, int | None, int | None]
    """Before anything was opened, with all clients, and after all was closed."""
    load_cpu_seconds: float
    load_late: float
    """How late the latest input was said."""

    def total(self, kind: str) -> Way:
        """All clients' `inputs` or `snapshots` together."""
        ways: list[Way] = [getattr(client, kind) for client in self.clients]
        return Way(
            sum(way.sent for way in ways),
            sum(way.received for way in ways),
            sum(way.missing for way in ways),
            sum(way.disordered for way in ways),
        )

    def complaints(self) -> list[str]:
        """What went wrong; empty where the soak was held."""
        found = [line for name, client in enumerate(self.clients) for line in client.complaints(name)]
        if self.tick_rate < self.tick * HELD:
            found.append(f"{self.tick} Hz was not held: {self.tick_rate:.2f} Hz, {self.slipped * 1e3:.0f} ms slipped")
        before, _, after = self.descriptors
        if before != after:
            found.append(f"descriptors: {before} before, {after} after")
        return found

    def lines(self) -> Iterator[str]:
        """The figures for people."""
        count = len(self.clients)
        seconds = self.ticks / self.tick
        yield from heading(self.machine, self.load_average, pinned=self.pinned)
        yield (
            f"soak         {count} clients x {self.rate} Hz both ways, {self.tick} Hz for {seconds:g} s, "
            f"{self.budget * 1e3:g} ms a frame"
        )
        yield f"ticks        {self.ticks} at {self.tick_rate:.2f} Hz, {self.slipped * 1e3:.0f} ms slipped"
        yield f"inputs       {self.total('inputs')}"
        yield f"snapshots    {self.total('snapshots')}"
        yield f"bytes        {self.bytes_received / 1e6:.2f} MB in, {self.bytes_sent / 1e6:.2f} MB out"
        codes = Counter((client.server_code, client.client_code) for client in self.clients)
        told = ", ".join(f"{count} x {here} here, {there} there" for (here, there), count in codes.items())
        yield f"closes       {told}; {sum(client.early for client in self.clients)} early"
        rows = {"slice": self.slice, " CPU time": self.slice_cpu, " receive": self.receive, " flush": self.flush}
        yield from table({**rows, "tick": self.simulate, "tick late": self.lateness})
        yield f"overruns     {self.overruns} of {self.ticks} slices took longer than {self.budget * 1e3:g} ms"
        yield f"CPU          {self.cpu_us_per_client_tick:.2f} µs per client-tick, {self.cpu_share:.1%} of a core"
        lost_cpu = "" if self.preempted is None else f"the CPU went to another process {self.preempted} times, "
        yield f"disturbed    {lost_cpu}the garbage collector ran {self.collections} times"
        yield f"memory       {' -> '.join(megabytes(size) for size in self.resident_bytes)}"
        yield f"descriptors  {' -> '.join(map(str, self.descriptors))} (before, with the clients, after)"
        load = self.load_cpu_seconds / seconds
        yield f"load         {load:.1%} of a core, inputs at most {self.load_late * 1e3:.1f} ms late"
        yield from self.verdict()

    def verdict(self) -> Iterator[str]:
        """The last lines: held, or not and why."""
        complaints = self.complaints()
        yield from failures(complaints)
        if not complaints:
            sent = self.total("inputs").sent + self.total("snapshots").sent
            yield f"held         lost 0 of {sent} messages, nobody disconnected, {self.tick_rate:.2f} Hz"


def heading(machine: str, load_average: float | None, *, pinned: bool) -> Iterator[str]:
    """Where it was measured."""
    busy = "" if load_average is None else f"; load average {load_average:.1f}"
    yield f"machine      {machine}{busy}"
    yield f"             {'server and load on a CPU each' if pinned else 'server and load not pinned'}"


def table(rows: Mapping[str, Distribution]) -> Iterator[str]:
    """Durations, in milliseconds."""
    yield "ms               p50      p99    p99.9    worst"
    for name, of in rows.items():
        yield f"{name:11}" + "".join(f"{value * 1e3:9.3f}" for value in (of.p50, of.p99, of.p999, of.worst))


def failures(complaints: list[str]) -> Iterator[str]:
    """What went wrong, as far as anybody wants to read it."""
    for complaint in complaints[:LISTED]:
        yield f"FAILED       {complaint}"
    if len(complaints) > LISTED:
        yield f"FAILED       and {len(complaints) - LISTED} more"


def megabytes(size: int | None) -> str:
    """A size in MB for people."""
    return "unknown" if size is None else f"{size / 1e6:.1f} MB"
