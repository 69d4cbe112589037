"""Which cases run, and who gets them."""

import pytest

from tests.conformance.cases import COMPRESSED, NoSuchCase, select, split

CASES = ["1.1.1", "1.2.1", "7.1.1", "7.9.1", "7.9.2", "7.13.1", "12.1.1", "13.7.18"]


def test_no_pattern_is_all() -> None:
    assert select(CASES, []) == CASES


def test_patterns_choose_in_the_suites_order() -> None:
    assert select(CASES, ["7.9.*", "1.1.1"]) == ["1.1.1", "7.9.1", "7.9.2"]


def test_a_dot_is_a_dot() -> None:
    assert select(CASES, ["1.*"]) == ["1.1.1", "1.2.1"]


def test_leaves_out() -> None:
    assert select(CASES, [], COMPRESSED) == CASES[:-2]
    assert select(CASES, ["12.*"], COMPRESSED) == []


def test_a_pattern_for_nothing_is_an_error() -> None:
    with pytest.raises(NoSuchCase, match=r"7\.2\.\*"):
        select(CASES, ["1.1.1", "7.2.*"])


@pytest.mark.parametrize("jobs", [1, 2, 3, 8, 100])
def test_every_case_is_in_one_share(jobs: int) -> None:
    shares = split(CASES, jobs)
    assert sorted(case for share in shares for case in share) == sorted(CASES)
    assert len(shares) == min(jobs, len(CASES))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_neighbours_are_in_different_shares() -> None:
    assert split(CASES, 2) == [CASES[::2], CASES[1::2]]


def test_nothing_is_no_share() -> None:
    assert split([], 2) == []
