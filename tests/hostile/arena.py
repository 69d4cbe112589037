"""A real server on a memory network, on a clock that costs, under watch: who does what to it, and what it promises.

`Arena` is what the machines (`test_machine.py`) and the fuzz targets (`tests/fuzz/server.py`) drive: honest clients,
attackers, and a program whose callbacks do what they are told to. `check` raises where a promise is broken.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from typing import Any

from tests.hostile.attackers import Attacker
from tests.hostile.bounds import check_memory
from tests.hostile.honest import Honest
from tests.hostile.program import Program
from tests.transport.peers import FRAME
from tickws.clock import NANOSECONDS
from tickws.protocol.extensions import Deflate
from tickws.testing import Conditions
from tickws.transport.readingtime import STALL

__all__ = ["LOOK", "Arena"]

LOOK = 0.0001
"""Seconds that a look at the clock takes, where one takes any."""
LOOKS = 20
"""Of a slice: those at its ends, and those of a step."""
MOST_SAID = 200
"""After so many messages an honest client has said enough."""


class Arena(Program):
    """The server, and everybody.

    Args:
        options: as `Program`'s.
    """

    def __init__(self, **options: Any) -> None:
        gc.collect(0)
        gc.disable()  # its runs look at the clock
        self._level = logging.getLogger("tickws").level
        logging.getLogger("tickws").setLevel(logging.CRITICAL + 1)
        super().__init__(**options)
        self.attackers: list[Attacker] = []
        self.over = self.settling = False

    # -- the others --------------------------------------------------------------------------------------------------

    def join(self, conditions: Conditions, compression: Deflate | None = None) -> Honest:
        """An honest client comes."""
        honest = Honest(self, conditions, compression)
        self.honest[honest.address] = honest
        if self.closing:
            self.visit(honest.address).excuse = "the server closed"
        return honest

    def attack(self, conditions: Conditions, *, tunnel: bool = False) -> Attacker:
        """Somebody else comes."""
        attacker = Attacker(self, conditions, tunnel=tunnel)
        self.attackers.append(attacker)
        return attacker

    # -- time --------------------------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let time pass in which nobody does anything."""
        self.network.clock.advance(seconds)
        if self.clock is not self.network.clock:
            self.clock.advance(seconds)

    def frame(self, budget: float | None = None, *, halves: bool = False, wait: float = 0.0) -> None:
        """One frame of everybody."""
        self.slice(budget, halves=halves, wait=wait)
        for honest in self.honest.values():
            if honest.opened and not self.settling and len(honest.sent) < MOST_SAID:
                for _ in range(self.chatter):
                    honest.say(0)
            honest.turn()
        for attacker in self.attackers:
            attacker.turn()
        self.advance(FRAME)
        self.check()

    def slice(self, budget: float | None, *, halves: bool = False, wait: float = 0.0) -> None:
        """One slice of the server, which may overshoot its budget by a step of each half."""
        now, dead = self.server._listened.now, self.limits.dead_seconds * NANOSECONDS
        for honest in self.honest.values():
            if honest.stalled and now + STALL - honest.worked >= dead:
                visit = self.visit(honest.address)
                visit.excuse = visit.excuse or "it was silent"
        if halves:
            self._timed(lambda: self.server.receive(budget), budget)
            self._timed(lambda: self.server.flush(budget), budget)
        else:
            wait = wait if self.clock is self.network.clock else 0.0
            self._timed(lambda: self.server.work(budget, wait=wait), budget)

    def _timed(self, call: Callable[[], bool], budget: float | None) -> None:
        before, escaped = self.instant, self.escaped
        self._stepped = self._produced = 0.0
        self.over = not self._guarded(call) or self.over
        if budget is None or escaped != self.escaped:  # an error on its way out may come at any time
            return
        # Of `work` a quarter is the second half's own: the first half's overshoot is paid from it.
        both = max(self._stepped, self._produced, self._stepped + self._produced - budget / 4)
        spent = self.instant - before
        if spent > budget + both + LOOKS * self.reading + 1e-9:
            self.fault(f"a slice of {budget:g} s took {spent:g} s: steps of {self._stepped:g} s, {self._produced:g} s")

    @property
    def instant(self) -> float:
        """Seconds on the server's clock, for nothing."""
        return self.clock._now / NANOSECONDS

    # -- what must be so ---------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise for what is not as promised."""
        check_memory(self)
        failed = self.server._links.notices.failed
        if failed != self.raised:
            self.fault(f"{failed} callbacks have failed, {self.raised} were to")
        assert not self.faults, "; ".join(self.faults[:3])

    def settle(self) -> None:
        """Nobody begins anything more; attackers hang. Whoever is honest is heard, and hears, to the end."""
        self.settling = True
        self.plans.clear()
        for attacker in self.attackers:
            attacker.reads = False
            attacker._unsent = attacker._plain = b""
        for honest in self.honest.values():
            honest.stalled = False
        for _ in range(1200):
            self.frame()
            if self.over or self._settled():
                break
        else:
            alive = [honest for honest in self.honest.values() if honest.alive]
            found = [(len(one.sent), self.visit(one.address).heard, one.heard) for one in alive]
            self.fault(f"somebody waits for ever: sent, delivered, heard: {found}")
        self.check()

    def _settled(self) -> bool:
        for honest in self.honest.values():
            visit = self.visit(honest.address)
            if honest.alive and visit.opens and (visit.heard < len(honest.sent) or honest.heard < len(visit.said)):
                return False
        return True

    def finish(self, *, abort: bool = False) -> None:
        """The server is closed, and nothing is left: no connection, descriptor, timer, or WebSocket."""
        try:
            self.settle()
            self.close(abort=abort)
            for _ in range(400):
                if self.over:
                    break
                self.frame()
                self.advance(0.1)
            else:
                self.fault("close() has no end")
            for _ in range(400):
                if all(honest.over for honest in self.honest.values()):
                    break
                self.frame()
                self.advance(0.1)
            self._nothing_left()
        finally:
            logging.getLogger("tickws").setLevel(self._level)
            gc.enable()

    def _nothing_left(self) -> None:
        for honest in self.honest.values():
            if not honest.over:
                self.fault(f"a client hangs: {honest.client.websocket!r}")
        for attacker in self.attackers:
            attacker.close()
        links = self.server._links
        timers = links.deadlines.timers
        left = (
            timers.next_due(),
            timers._heap,
            links.by_fd,
            links.open,
            [*links.notices.farewells],
            links.backlog._told,
        )
        if any(left):
            self.fault(f"the server keeps {left}")
        if self.network.sockets:
            self.fault(f"descriptors are left open: {list(self.network.sockets)}")
        for address, visit in self.visits.items():
            if visit.opens != visit.closes:
                self.fault(f"{address} was opened and never closed")
        told = self.server.statistics()
        opens = sum(visit.opens for visit in self.visits.values())
        if not told.opened == sum(told.closed.values()) == opens or told.connections or told.open:
            self.fault(f"of {opens} connections it counted {told.opened}, {dict(told.closed)}")
        self.plans.clear()
        del told
        if any(ref() is not None for ref in self._sockets):
            gc.collect()
            kept = [ref for ref in self._sockets if ref() is not None]
            if kept:
                self.fault(f"{len(kept)} WebSockets are kept by something")
        assert not self.faults, "; ".join(self.faults[:3])
