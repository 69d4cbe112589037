"""The runner and the suite together: what is wrong is found, in its cases and no others; what is right passes."""

from pathlib import Path

import pytest

from tests.conformance.judging import Verdict, judge
from tests.conformance.shares import Campaign, run
from tests.conformance.suite import Suite

CASES = ("1.1.1", "1.1.2", "1.1.3", "1.2.1", "6.4.1", "7.1.1", "7.1.6")
STALL_SECONDS = 60.0


def verdict(suite: Suite, side: str, defect: str, folder: Path) -> Verdict:
    """What comes of an echo with that defect."""
    program = ("tests.conformance.broken", defect)
    results = run(Campaign(suite, side, CASES, program, 0, 1, STALL_SECONDS, folder / "results"))
    return judge(CASES, results, [], suite.cases)


@pytest.mark.parametrize(
    ("side", "defect", "found"),
    [
        ("server", "nothing", {}),
        ("server", "cuts", {"1.1.3": "FAILED"}),
        ("server", "checks_late", {"6.4.1": "NON-STRICT"}),
        ("client", "nothing", {}),
        ("client", "retypes", {"1.2.1": "FAILED"}),
    ],
)
def test_finds_what_is_wrong_and_no_more(
    suite: Suite, side: str, defect: str, found: dict[str, str], tmp_path: Path
) -> None:
    judged = verdict(suite, side, defect, tmp_path)
    assert {result.case: result.behavior for result in judged.failed} == found
    assert judged.good is (not found)


def test_finds_a_close_that_nobody_asked_for(suite: Suite, tmp_path: Path) -> None:
    judged = verdict(suite, "server", "leaves", tmp_path)
    failed = {result.case: (result.behavior, result.behavior_close) for result in judged.failed}
    assert failed["1.1.1"] == ("OK", "WRONG CODE")


def test_finds_that_the_server_died(suite: Suite, tmp_path: Path) -> None:
    judged = verdict(suite, "server", "dies", tmp_path)
    assert [result.case for result in judged.failed] == list(CASES)
    assert judged.failed[-1].behavior == "NOT RUN"
