"""What a hostile soak measured: the figures, the gates, and how they are printed. Knows no socket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.contest import MS, Gate, Spread
from benchmarks.figures import heading, table
from benchmarks.siege.attacks import Attack
from tickws.statistics import Distribution

__all__ = ["Done", "Sample", "Verdict", "done", "gate"]

ENDS = 3
"""How many ways to end are shown for each kind."""
MB = 1e6


@dataclass(frozen=True, slots=True)
class Sample:
    """Some seconds of it, at both ends."""

    at: float
    """Seconds since the attack began, at its end."""
    frames: float
    """A second."""
    slice_p50: float
    slice_p99: float
    slice_worst: float
    slice_cpu_p99: float
    trip_p50: float
    trip_p99: float
    """Of all players; to about 6 %."""
    trip_worst: float
    lost: int
    """Players, up to now."""
    open: int
    connections: int
    resident: int
    cpu_share: float
    preempted: int | None
    missed: float
    """Share of the players' inputs that were not heard in the first frame that began after they were said."""
    stolen: float
    """Share of the CPUs that the machine under this one gave to others."""
    attempts: float
    """Connections that the attackers began, a second."""

    def __str__(self) -> str:
        slices = "/".join(f"{value * MS:.1f}" for value in (self.slice_p50, self.slice_p99, self.slice_worst))
        trips = "/".join(f"{value * MS:.1f}" for value in (self.trip_p50, self.trip_p99, self.trip_worst))
        return (
            f"{self.at:5.0f} s  {self.frames:5.2f} frames/s  slice {slices} ms  round trip {trips} ms  "
            f"{self.missed:.1%} missed  {self.lost} lost  {self.open} open of {self.connections}  "
            f"{self.resident / MB:.1f} MB  {self.cpu_share:.0%} CPU, {self.stolen:.1%} stolen  "
            f"{self.attempts:,.0f} attempts/s"
        )


@dataclass(frozen=True, slots=True)
class Done:
    """What the attackers of one kind did."""

    name: str
    does: str
    attackers: int
    unit: str
    stated: float
    """Acts a second, of all of them, where none ever has to wait for the server."""
    held: float
    """Acts a second that were done."""
    attempts: int
    unconnected: int
    opened: int
    acts: int
    bytes_sent: int
    ends: dict[str, int]
    met: dict[str, float]
    """By how much each counter of its defence moved."""

    @property
    def took_place(self) -> bool:
        """Whether it was done, and noticed."""
        return self.attempts > self.unconnected and (self.acts > 0 or self.unit == "connections") and self.noticed

    @property
    def noticed(self) -> bool:
        """Whether a counter of its defence moved."""
        return any(grown > 0 for grown in self.met.values())


def done(
    attack: Attack,
    attackers: int,
    seconds: float,
    tallies: tuple[Mapping[str, Any], Mapping[str, Any]],
    counters: tuple[Mapping[str, float], Mapping[str, float]],
) -> Done:
    """From what was counted before and behind."""
    before, behind = tallies

    def grown(name: str) -> int:
        return int(behind[name] - before[name])

    acts = grown("acts") if attack.acts else grown("attempts")
    ends = Counter(behind["ends"])
    ends.subtract(before["ends"])
    return Done(
        name=attack.name,
        does=attack.does,
        attackers=attackers,
        unit=attack.unit,
        stated=attack.rate * attackers,
        held=acts / seconds,
        attempts=grown("attempts"),
        unconnected=grown("unconnected"),
        opened=grown("opened"),
        acts=grown("acts"),
        bytes_sent=grown("bytes_sent"),
        ends={how: count for how, count in ends.most_common() if count},
        met={name: counters[1].get(name, 0) - counters[0].get(name, 0) for name in attack.met},
    )


