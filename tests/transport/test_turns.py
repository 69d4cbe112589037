"""Who has how much of a slice: shares, what is left over, and who begins where the time was too short for all."""

from typing import Any

import pytest

from tickws.transport.turns import Turns


class Bench:
    """Kinds of work, each with so many steps of a second to do; `log` has their letters, step by step."""

    def __init__(self, **kinds: tuple[int, int]) -> None:
        self.mark = 0
        self.log = ""
        self.raises: str = ""
        self.todo = {name: steps for name, (steps, _) in kinds.items()}
        meter: Any = self
        self.turns = Turns(meter, [(self._work(name), share) for name, (_, share) in kinds.items()])

    def _work(self, name: str) -> Any:
        def work(deadline: int) -> int:
            steps = 0
            while self.todo[name]:
                self.todo[name] -= 1
                self.log += name
                self.mark += 1
                steps += 1
                if name in self.raises:
                    raise ZeroDivisionError
                if self.mark >= deadline:
                    break
            return steps

        return work

    def run(self, seconds: int) -> str:
        """One pass; what it did."""
        self.log = ""
        self.turns.run(self.mark + seconds)
        return self.log

    def run_for_ever(self, seconds: int) -> None:
        """Passes until one raises; `log` has them all."""
        said = ""
        try:
            while True:
                said += self.run(seconds)
        finally:
            self.log = said + self.log


def test_the_first_kind_has_its_share_and_the_others_theirs_of_what_is_left() -> None:
    bench = Bench(a=(100, 3), b=(100, 2), c=(100, 2))
    assert bench.run(16) == "a" * 12 + "bb" + "c" + "a"


def test_it_knows_whether_its_time_or_its_work_ended_first() -> None:
    bench = Bench(a=(8, 3), b=(8, 1))
    assert not bench.turns.cut
    for seconds, cut in ((5, True), (0, True), (5, True), (100, False), (100, False)):
        bench.run(seconds)
        assert bench.turns.cut is cut


def test_what_one_does_not_need_the_others_have_in_the_same_order() -> None:
    bench = Bench(a=(2, 3), b=(100, 1), c=(3, 1))
    said = bench.run(40)
    assert said == "aa" + "b" * 9 + "ccc" + "b" * 26
    assert bench.run(1000) == "b" * 65


def test_a_pass_ends_when_there_is_nothing_to_do() -> None:
    bench = Bench(a=(0, 3), b=(0, 1))
    assert bench.run(10) == ""
    bench.todo["b"] = 1
    assert bench.run(10) == "b"


@pytest.mark.parametrize("kinds", [2, 3, 5])
def test_at_no_time_all_kinds_take_turns(kinds: int) -> None:
    names = "abcde"[:kinds]
    bench = Bench(**dict.fromkeys(names, (10, 3)))
    said = [bench.run(0) for _ in range(4 * kinds)]
    assert said == list(names) * 4


def test_at_no_time_one_that_has_nothing_to_do_costs_no_turn() -> None:
    bench = Bench(a=(10, 3), b=(0, 1), c=(10, 1))
    assert [bench.run(0) for _ in range(4)] == ["a", "c", "a", "c"]


def test_who_had_no_turn_begins_the_next_pass() -> None:
    bench = Bench(a=(100, 4), b=(100, 1), c=(100, 1))
    assert bench.run(4) == "aaaa"
    assert bench.run(4)[0] == "b"


def test_where_all_had_a_turn_the_first_begins_the_next_pass() -> None:
    """However many more there were of the others."""
    bench = Bench(a=(1, 3), b=(1000, 2), c=(1000, 2))
    for _ in range(10):
        assert bench.run(16)[0] == "a"
        bench.todo["a"] += 1


@pytest.mark.parametrize("seconds", [0, 1, 7, 100])
def test_one_that_raises_starves_nobody(seconds: int) -> None:
    bench = Bench(a=(100, 3), b=(100, 1), c=(100, 1))
    bench.raises = "ab"
    said = ""
    for _ in range(12):
        with pytest.raises(ZeroDivisionError):
            bench.run_for_ever(seconds)
        said += bench.log
    assert min(said.count(name) for name in "abc") >= 3


def test_no_share_is_more_than_the_time_that_is_left() -> None:
    bench = Bench(a=(1000, 4), b=(1000, 4))
    for seconds in (0, 1, 2, 3, 50):
        before = bench.mark
        bench.run(seconds)
        assert bench.mark - before == max(1, seconds)
