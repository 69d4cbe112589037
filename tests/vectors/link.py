"""A server and a client at the two ends of a slow line, in simulated time: what the client's sums are fed with.

`play` lets them run and returns the calls that the client made of `Timeline` and `Pacer`, and what came of them: how
many input frames were late, how far playback lay behind. No sockets, no clocks; the same arguments give the same calls.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import tickws.sync.schema as schema
from tickws.client.pacer import Pacer
from tickws.client.timeline import Timeline
from tickws.sync.inputs import InputBuffer

START = 1000.0
"""The client's clock when the server's says 0."""


class Move(schema.Input):
    """One held field, one press."""

    dy: float = 0.0
    serve: schema.Press = False


@dataclass(frozen=True)
class Line:
    """What lies between the two, and how fast they run; all times in seconds."""

    rate: int = 60
    snapshot_rate: int = 20
    fps: float = 60.0
    trip: float = 0.0
    jitter: float = 0.0
    """Each way takes up to so much longer, in order, as TCP."""
    spike: float = 0.0
    """Chance that a message is held up for `spike_seconds`, and all that follow with it: a lost packet."""
    spike_seconds: float = 0.2
    pauses: tuple[tuple[float, float], ...] = ()
    """Times at which the client draws no frames, as (from, to): a hitch, a hidden tab."""
    hangs: tuple[tuple[float, float], ...] = ()
    """Times at which the server runs no ticks, as (from, for how long); beyond 0.25 s its time slips."""
    trips: tuple[tuple[float, float], ...] = ()
    """Changes of the round trip, as (from, trip)."""
    at_arrival: bool = True
    """Snapshots are timed when they arrive (as in a browser), not when the next frame finds them."""


@dataclass
class Played:
    """What came of it."""

    timeline_calls: list[list[Any]] = field(default_factory=list)
    pacer_calls: list[list[Any]] = field(default_factory=list)
    frames: int = 0
    late: int = 0
    refused: int = 0
    ticks: int = 0
    repeated: int = 0
    leads: Counter[int] = field(default_factory=Counter)
    """How early frames came."""
    pacer_leads: list[int] = field(default_factory=list)
    behind: list[float] = field(default_factory=list)
    """By how much playback lay behind the newest snapshot that had come, at each of the client's frames."""
    delays: list[float] = field(default_factory=list)
    speeds: Counter[float] = field(default_factory=Counter)
    welcomed: float = 0.0
    """Local time at which the pacer began."""
    backwards: int = 0
    """Frames in which playback went back."""