def gate(name: str, value: float | None, bound: float, why: str = "", *, at_least: bool = False) -> Gate:
    """What must hold of a single run."""
    return Gate(name, Spread.over([value]), bound, at_least, why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All of it."""

    machine: str
    load_average: float | None
    pinned: bool
    setting: str
    seconds: float
    """How long the attack lasted."""
    calm: Sample
    """Before anybody attacked."""
    samples: list[Sample]
    trips: dict[str, dict[str, dict[str, float]]]
    """Round trips by window and by way, plain or TLS: the fields of a `Distribution`."""
    newcomers: dict[str, dict[str, Any]]
    """By window: for each who came, the seconds until its 101 and until it heard itself; and who never did."""
    done: list[Done]
    counters: dict[str, float]
    """By how much the server's moved in the attack."""
    memory: dict[str, int | None]
    descriptors: dict[str, int | None]
    steps: dict[str, float]
    """Of each kind, the longest one, in seconds."""
    slices: dict[str, dict[str, float]]
    """What they took of the slices that had any, in the last minutes: the fields of a `Distribution`."""
    cpu: dict[str, float]
    """Of each of the load's processes, the share of a core in the attack."""
    late: dict[str, float]
    """How long each was without a turn at worst, in seconds."""
    log: list[str]
    notes: list[str]
    gates: list[Gate]

    def complaints(self) -> list[str]:
        """The gates that do not hold."""
        return [str(gate) for gate in self.gates if not gate.passed]

    def lines(self) -> Iterator[str]:
        """The figures for people."""
        yield from heading(self.machine, self.load_average, pinned=self.pinned)
        yield f"hostile      {self.setting}"
        yield ""
        rows = {
            f"{window} {way}": Distribution(**of)  # type: ignore[arg-type]
            for window, ways in self.trips.items()
            for way, of in ways.items()
            if of["count"]
        }
        yield "round trip, which holds the wait for the next frame and the frame itself"
        yield from table(rows)
        for window, of in self.newcomers.items():
            answered = sorted(of["answered"])
            if answered:
                yield (
                    f"newcomers    {window}: {len(answered)} came; heard in {median(answered) * MS:.0f} ms, at worst "
                    f"{answered[-1] * MS:.0f} ms; {of['waiting']} never"
                )
        yield ""
        yield from self._server()
        yield ""
        yield from self._attacks()
        yield ""
        yield from (f"note         {note}" for note in self.notes)
        yield from (f"log          {line}" for line in self.log)
        yield from map(str, self.gates)

    def _server(self) -> Iterator[str]:
        samples = self.samples
        yield f"frames       {median(sample.frames for sample in samples):.2f} a second, in the slowest sample " + (
            f"{min(sample.frames for sample in samples):.2f}"
        )
        yield (
            f"slice        p50 {median(sample.slice_p50 for sample in samples) * MS:.2f} ms; in the slowest sample "
            f"p99 {max(sample.slice_p99 for sample in samples) * MS:.2f} ms, CPU time "
            f"{max(sample.slice_cpu_p99 for sample in samples) * MS:.2f} ms; worst "
            f"{max(sample.slice_worst for sample in samples) * MS:.2f} ms"
        )
        calm = self.calm
        yield (
            f"before       p50 {calm.slice_p50 * MS:.2f} ms, p99 {calm.slice_p99 * MS:.2f} ms, CPU time "
            f"{calm.slice_cpu_p99 * MS:.2f} ms, worst {calm.slice_worst * MS:.2f} ms; {calm.cpu_share:.0%} CPU"
        )
        yield "steps        longest, ms: " + ", ".join(
            f"{kind} {seconds * MS:.2f}" for kind, seconds in sorted(self.steps.items(), key=lambda of: -of[1])
        )
        yield "of a slice   p50/p99, ms: " + ", ".join(
            f"{kind} {of['p50'] * MS:.2f}/{of['p99'] * MS:.2f}"
            for kind, of in sorted(self.slices.items(), key=lambda pair: -pair[1]["p50"])
        )
        yield f"CPU          server {median(sample.cpu_share for sample in samples):.0%}; " + ", ".join(
            f"{who} {share:.0%}, at worst {self.late[who] * MS:.0f} ms without the CPU"
            for who, share in self.cpu.items()
        )
        yield "memory       " + _in_turn(
            {when: None if of is None else of / MB for when, of in self.memory.items()}, "MB"
        )
        yield "descriptors  " + _in_turn(self.descriptors)
        yield "counters     " + ", ".join(f"{name} {count:,.0f}" for name, count in self.counters.items() if count)

    def _attacks(self) -> Iterator[str]:
        rows = [["attack", "attackers", "stated/s", "done/s", "unit", "attempts/s", "in/s", "kB/s", "how it ended"]]
        for of in self.done:
            ends = ", ".join(f"{count:,} {how}" for how, count in list(of.ends.items())[:ENDS])
            rows.append(
                [
                    of.name,
                    f"{of.attackers}",
                    f"{of.stated:,.0f}",
                    f"{of.held:,.0f}",
                    of.unit,
                    f"{of.attempts / self.seconds:,.1f}",
                    f"{of.opened / self.seconds:,.1f}",
                    f"{of.bytes_sent / self.seconds / 1e3:,.1f}",
                    ends or "still there",
                ]
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [
                f"{cell:<{width}}" if at in (0, 4, 8) else f"{cell:>{width}}"
                for at, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            yield "  ".join(cells).rstrip()


def _in_turn(of: Mapping[str, float | int | None], unit: str = "") -> str:
    def shown(value: float | int | None) -> str:
        if value is None:
            return "unknown"
        return f"{value:.1f} {unit}" if unit else f"{value}"

    return " -> ".join(f"{shown(value)} {when}" for when, value in of.items())
