"""What the tests of the slice share: a server on a loop at 60 Hz, on a clock at which every look and callback costs."""

from collections import Counter
from typing import Any

from tests.transport.peers import House, Ticking, text
from tickws.loop.tickloop import TickLoop
from tickws.testing import Conditions

PERIOD = 1 / 60
BUDGET = 0.004
LOOK = 1e-6
"""Seconds that a look at the clock takes: every step takes one."""
LOOKS = 16 * LOOK
"""Of a slice: those at the ends of its halves, and of the calls in between."""
MESSAGE = 4e-6
"""Seconds that a callback for a message takes."""


class Timed:
    """A server as a subsystem, of which each frame's seconds are noted.

    Args:
        server: has `receive` and `flush`.
    """

    def __init__(self, server: Any, clock: Ticking) -> None:
        self.slices: list[float] = []
        self._server = server
        self._clock = clock

    def receive(self, budget: float | None) -> None:
        self.slices.append(0.0)
        self._measure(self._server.receive, budget)

    def flush(self, budget: float | None) -> None:
        self._measure(self._server.flush, budget)

    def _measure(self, half: Any, budget: float | None) -> None:
        begun = self._clock.instant
        try:
            half(budget)
        finally:
            self.slices[-1] += self._clock.instant - begun


class Stage:
    """A house whose server stands on a loop that a host calls 60 times a second.

    Args:
        budget: of the server.
        costs: seconds of each callback, by its kind ("message", "open", "close", "request").
        options: of the house.
    """

    def __init__(self, budget: float | None = BUDGET, *, costs: dict[str, float] | None = None, **options: Any) -> None:
        self.clock = Ticking(reading=LOOK)
        self.costs = {"message": MESSAGE, **(costs or {})}
        for kind in self.costs:
            options[f"on_{kind}"] = self._costing(kind, options.pop(f"on_{kind}", None))
        self.house = House(clock=self.clock, **options)
        self.server = self.house.server
        self.loop = TickLoop(60, clock=self.clock)
        self.timed = self.loop.add(Timed(self.server, self.clock), budget=budget)
        self.heard: list[tuple[str, str]] = []
        """Path and message, of the last frame."""
        self._due = 0.0

    def _costing(self, kind: str, then: Any) -> Any:
        def call(*arguments: Any) -> Any:
            self.clock.advance(self.costs[kind])
            return kind == "request" if then is None else then(*arguments)

        return call

    def frame(self) -> int:
        """One frame of the host, which begins on time; gives the ticks."""
        behind = self._due - self.clock.instant
        self.clock.advance(max(0.0, behind))
        self._due = self.clock.instant + PERIOD
        before = len(self.house.log)
        ran = self.loop.frame()
        self.heard = [(entry[1], entry[2]) for entry in self.house.log[before:] if entry[0] == "message"]
        return ran

    @property
    def now(self) -> int:
        """The number of the last frame."""
        return len(self.timed.slices) - 1

    @property
    def worst(self) -> float:
        """Seconds of the longest slice."""
        return max(self.timed.slices)


class Players:
    """Clients who say one numbered input before each frame.

    Args:
        stage: where they play.
        count: how many; their paths are /0, /1, …
    """

    def __init__(self, stage: Stage, count: int) -> None:
        self.stage = stage
        self.peers = stage.house.peers(count)
        self.paths = {f"/{number}" for number in range(count)}
        self.delays: list[int] = []
        """For each input that was read: frames between its arrival and its callback."""
        self._said = 0
        self._next: Counter[str] = Counter()

    def frame(self) -> None:
        """Everybody says its input, and the host has its frame."""
        for peer in self.peers:
            peer.say(text(str(self._said)))
        self._said += 1
        self.rest()

    def rest(self) -> None:
        """A frame in which nothing is said: what is read is noted, and must be in order."""
        self.stage.frame()
        for path, message in self.stage.heard:
            if path in self.paths:
                assert message == str(self._next[path]), "in order, and once"
                self._next[path] += 1
                self.delays.append(self._said - 1 - int(message))

    @property
    def missing(self) -> int:
        """Inputs that were said and not read."""
        return self._said * len(self.peers) - sum(self._next.values())


class Flooder:
    """A client whose line is always full of numbered messages.

    Args:
        line: bytes that its line holds.
    """

    def __init__(self, stage: Stage, path: str, line: int = 4096) -> None:
        self.path = path
        self.said = 0
        """Messages that are on their way, or were read."""
        self.peer = stage.house.peer(path, conditions=Conditions(buffer_bytes=line))
        self._rest = b""

    def fill(self) -> None:
        """Say as much as the line takes."""
        while True:
            if not self._rest:
                self._rest = b"".join(text(str(self.said + number)) for number in range(100))
                self.said += 100
            try:
                self._rest = self._rest[self.peer.socket.send(self._rest) :]
            except BlockingIOError:
                return

    def finish(self) -> bool:
        """Say the rest of the last words; whether that is done."""
        if self._rest:
            try:
                self._rest = self._rest[self.peer.socket.send(self._rest) :]
            except BlockingIOError:
                return False
        return not self._rest
