"""The whole server, and everybody at once: whatever is done to it, in whatever order, it keeps its promises.

`arena` says what they are. Some hundred steps in the ordinary run, the same in each; TICKWS_HOSTILE=N runs N examples
by chance, and longer ones.
"""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.hostile.acts import ACTS, CALLBACKS, make_act
from tests.hostile.arena import LOOK, Arena
from tests.hostile.program import LIMITS
from tests.hostile.words import HEADS, WORDS
from tickws.protocol.extensions import Deflate
from tickws.testing import Conditions

LONG = int(os.environ.get("TICKWS_HOSTILE", "0"))
"""Examples of a long run; 0: the ordinary one."""
SETTINGS = settings(
    max_examples=LONG or 100,
    stateful_step_count=80 if LONG else 30,
    derandomize=not LONG,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

NARROW = replace(
    LIMITS, messages_per_second=100.0, messages_burst=10, bytes_per_second=20_000.0, bytes_burst=4000, handshakes=2
)
"""Limits that make some wait, and let newcomers push out who came before and asks for nothing."""

byte = st.integers(0, 255)
index = st.integers(0, 15)
cost = st.sampled_from([0.0, 0.0005, 0.002, 0.010])
costs = st.fixed_dictionaries({"message": cost}, optional=dict.fromkeys(["request", "open", "close", "produce"], cost))
words = st.integers(0, 14) | st.integers(0, WORDS - 1)
lines = st.builds(
    Conditions, latency=st.sampled_from([0.0, 0.0, 0.03]), buffer_bytes=st.sampled_from([600, 5000, 128 * 1024])
)
honest_lines = st.builds(
    Conditions, latency=st.sampled_from([0.0, 0.0, 0.03]), buffer_bytes=st.sampled_from([3000, 128 * 1024])
)
budgets = st.sampled_from([None, None, 0, 0.0003, 0.002, 0.010])


class Siege(RuleBasedStateMachine):
    """A server, honest clients, attackers, a program."""

    arena: Arena

    @initialize(
        reading=st.sampled_from([0.0, LOOK]),
        cost=costs,
        errors=st.sampled_from(["close", "raise", "call"]),
        kind=st.sampled_from(["plain", "plain", "compressed", "alone", "frames", "tls"]),
        most=st.sampled_from([3, 12]),
        pace=st.sampled_from([0, 1, 1, 3]),
        budget=budgets,
        narrow=st.booleans(),
        chatter=st.sampled_from([0, 1, 6]),
        first=st.lists(honest_lines, min_size=1, max_size=3),
    )
    def begin(
        self, reading: float, cost: dict[str, float], errors: str, kind: str, most: int, pace: int,
        budget: float | None, narrow: bool, chatter: int, first: list[Conditions],
    ) -> None:  # fmt: skip
        deflate = {"compressed": Deflate(), "alone": Deflate(context_takeover=False)}.get(kind)
        self.arena = Arena(
            reading=reading, cost=cost, errors=errors, compression=deflate, by_frame=kind == "frames",
            secure=kind == "tls", most=most, chatter=chatter,
            limits=NARROW if narrow else LIMITS,
        )  # fmt: skip
        for conditions in first:
            self.arena.join(conditions, deflate)
        for _ in range(20 if first else 0):
            self.arena.frame()
        self.pace = pace
        self.mode: dict[str, Any] = {"budget": budget}

    @invariant()
    def time_passes(self) -> None:
        for _ in range(self.pace):
            self.arena.frame(**self.mode)

    def teardown(self) -> None:
        if hasattr(self, "arena"):
            self.arena.finish()

    # the honest

    @rule(conditions=honest_lines, compressed=st.booleans())
    def somebody_joins(self, conditions: Conditions, compressed: bool) -> None:
        if len(self.arena.honest) < 6:
            self.arena.join(conditions, Deflate() if compressed else None)

    @precondition(lambda self: self.arena.honest)
    @rule(number=index, count=st.integers(1, 12), size=st.sampled_from([0, 0, 10, 300, 2500]))
    def somebody_says(self, number: int, count: int, size: int) -> None:
        honest = self.pick_honest(number)
        for _ in range(count):
            honest.say(size)

    @precondition(lambda self: self.arena.honest)
    @rule(number=index, stalled=st.booleans())
    def somebody_stalls(self, number: int, stalled: bool) -> None:
        self.pick_honest(number).stalled = stalled

    @precondition(lambda self: self.arena.honest)
    @rule(number=index, how=st.integers(0, 3))
    def somebody_leaves(self, number: int, how: int) -> None:
        honest = self.pick_honest(number)
        if how:
            honest.leave()
        else:
            honest.vanish()

    def pick_honest(self, number: int) -> Any:
        everybody = list(self.arena.honest.values())
        return everybody[number % len(everybody)]

    # attackers

    @rule(conditions=lines, tunnel=st.booleans(), head=st.integers(0, 4), body=st.binary(max_size=40))
    def an_attacker_comes_in(self, conditions: Conditions, tunnel: bool, head: int, body: bytes) -> None:
        self.arena.attack(conditions, tunnel=tunnel and self.arena.secure).head(head, 0, body)

    @rule(
        conditions=lines, tunnel=st.booleans(), kind=st.integers(0, HEADS - 1), number=byte, body=st.binary(max_size=40)
    )
    def an_attacker_knocks(self, conditions: Conditions, tunnel: bool, kind: int, number: int, body: bytes) -> None:
        self.arena.attack(conditions, tunnel=tunnel and self.arena.secure).head(kind, number, body)

    @precondition(lambda self: self.arena.attackers)
    @rule(who=index, words=st.lists(st.tuples(words, byte, st.binary(max_size=40)), min_size=1, max_size=4))
    def an_attacker_says(self, who: int, words: list[tuple[int, int, bytes]]) -> None:
        for word in words:
            self.pick_attacker(who).say(*word)

    @precondition(lambda self: self.arena.attackers)
    @rule(who=index, data=st.binary(min_size=1, max_size=60))
    def an_attacker_says_anything(self, who: int, data: bytes) -> None:
        self.pick_attacker(who).put_raw(data)

    @precondition(lambda self: self.arena.attackers)
    @rule(who=index, reads=st.booleans())
    def an_attacker_reads_or_not(self, who: int, reads: bool) -> None:
        self.pick_attacker(who).reads = reads

    @precondition(lambda self: self.arena.attackers)
    @rule(who=index, how=st.sampled_from(["half_close", "reset", "close", "vanish"]))
    def an_attacker_goes(self, who: int, how: str) -> None:
        getattr(self.pick_attacker(who), how)()

    def pick_attacker(self, number: int) -> Any:
        return self.arena.attackers[number % len(self.arena.attackers)]

    # the program

    @rule(kind=st.integers(0, 9), number=index, size=st.integers(0, 2500))
    def the_program_acts(self, kind: int, number: int, size: int) -> None:
        make_act(kind, number, size)(self.arena, None)

    @rule(kind=st.integers(0, ACTS - 2), number=index, size=st.integers(0, 2500), where=st.sampled_from(CALLBACKS))
    def the_program_plans(self, kind: int, number: int, size: int, where: str) -> None:
        self.arena.plan(where, make_act(kind, number, size))

    @rule(number=index, size=st.integers(0, 2500))
    def a_thread_acts(self, number: int, size: int) -> None:
        make_act(11, number, size)(self.arena, None)

    @rule(really=st.integers(0, 5), where=st.sampled_from([None, *CALLBACKS]), abort=st.integers(0, 1))
    def the_server_closes(self, really: int, where: str | None, abort: int) -> None:
        if really == 5:
            act = make_act(12, abort, 0)
            if where is None:
                act(self.arena, None)
            else:
                self.arena.plan(where, act)

    @rule(really=st.integers(0, 3))
    def the_server_stops_listening(self, really: int) -> None:
        if really == 3:
            self.arena.server.stop_listening()

    @rule(number=st.sampled_from([errno.EMFILE, errno.ENOBUFS, errno.ECONNABORTED]), times=st.integers(1, 3))
    def accepts_fail(self, number: int, times: int) -> None:
        if self.arena.server.addresses:
            self.arena.network.fail_accepts(self.arena.server.port, number, times)

    # time

    @rule(count=st.integers(1, 20), budget=budgets, halves=st.booleans(), wait=st.sampled_from([0.0, 0.0, 0.01]))
    def frames(self, count: int, budget: float | None, halves: bool, wait: float) -> None:
        self.mode = {"budget": budget, "halves": halves, "wait": wait}
        for _ in range(count):
            self.arena.frame(**self.mode)

    @rule(count=st.sampled_from([60, 200]))
    def seconds(self, count: int) -> None:
        for _ in range(count):
            self.arena.frame()

    @rule(seconds=st.sampled_from([0.1, 1.0, 30.0]))
    def nothing_for_a_while(self, seconds: float) -> None:
        self.arena.advance(seconds)

    @rule(budget=budgets)
    def slice(self, budget: float | None) -> None:
        self.arena.slice(budget)
        self.arena.check()


TestSiege = Siege.TestCase
TestSiege.settings = SETTINGS
