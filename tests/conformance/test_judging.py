"""Judging: what passes, what does not, and what expected.toml can change about it."""

import pytest

from tests.conformance.expected import Exemption
from tests.conformance.judging import INFORMATIONAL, Kind, Result, Verdict, judge, kind_of

CASES = ["1.1.1", "6.4.1", "7.1.6", "12.1.1"]


def judged(*results: Result, exemptions: tuple[Exemption, ...] = ()) -> Verdict:
    """A run of those cases alone."""
    return judge([result.case for result in results], results, exemptions, CASES)


def exempt(case: str = "6.4.1", behavior: str = "NON-STRICT", close: str = "OK") -> Exemption:
    return Exemption("server", case, behavior, close, "RFC 6455 section 8.1", "because")


@pytest.mark.parametrize(
    ("case", "behavior", "close", "kind"),
    [
        ("1.1.1", "OK", "OK", Kind.PASSED),
        ("1.1.1", "NON-STRICT", "OK", Kind.NON_STRICT),
        ("1.1.1", "FAILED", "OK", Kind.FAILED),
        ("1.1.1", "UNIMPLEMENTED", "OK", Kind.FAILED),
        ("1.1.1", "INFORMATIONAL", "OK", Kind.FAILED),
        ("1.1.1", "INFORMATIONAL", "INFORMATIONAL", Kind.FAILED),
        ("1.1.1", "OK", "WRONG CODE", Kind.FAILED),
        ("1.1.1", "OK", "UNCLEAN", Kind.FAILED),
        ("1.1.1", "OK", "FAILED BY CLIENT", Kind.FAILED),
        ("1.1.1", "OK", "FAILED", Kind.FAILED),
        ("1.1.1", "NON-STRICT", "UNCLEAN", Kind.FAILED),
        ("1.1.1", "OK", "", Kind.FAILED),
        ("7.1.6", "INFORMATIONAL", "INFORMATIONAL", Kind.INFORMATIONAL),
        ("7.1.6", "INFORMATIONAL", "UNCLEAN", Kind.FAILED),
    ],
)
def test_the_kind_of_a_result(case: str, behavior: str, close: str, kind: Kind) -> None:
    assert kind_of(Result(case, behavior, close)) is kind


def test_three_cases_are_informational() -> None:
    assert sorted(INFORMATIONAL) == ["7.1.6", "7.13.1", "7.13.2"]


def test_all_that_passes_is_good() -> None:
    verdict = judged(Result("1.1.1", "OK", "OK"), Result("7.1.6", "INFORMATIONAL", "INFORMATIONAL"))
    assert verdict.good
    assert verdict.counts == {Kind.PASSED: 1, Kind.NON_STRICT: 0, Kind.INFORMATIONAL: 1, Kind.FAILED: 0}


@pytest.mark.parametrize("behavior", ["NON-STRICT", "FAILED", "UNIMPLEMENTED"])
def test_one_that_does_not_is_not(behavior: str) -> None:
    verdict = judged(Result("1.1.1", "OK", "OK"), wrong := Result("6.4.1", behavior, "OK"))
    assert not verdict.good
    assert verdict.failed == [wrong]


def test_a_case_that_did_not_run_has_failed() -> None:
    verdict = judge(["1.1.1", "6.4.1"], [Result("1.1.1", "OK", "OK")], [], CASES)
    assert [result.case for result in verdict.failed] == ["6.4.1"]
    assert verdict.counts[Kind.FAILED] == 1


def test_a_result_of_another_case_is_the_runners_fault() -> None:
    with pytest.raises(ValueError, match=r"12\.1\.1"):
        judge(["1.1.1"], [Result("12.1.1", "OK", "OK")], [], CASES)


def test_an_exemption_excuses_what_it_says() -> None:
    wrong = Result("6.4.1", "NON-STRICT", "OK")
    verdict = judged(wrong, exemptions=(exempt(),))
    assert verdict.good
    assert verdict.excused == [wrong]
    assert verdict.counts[Kind.NON_STRICT] == 1


@pytest.mark.parametrize(("behavior", "close"), [("FAILED", "OK"), ("NON-STRICT", "UNCLEAN")])
def test_an_exemption_excuses_nothing_else(behavior: str, close: str) -> None:
    verdict = judged(wrong := Result("6.4.1", behavior, close), exemptions=(exempt(),))
    assert verdict.failed == [wrong]
    assert verdict.idle == []


def test_an_exemption_of_what_passes_is_a_failure() -> None:
    verdict = judged(Result("6.4.1", "OK", "OK"), exemptions=(exempt(),))
    assert not verdict.good
    assert verdict.idle == [exempt()]


def test_an_exemption_of_no_case_is_a_failure() -> None:
    assert judged(Result("1.1.1", "OK", "OK"), exemptions=(exempt("99.1"),)).idle == [exempt("99.1")]


def test_an_exemption_of_what_was_not_to_run_is_none() -> None:
    assert judged(Result("1.1.1", "OK", "OK"), exemptions=(exempt(),)).good
