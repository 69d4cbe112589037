"""A loop at 60 Hz, with a server or without, and nothing beside it.

    python -m benchmarks.bare.host --kind sleep|loop|tickws|bare|work|picows|websockets [--watch 1] [--game 1] …

    sleep        a plain loop on `time.sleep(due - now)`
    loop         a `TickLoop`, empty
    tickws       a `TickLoop` with a `WebSocketServer`
    bare         the plain loop, with a `WebSocketServer`'s `receive` and `flush` once a turn
    work         `while server.work(0.020): pass`
    picows, ...  the plain loop, with that server stepped once a turn (`benchmarks.contenders`)

`--watch` measures how late each frame begins. `--game` answers each stamped input with its echo (`--echo 0`: with
nothing), and sends a snapshot every third tick. `--wake` makes the loop wake for input.

It says `{"port": P}`, and then, for each line `mark`, what happened since the line before (`marks.Mark`), until `end`.
"""

from __future__ import annotations

import argparse
import inspect
import logging
import os
import sys
import time
from collections import deque
from dataclasses import dataclass

import tickws
from benchmarks import contenders
from benchmarks.bare.marks import Host, Orders, now
from benchmarks.commands import answer
from benchmarks.payloads import FIRST, make_snapshot, read_stamped
from benchmarks.process import raise_descriptors
from tickws.clock import NANOSECONDS, nanoseconds
from tickws.statistics import Distribution

__all__ = ["KINDS", "RATE", "STEPPED", "can_wake"]

RATE = 60
BUDGET = 0.004
MOST = 0.012
"""What the server may use where the frame has it left: 400 players want more than 4 ms."""
WORK_SECONDS = 0.020
EVERY = 3
"""Ticks from one snapshot to the next."""
OWED = nanoseconds(0.25)
"""How far the plain loop may be behind, as a `TickLoop`; what is beyond slips."""
MOST_TICKS = 5
"""Of a `TickLoop`, in one frame."""
STEPPED = tuple(name for name in contenders.NAMES if name != "tickws")
KINDS = ("sleep", "loop", "tickws", "bare", "work", *STEPPED)


def can_wake() -> bool:
    """Whether this tickws has `wake_on_input`."""
    return "wake_on_input" in inspect.signature(tickws.TickLoop).parameters


class SleepHost(Host):
    """The plain loop: what everybody writes who needs a fixed rate."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._orders: deque[str] = deque()
        self._running = True
        super().__init__(options)
        self._server = contenders.of(options.kind)(self) if options.kind in STEPPED else None
        if self._server is not None:
            self.port = self._server.port

    def stop(self) -> None:
        self._running = False

    def run(self) -> None:
        """Sleep until it is time, and turn."""
        Orders(self._orders.append)
        start, ticks, slipped = now(), 0, 0
        watching = self.options.watch
        while self._running:
            due = start + slipped + ticks * NANOSECONDS // RATE
            left = due - now()
            if left > 0:
                time.sleep(left / NANOSECONDS)
            late = now() - due
            if watching:
                self.late.record(late)
            if late > OWED:
                slipped += late - OWED
                self.slipped = slipped / NANOSECONDS
            ticks += 1
            self.frames = ticks
            self.turn()
            if self._orders:
                self.order(self._orders.popleft())
        self.leave()

    def turn(self) -> None:
        """What comes once in each turn."""
        if self._server is not None:
            self._server.turn(None)
            self._server.write(None)

    def leave(self) -> None:
        """The end."""
        if self._server is not None:
            self._server.close()


class ServerHost(Host):
    """What has a `WebSocketServer`."""

    server: tickws.WebSocketServer | None = None

    def listen(self) -> tickws.WebSocketServer:
        """Open the door."""
        heard = self.heard if self.options.game else None
        self.server = tickws.WebSocketServer(
            port=0, on_open=self.opened, on_close=self.closed, on_message=heard, errors="raise"
        )
        self.port = self.server.port
        return self.server

    def heard(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        """A player's input."""
        self.delay.record(now() - read_stamped(message)[-1])
        if self.options.echo:
            ws.send(message)

    def polls(self) -> tuple[int | None, int | None]:
        """As the server counts them."""
        if self.server is None:
            return None, None
        statistics = self.server.statistics()
        return getattr(statistics, "polls", None), statistics.empty_polls