class Simulation:
    """One run; see `play`."""

    def __init__(self, line: Line, seed: int, warm: float) -> None:
        self.line = line
        self.warm = warm
        self.chance = random.Random(seed)
        self.played = Played()
        self.queue: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self.count = 0
        self.arrivals = {"up": 0.0, "down": 0.0}
        # the server
        self.tick = 0
        self.slipped = 0.0
        self.inputs = InputBuffer(schema.InputSchema(Move), line.rate, -1)
        self.unread: list[tuple[int, int]] = []
        self.read_at = 0.0
        # the client
        self.pacer: Pacer | None = None
        self.timeline = Timeline(line.snapshot_rate)
        self.sequence = 0
        self.came: list[tuple[float, tuple[Any, ...]]] = []
        self.playback = 0.0

    def at(self, when: float, what: Callable[..., None], *arguments: Any) -> None:
        self.count += 1
        heapq.heappush(self.queue, (when, self.count, what, arguments))

    def send(self, way: str, now: float, what: Callable[..., None], *arguments: Any) -> None:
        trip = next((trip for since, trip in reversed(self.line.trips) if now >= since), self.line.trip)
        delay = trip / 2 + self.chance.uniform(0, self.line.jitter)
        if self.chance.random() < self.line.spike:
            delay += self.line.spike_seconds
        self.arrivals[way] = max(self.arrivals[way], now + delay)
        self.at(self.arrivals[way], what, self.arrivals[way], *arguments)

    def run(self, seconds: float) -> Played:
        self.at(0.0, self.serve, 0.0)
        self.send("down", 0.0, self.welcome)
        while self.queue and self.queue[0][0] < seconds:
            _, _, what, arguments = heapq.heappop(self.queue)
            what(*arguments)
        return self.played

    # the server: one frame, one tick

    def serve(self, now: float) -> None:
        hang = next((begin + for_ for begin, for_ in self.line.hangs if begin <= now < begin + for_), None)
        if hang is not None:
            self.at(hang, self.serve, hang)
            return
        due = self.tick / self.line.rate + self.slipped
        self.slipped += max(0.0, now - due - 0.25)
        warm = now >= self.warm
        for sequence, tick in self.unread:
            late = self.inputs.late
            self.played.refused += bool(self.inputs.receive(sequence, tick, Move(0.5)))
            self.read_at = now
            if warm:
                self.played.frames += 1
                self.played.late += self.inputs.late - late
                self.played.leads[tick - (self.tick - 1)] += 1
        self.unread.clear()
        ran = 0
        while self.tick / self.line.rate + self.slipped <= now + 1e-9 and ran < 5:
            missed = self.inputs.missed
            self.inputs.advance(self.tick)
            if warm:
                self.played.ticks += 1
                self.played.repeated += self.inputs.missed - missed
            if (self.tick + 1) % (self.line.rate // self.line.snapshot_rate) == 0:
                time = round((self.tick / self.line.rate + self.slipped) * 1e6) / 1e6
                self.inputs.mark()
                answer = self.inputs.acknowledgment(round((now - self.read_at) * 1e6))
                self.send("down", now, self.snapshot, time, round(self.slipped, 6), answer.received, answer.lead)
            self.tick += 1
            ran += 1
        following = max(now + 1e-4, self.tick / self.line.rate + self.slipped)
        self.at(following, self.serve, following)

    def receive(self, now: float, sequence: int, tick: int) -> None:
        self.unread.append((sequence, tick))

    # the client

    def welcome(self, now: float) -> None:
        self.played.welcomed = round(START + now, 6)
        self.pacer = Pacer(self.line.rate, 0, 0.0, self.played.welcomed)
        self.at(now, self.draw, now)

    def snapshot(self, now: float, *what: Any) -> None:
        self.came.append((now, what))

    def draw(self, now: float) -> None:
        """One frame of the client: take in, send, show."""
        pause = next((end for begin, end in self.line.pauses if begin <= now < end), None)
        following = now + 1 / self.line.fps if pause is None else pause
        self.at(following, self.draw, following)
        if pause is not None:
            return
        assert self.pacer is not None
        here = round(START + now, 6)
        for arrived, (time, slipped, received, lead) in self.came:
            when = round(START + arrived, 6) if self.line.at_arrival else here
            self.timeline.insert(time, when)
            self.log(self.played.timeline_calls, "insert", time, when)
            self.pacer.snapshot(time, slipped, when)
            self.pacer.feedback(received, lead, self.sequence + 1, when)
            self.played.pacer_calls.append(["snapshot", time, slipped, when, self.pacer.tick(when)])
            call = ["feedback", received, lead, self.sequence + 1, when, self.pacer.lead]
            self.played.pacer_calls.append(call)
        self.came.clear()
        due = self.pacer.due(here)
        self.played.pacer_calls.append(["due", here, list(due)])
        for tick in due:
            self.sequence += 1
            self.send("up", now, self.receive, self.sequence, tick)
        self.show(here, now >= self.warm)

    def show(self, here: float, warm: bool) -> None:
        playback = self.timeline.advance(here)
        self.log(self.played.timeline_calls, "advance", here)
        if warm and self.timeline.latest is not None and self.pacer is not None:
            self.played.behind.append(self.timeline.latest - playback)
            self.played.delays.append(self.timeline.delay)
            self.played.speeds[self.timeline.speed] += 1
            self.played.pacer_leads.append(self.pacer.lead)
            self.played.backwards += playback < self.playback
        self.playback = playback

    def log(self, calls: list[list[Any]], *call: Any) -> None:
        calls.append([*call, *shown(self.timeline, call[0])])


def shown(timeline: Timeline, after: str) -> list[float]:
    """What a call has left behind: [playback], after an insert also the delay and the speed."""
    return [timeline.playback, *([timeline.delay, timeline.speed] if after == "insert" else [])]


def play(line: Line, *, seconds: float, seed: int = 1, warm: float = 0.0) -> Played:
    """Let both ends run for `seconds`; what happens before `warm` is not counted."""
    return Simulation(line, seed, warm).run(seconds)
