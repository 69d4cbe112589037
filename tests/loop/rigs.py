"""What the loop's tests share: a loop on a manual clock, and subsystems that note what is done to them."""

from typing import Any

import pytest

from tickws.clock import ManualClock
from tickws.loop.events import LoopSlipped, LoopSlow
from tickws.loop.subsystem import Loop, Subsystem
from tickws.loop.tickloop import TickLoop
from tickws.loop.timestep import Tick

PERIOD = 1 / 60


class Rig:
    """A loop at 60 Hz on a manual clock; what its systems and subsystems do costs what `costs` says, in seconds."""

    def __init__(self, rate: int = 60, **options: Any) -> None:
        self.clock = ManualClock(100.0)
        self.loop = TickLoop(rate, clock=self.clock, **options)
        self.log: list[Any] = []
        self.slow: list[LoopSlow] = []
        self.slipped: list[LoopSlipped] = []
        self.loop.bus.subscribe(LoopSlow, self.slow.append)
        self.loop.bus.subscribe(LoopSlipped, self.slipped.append)

    def system(self, name: str = "system", cost: float = 0.0, error: BaseException | None = None) -> None:
        """Add a system that takes `cost` seconds, and raises `error`."""

        @self.loop.system(name=name)
        def run(tick: Tick) -> None:
            self.log.append((name, tick.number))
            self.clock.advance(cost)
            if error is not None:
                raise error

    def sub(self, name: str = "sub", **options: Any) -> "Sub":
        """Add a subsystem that takes what `options` say."""
        budget = options.pop("budget", None)
        sub: Sub = self.loop.add(Sub(self, name, **options), budget=budget, name=name)
        return sub

    def frames(self, count: int, every: float = PERIOD) -> list[int]:
        """A host: a frame, and then `every` seconds from frame to frame, less what the frame took. Gives the ticks."""
        ran = []
        for _ in range(count):
            due = self.clock.now() + every
            ran.append(self.loop.frame())
            self.clock.advance(max(0.0, due - self.clock.now()))
        return ran

    def run(self, ticks: int) -> None:
        """`run()` for that many ticks."""
        self.loop.system(name="stopper")(lambda tick: self.loop.stop() if tick.number >= ticks - 1 else None)
        self.loop.run()


class Sub(Subsystem):
    """Notes all that is done to it; takes time, or raises, where it is told."""

    def __init__(self, rig: Rig, name: str, **costs: Any) -> None:
        self.rig = rig
        self.name = name
        self.costs = costs
        self.budgets: list[float | None] = []
        self.rests: list[float | None] = []
        self.asleep = 0.0

    def _do(self, what: str, *arguments: object) -> None:
        self.rig.log.append((f"{self.name}.{what}", *arguments))
        cost = self.costs.get(what, 0.0)
        if isinstance(cost, BaseException):
            raise cost
        self.rig.clock.advance(cost(*arguments) if callable(cost) else cost)

    def attach(self, loop: Loop) -> None:
        self._do("attach")

    def receive(self, budget: float | None) -> None:
        self.budgets.append(budget)
        self._do("receive")

    def tick(self, tick: Tick) -> None:
        self._do("tick", tick.number)

    def flush(self, budget: float | None) -> None:
        self.rests.append(budget)
        self._do("flush")

    def idle(self, seconds: float) -> None:
        self._do("idle", pytest.approx(seconds, abs=2e-9))

    def close(self) -> None:
        self._do("close")

    def work(self, seconds: float) -> None:
        """Sleep, as a `work` that waits does."""
        self.rig.clock.advance(seconds)
        self.asleep += seconds

    @property
    def waited(self) -> float:
        return self.asleep


class Plain:
    """Has what a WebSocketServer has, and no more."""

    def __init__(self) -> None:
        self.log: list[object] = []

    def receive(self, budget: float | None, *, wait: float | None = 0) -> bool:
        self.log.append(("receive", budget))
        return True

    def flush(self, budget: float | None) -> bool:
        self.log.append(("flush", budget))
        return True

    def close(self, code: int = 1001) -> None:
        self.log.append("close")