class BareHost(ServerHost, SleepHost):
    """The plain loop, and a server that it calls."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.listen()

    def turn(self) -> None:
        assert self.server is not None
        self.server.receive(0.75 * BUDGET)
        self.server.flush(0.25 * BUDGET)

    def leave(self) -> None:
        assert self.server is not None
        self.server.abort()


class WorkHost(ServerHost):
    """A server that paces its own loop: `work`."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._orders: deque[str] = deque()
        super().__init__(options)
        self.frames = 0
        self.listen()

    def stop(self) -> None:
        assert self.server is not None
        self.server.abort()

    def run(self) -> None:
        """Work, until it is closed."""
        Orders(self._orders.append)
        server = self.server
        assert server is not None
        turns = 0
        while server.work(WORK_SECONDS):
            turns += 1
            if self._orders:
                self.frames = turns
                self.order(self._orders.popleft())


@dataclass(frozen=True, slots=True)
class Order:
    """What the parent said, on its way to the loop's thread."""

    line: str


class WatchedClock(tickws.SystemClock):
    """The machine's clock, and when it woke last."""

    woke = 0

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.woke = now()


class LoopHost(ServerHost, tickws.Subsystem):
    """A `TickLoop`. As a subsystem it watches when its frames begin."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._clock = WatchedClock() if options.watch else tickws.SystemClock()
        self.loop = tickws.TickLoop(rate=RATE, clock=self._clock)
        if options.wake:
            self.loop = tickws.TickLoop(rate=RATE, clock=self._clock, wake_on_input=True)
        super().__init__(options)
        self._origin: int | None = None  # when tick 0 was due
        self._snapshots = 0
        self.loop.bus.subscribe(Order, lambda order: self.order(order.line))
        if options.watch:
            self.loop.add(self)
        if options.kind == "tickws":
            self.loop.add(self.listen(), budget=BUDGET, most=MOST)
        if options.game:
            self.loop.system(self._play)

    def receive(self, budget: float | None) -> None:
        """A frame has begun, for some ticks or for none."""
        called = now()
        if self._origin is None or not isinstance(self._clock, WatchedClock):
            return
        began = self._clock.woke or called  # 0: it did not sleep, as the tick was due already
        self._clock.woke = 0
        zero = self._origin + nanoseconds(self.loop.slipped)
        for tick in range(self.loop.ticks, self.loop.ticks + MOST_TICKS):
            due = zero + tick * NANOSECONDS // RATE
            if due > called:
                break
            self.late.record(max(0, began - due))
            self.called.record(called - due)

    def idle(self, seconds: float) -> None:
        """The next tick is due in so many seconds: from that, when all are. The closest look is the best."""
        if seconds > 0:
            passed = self.loop.ticks * NANOSECONDS // RATE + nanoseconds(self.loop.slipped)
            origin = now() + nanoseconds(seconds) - passed
            self._origin = origin if self._origin is None else min(self._origin, origin)

    def told(self) -> Distribution | None:
        return self.loop.statistics().frame_lateness

    def _play(self, tick: tickws.Tick) -> None:
        if tick.number % EVERY == 0 and self.server is not None:
            self.server.broadcast_latest("world", make_snapshot(FIRST + self._snapshots))
            self._snapshots += 1

    def order(self, line: str) -> None:
        self.frames, self.slipped = self.loop.ticks, self.loop.slipped
        super().order(line)

    def stop(self) -> None:
        if self.server is not None:
            self.server.abort()
        self.loop.stop()

    def run(self) -> None:
        """As a user has it."""
        Orders(lambda line: self.loop.bus.emit(Order(line)))
        self.loop.run()


def main(arguments: list[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bare.host", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--watch", type=int, default=0)
    parser.add_argument("--game", type=int, default=0)
    parser.add_argument("--echo", type=int, default=1)
    parser.add_argument("--wake", type=int, default=0)
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    raise_descriptors()
    kinds: dict[str, type[Host]] = {"loop": LoopHost, "tickws": LoopHost, "bare": BareHost, "work": WorkHost}
    host = kinds.get(options.kind, SleepHost)(options)
    answer({"port": host.port})
    host.run()
    sys.stdout.flush()
    os._exit(0)  # how a peer's tasks end that nobody turns any more is not the question


if __name__ == "__main__":
    sys.exit(main())
