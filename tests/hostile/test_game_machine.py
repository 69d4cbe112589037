"""A whole game on its loop, and everybody at once: see `table.py`. TICKWS_HOSTILE=N as in `test_machine.py`."""

from __future__ import annotations

import msgpack
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.game.test_fuzz import said
from tests.hostile.table import Seat, Siege
from tests.hostile.test_machine import LONG, SETTINGS, byte, honest_lines, index, lines, words
from tests.hostile.words import HEADS
from tickws.testing import Conditions

HELLO = msgpack.packb([0, 1, None, "", None, None, 0])


class GameSiege(RuleBasedStateMachine):
    """A game, honest players, attackers."""

    siege: Siege

    @initialize(first=st.lists(honest_lines, min_size=1, max_size=3), pace=st.sampled_from([0, 1, 3]))
    def begin(self, first: list[Conditions], pace: int) -> None:
        self.siege = Siege()
        self.pace = pace
        for conditions in first:
            self.siege.join("player", conditions)
        self.frames(20)

    @invariant()
    def time_passes(self) -> None:
        for _ in range(self.pace):
            self.siege.frame()

    def teardown(self) -> None:
        if hasattr(self, "siege"):
            self.siege.finish()

    # the honest

    @rule(conditions=honest_lines, role=st.sampled_from(["player", "player", "spectator"]))
    def somebody_joins(self, conditions: Conditions, role: str) -> None:
        if len(self.siege.seats) < 6:
            self.siege.join(role, conditions)

    @rule(number=index, count=st.integers(1, 30))
    def somebody_says(self, number: int, count: int) -> None:
        for _ in range(count):
            self.seat(number).say()

    @rule(number=index, stalled=st.booleans())
    def somebody_stalls(self, number: int, stalled: bool) -> None:
        self.seat(number).stalled = stalled

    @rule(number=index, really=st.integers(0, 2))
    def somebody_leaves(self, number: int, really: int) -> None:
        if not really:
            self.seat(number).leave()

    def seat(self, number: int) -> Seat:
        return self.siege.seats[number % len(self.siege.seats)]

    # attackers

    @rule(conditions=lines, hello=st.booleans())
    def an_attacker_plays(self, conditions: Conditions, hello: bool) -> None:
        attacker = self.siege.attack(conditions, 0, 0, speaks=True)
        if hello:
            self.siege.speak(attacker, HELLO)

    @rule(conditions=lines, kind=st.integers(0, HEADS - 1), number=byte, speaks=st.booleans())
    def an_attacker_knocks(self, conditions: Conditions, kind: int, number: int, speaks: bool) -> None:
        self.siege.attack(conditions, kind, number, speaks=speaks)

    @precondition(lambda self: self.siege.attackers)
    @rule(who=index, messages=st.lists(said(), min_size=1, max_size=6), times=st.sampled_from([1, 1, 1, 50]))
    def an_attacker_speaks(self, who: int, messages: list[bytes | str], times: int) -> None:
        self.siege.speak(self.siege.attackers[who % len(self.siege.attackers)], *messages * times)

    @precondition(lambda self: self.siege.attackers)
    @rule(who=index, count=st.integers(1, 200), first=st.integers(1, 2))
    def an_attacker_chats(self, who: int, count: int, first: int) -> None:
        events = [msgpack.packb([3, number, "chat", number]) for number in range(first, first + count)]
        self.siege.speak(self.siege.attackers[who % len(self.siege.attackers)], *events)

    @precondition(lambda self: self.siege.attackers)
    @rule(who=index, kind=words, number=byte, body=st.binary(max_size=40))
    def an_attacker_says(self, who: int, kind: int, number: int, body: bytes) -> None:
        self.siege.attackers[who % len(self.siege.attackers)].say(kind, number, body)

    @precondition(lambda self: self.siege.attackers)
    @rule(who=index, how=st.sampled_from(["half_close", "reset", "close", "vanish", "deaf"]))
    def an_attacker_goes(self, who: int, how: str) -> None:
        attacker = self.siege.attackers[who % len(self.siege.attackers)]
        if how == "deaf":
            attacker.reads = False
        else:
            getattr(attacker, how)()

    # the game

    @rule(number=index, count=st.sampled_from([1, 5, 30]))
    def the_game_tells(self, number: int, count: int) -> None:
        player = self.siege.pick(number)
        if player is not None:
            self.siege.tell(player, count)

    @rule(number=index, really=st.integers(0, 2))
    def the_game_kicks(self, number: int, really: int) -> None:
        player = self.siege.pick(number)
        if player is not None and not really:
            self.siege.kick(player)

    @rule(where=st.sampled_from(["joined", "left", "chat", "system"]))
    def the_game_errs(self, where: str) -> None:
        self.siege.failing.add(where)

    @rule(really=st.integers(0, 9))
    def the_game_closes(self, really: int) -> None:
        if really == 9:
            self.siege.close()

    # time

    @rule(count=st.sampled_from([1, 10, 60]))
    def frames(self, count: int) -> None:
        for _ in range(count):
            self.siege.frame()

    @rule(seconds=st.sampled_from([0.1, 1.0, 30.0]))
    def nothing_for_a_while(self, seconds: float) -> None:
        self.siege.table.clock.advance(seconds)


TestGameSiege = GameSiege.TestCase
TestGameSiege.settings = settings(SETTINGS, max_examples=LONG or 40)
