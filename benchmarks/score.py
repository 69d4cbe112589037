"""What a match measured: the figures, what is wrong with them, and how they are printed. Knows no socket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.bots import RealResult
from benchmarks.figures import failures, heading, table
from tickws.protocol.opcodes import CloseCode
from tickws.statistics import Distribution

__all__ = ["Guest", "Inputs", "Score", "Traffic"]

HELD = 0.005
"""The share of its tick rate that a loop may be off, averaged over the window."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One light client's match, as both ends count it."""

    spectator: bool
    said: int
    """Messages to the server, inputs among them."""
    got: int
    """Of those, what the server got."""
    sent: int
    """Messages from the server, snapshots among them."""
    heard: int
    """Of those, what the client got."""
    close_code: int | None
    """That the client saw."""
    early: bool
    """It was closed while the match went on."""
    fault: str
    """What it has against the server's bytes."""

    def complaints(self, name: int) -> Iterator[str]:
        """What went wrong."""
        if self.early or self.close_code != CloseCode.NORMAL:
            yield f"client {name} closed {'early' if self.early else 'at the end'}: {self.close_code}"
        if self.fault:
            yield f"client {name}: {self.fault}"
        if self.said != self.got and not self.early:
            yield f"client {name}: {self.said} messages said, {self.got} received"
        if self.sent != self.heard and not self.early:
            yield f"client {name}: {self.sent} messages sent, {self.heard} received"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes of all clients of one kind in the window, on the wire, without TCP's own."""

    clients: int
    received: int
    sent: int

    def per_client(self, seconds: float) -> str:
        """Bytes a second and client, for people."""
        each = max(1, self.clients) * seconds
        return f"{self.received / each:,.0f} B/s in, {self.sent / each:,.0f} B/s out"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What became of the players' ticks and frames in the window."""

    executed: int
    """Ticks of a player with a frame of their own."""
    repeated: int
    """Ticks of a player without."""
    late: int
    """Frames that came after their tick."""
    refused: int

    def __str__(self) -> str:
        ticks = max(1, self.executed + self.repeated)
        return (
            f"{self.executed} ticks of a player executed, {self.repeated} repeated ({self.repeated / ticks:.3%}); "
            f"{self.late} frames late ({self.late / ticks:.3%}), {self.refused} refused"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One match. Times in seconds, unless a name says otherwise."""

    machine: str
    load_average: float | None
    pinned: bool
    rate: int
    snapshot_rate: int
    budget: float
    ticks: int
    tick_rate: float
    """Ticks a second, averaged over the window."""
    slipped: float
    guests: list[Guest]
    real: list[RealResult]
    bodies: int
    """That a real client should have been shown."""
    inputs: Inputs
    presses: tuple[int, int]
    """Said by the light players, and executed: for the whole match."""
    refused: int
    """Input frames refused for their tick in the whole match: a press in one of them is lost."""
    snapshots: int
    """Sent in the window."""
    snapshot_bytes: int
    """Of the world in one of them, the last."""
    spared: int
    """Snapshots that light clients were not sent, because they had not applied enough: for the whole match."""
    players: Traffic
    spectators: Traffic
    frame_late: Distribution
    """From when a frame's first tick was due to when the frame began."""
    tick_late: Distribution
    """The same to when the tick began: `receive` comes before it. (As `LoopStatistics.lateness`.)"""
    receive: Distribution
    flush: Distribution
    slice: Distribution
    """Both of one frame."""
    take: Distribution
    """`GameServer.tick`: an input frame for each player."""
    simulate: Distribution
    """The game's own: all bodies are moved."""
    publish: Distribution
    """Where a snapshot was due: made, copied, packed."""
    overruns: int
    """Slices that took longer than the budget."""
    slow: list[str]
    """What the loop said of itself (`LoopSlow`)."""
    cpu_us_per_client_tick: float
    cpu_share: float
    """Of one core."""
    preempted: int | None
    collections: int
    resident_bytes: int | None
    load_cpu_seconds: float
    load_late: float
    """How late the latest turn of a light client was."""

    @property
    def clients(self) -> int:
        """All of them."""
        return len(self.guests) + len(self.real)

    @property
    def slice_us_per_client(self) -> float:
        """Microseconds of `receive` and `flush` for each client and frame, on the wall clock."""
        return self.slice.mean * 1e6 / self.clients

    def complaints(self) -> list[str]:
        """What went wrong; empty where the match was held."""
        found = [line for name, guest in enumerate(self.guests) for line in guest.complaints(name)]
        for client in self.real:
            if client.close_code != CloseCode.NORMAL or client.drops:
                found.append(f"a GameClient was lost: {client.drops} drops, close code {client.close_code}")
            elif client.most_shown != self.bodies:
                found.append(f"a GameClient was shown {client.most_shown} bodies of {self.bodies}")
        said, executed = self.presses
        if not 0 <= said - executed <= self.refused:
            found.append(f"{said} presses said, {executed} executed")
        if abs(self.tick_rate / self.rate - 1) > HELD:
            found.append(f"{self.rate} Hz was not held: {self.tick_rate:.2f} Hz, {self.slipped * 1e3:.0f} ms slipped")
        return found

    def lines(self) -> Iterator[str]:
        """The figures for people."""
        seconds = self.ticks / self.rate
        watching = sum(guest.spectator for guest in self.guests)
        yield from heading(self.machine, self.load_average, pinned=self.pinned)
        yield (
            f"match        {len(self.guests) - watching} light players, {len(self.real)} GameClients, {watching} "
            f"spectators; {self.rate} Hz for {seconds:g} s, {self.snapshot_rate} snapshots a second of "
            f"{self.snapshot_bytes:,} bytes, {self.budget * 1e3:g} ms a frame"
        )
        yield f"ticks        {self.ticks} at {self.tick_rate:.2f} Hz, {self.slipped * 1e3:.0f} ms slipped"
        yield f"inputs       {self.inputs}"
        yield f"presses      {self.presses[0]} said, {self.presses[1]} executed"
        yield f"snapshots    {self.snapshots} sent in the window, {self.spared} spared"
        said, sent = sum(guest.said for guest in self.guests), sum(guest.sent for guest in self.guests)
        got, heard = sum(guest.got for guest in self.guests), sum(guest.heard for guest in self.guests)
        yield f"messages     {said} said and {got} received; {sent} sent and {heard} received (light clients, all)"
        codes = Counter(guest.close_code for guest in self.guests)
        told = ", ".join(f"{count} x {code}" for code, count in codes.items())
        yield f"closes       {told}; {sum(guest.early for guest in self.guests)} early"
        yield f"a player     {self.players.per_client(seconds)}"
        if self.spectators.clients:
            yield f"a spectator  {self.spectators.per_client(seconds)}"
        for client in self.real:
            latency = "unknown" if client.latency is None else f"{client.latency * 1e3:.1f} ms"
            yield f"GameClient   {client.most_shown} bodies shown, round trip {latency}"
        yield from table(
            {
                "frame late": self.frame_late,
                "tick late": self.tick_late,
                "slice": self.slice,
                " receive": self.receive,
                " flush": self.flush,
                "inputs": self.take,
                "simulate": self.simulate,
                "publish": self.publish,
            }
        )
        yield f"overruns     {self.overruns} of {self.slice.count} slices took longer than {self.budget * 1e3:g} ms"
        for said_slow in self.slow:
            yield f"slow         {said_slow}"
        yield (
            f"CPU          {self.cpu_us_per_client_tick:.2f} µs per client-tick, {self.cpu_share:.1%} of a core; "
            f"receive and flush {self.slice_us_per_client:.2f} µs, on the wall clock"
        )
        lost_cpu = "" if self.preempted is None else f"the CPU went to another process {self.preempted} times, "
        yield f"disturbed    {lost_cpu}the garbage collector ran {self.collections} times"
        load = self.load_cpu_seconds / seconds
        yield f"load         {load:.1%} of a core, turns at most {self.load_late * 1e3:.1f} ms late"
        yield from self.verdict()

    def verdict(self) -> Iterator[str]:
        """The last lines: held, or not and why."""
        complaints = self.complaints()
        yield from failures(complaints)
        if not complaints:
            yield f"held         {self.clients} clients, nobody lost, {self.tick_rate:.2f} Hz"
