"""Bytes as a script of what attackers do, so that a fuzzer that knows nothing of hypothesis can drive an `Arena`.

Each step has a byte that says what, one that says to whom or how much, one for the length of what follows, and so many
more. Every input means something, and the same in every run.
"""

from __future__ import annotations

from tests.fuzz.target import Plan
from tests.hostile.acts import CALLBACKS, make_act
from tests.hostile.arena import LOOK, Arena
from tests.hostile.attackers import Attacker
from tests.hostile.words import word
from tickws.protocol.extensions import Deflate
from tickws.testing import Conditions

__all__ = ["Script"]

COMPRESSION, BY_FRAME, COSTLY, FEW, ALONE = 1, 2, 4, 8, 16
"""The flags: compression is agreed to; frames are delivered as they come; looks and callbacks take time; there are few
places; what is compressed stands alone."""
BUDGETS = (None, 0, 0.0003, 0.002)
MOST_ATTACKERS = 6
MOST_FRAMES = 200
LINES = (Conditions(), Conditions(buffer_bytes=600), Conditions(latency=0.03), Conditions(buffer_bytes=5000))
COSTS = {"request": 0.0005, "open": 0.0005, "message": 0.001, "close": 0.002, "produce": 0.0005}


class Script:
    """One input: attackers beside one honest client, who says something in each frame and gets an answer.

    Args:
        given: the flags say what kind of server it is, the rest are the steps.
        secure: whether it speaks TLS.
    """

    def __init__(self, given: Plan, *, secure: bool = False) -> None:
        flags = given.flags
        deflate = Deflate(context_takeover=not flags & ALONE) if flags & COMPRESSION and not flags & BY_FRAME else None
        self.arena = Arena(
            reading=LOOK if flags & COSTLY else 0.0,
            cost=COSTS if flags & COSTLY else {},
            compression=deflate,
            by_frame=bool(flags & BY_FRAME),
            most=3 if flags & FEW else 12,
            secure=secure,
            chatter=1,
        )
        self.steps = given.sent
        self.budget = BUDGETS[given.sizes[0] % len(BUDGETS)]
        self.halves = bool(given.sizes[1] & 1)
        self.secure = secure
        self.attackers: list[Attacker] = []
        self.frames = 0

    def play(self) -> None:
        """All steps, and the end; raises for what is not as promised."""
        arena = self.arena
        try:
            honest = arena.join(Conditions(), arena.compression)
            for _ in range(20):
                arena.frame()
            assert honest.opened, "nobody keeps the first one out"
            position = 0
            while position + 2 < len(self.steps):
                what, number, size = self.steps[position : position + 3]
                self.step(what, number, self.steps[position + 3 : position + 3 + size])
                position += 3 + size
        finally:
            arena.finish()

    def step(self, what: int, number: int, body: bytes) -> None:
        """One step; half of all values of `what` are words, of whoever came last."""
        arena = self.arena
        if what & 0x80 and self.attackers:
            self.attackers[-1].put(word(what & 0x7F, number, body))
            self.pass_time(1)
            return
        kind = what % 12
        if kind < 2 or not self.attackers:
            self.come(kind == 0, number, body)
        elif kind < 4:
            self.attackers[-1].put_raw(body)
        elif kind == 4:
            self.attackers.append(self.attackers.pop(number % len(self.attackers)))
        elif kind == 5:
            self.attackers[-1].reads = bool(number & 1)
        elif kind == 6:
            act = (Attacker.half_close, Attacker.reset, Attacker.close, Attacker.vanish)[number % 4]
            act(self.attackers[-1])
        elif kind == 7:
            arena.advance((0.1, 1.0, 30.0)[number % 3])
        elif kind == 8:
            self.act(number, body)
        elif kind == 9:
            arena.plan(CALLBACKS[number % len(CALLBACKS)], make_act(number // 8, number, 9 * sum(body)))
        else:
            self.pass_time(1 + number % 60)

    def come(self, well: bool, number: int, body: bytes) -> None:
        """One more attacker, in place of an old one where there are too many; half of them know how to ask."""
        if len(self.attackers) >= MOST_ATTACKERS:
            self.attackers.pop(0).reset()
        attacker = self.arena.attack(LINES[number % len(LINES)], tunnel=self.secure and number % 16 < 8)
        self.attackers.append(attacker)
        if well:
            attacker.head(number >> 4, 0, body)
        else:
            attacker.head(number >> 2, number, body)
        self.pass_time(2)

    def act(self, number: int, body: bytes) -> None:
        """The program does something, to whom it likes; what it raises, or ends, it does in callbacks."""
        make_act(number % 10, number // 10, 9 * sum(body))(self.arena, None)

    def pass_time(self, count: int) -> None:
        """Some frames; the script has not for ever."""
        for _ in range(min(count, MOST_FRAMES - self.frames)):
            self.frames += 1
            self.arena.frame(self.budget, halves=self.halves)
