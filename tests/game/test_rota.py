"""Whose turn it is to be told: everybody in turn, however short the time and however many come and go."""

from typing import Any

import pytest

from tickws.game.rota import AT_ONCE, Rota


class Round:
    """Sessions that take a second each to be told; `told` has their numbers."""

    def __init__(self, count: int) -> None:
        self.now = 0
        self.told: list[int] = []
        self.sessions: list[Any] = [One(self, number) for number in range(count)]
        self.rota = Rota(lambda: self.now)

    def flush(self, seconds: int) -> list[int]:
        """Who is told in so many seconds."""
        self.told = []
        self.rota.flush(self.sessions, self.now + seconds)
        return self.told


class One:
    def __init__(self, table: Round, number: int) -> None:
        self._table = table
        self._number = number

    def flush(self) -> None:
        self._table.now += 1
        self._table.told.append(self._number)


def test_with_time_everybody_is_told_once_in_the_same_order() -> None:
    table = Round(50)
    assert table.flush(50) == table.flush(1000) == list(range(50))


def test_nobody_is_nothing() -> None:
    assert Round(0).flush(0) == []


@pytest.mark.parametrize("seconds", [0, 1, AT_ONCE, AT_ONCE + 1, 40])
@pytest.mark.parametrize("count", [AT_ONCE, AT_ONCE + 1, 50, 3 * AT_ONCE])
def test_where_the_time_is_too_short_the_next_ones_are_told_next(count: int, seconds: int) -> None:
    table = Round(count)
    told: list[int] = []
    for _ in range(30):
        now = table.flush(seconds)
        assert len(now) <= max(AT_ONCE, -(-seconds // AT_ONCE) * AT_ONCE), "the overshoot is a step"
        assert len(now) == len(set(now))
        if len(now) < count:
            told += now
    assert told == [number % count for number in range(len(told))]


def test_who_leaves_and_who_comes_costs_nobody_a_turn_for_long() -> None:
    table = Round(60)
    last = dict.fromkeys(range(200), 0)
    for frame in range(100):
        for number in table.flush(0):
            last[number] = frame
        if frame % 3 == 0:
            table.sessions.pop(frame % len(table.sessions))
            table.sessions.append(One(table, 60 + frame))
        assert all(frame - last[session._number] <= 8 for session in table.sessions if session._number < 60)
