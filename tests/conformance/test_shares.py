"""How cases are run: without the suite, by a stand-in for it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest

from tests.conformance import fake_suite
from tests.conformance.judging import Result
from tests.conformance.shares import Campaign, RunnerBroke, run_shares
from tests.conformance.suite import Suite

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the suite runs on Debian, and by a pipe's descriptor")

STALL_SECONDS = 60.0


class Clock:
    """Stands still, but while the latest process of the stand-in hangs: then it hurries."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now = 0.0

    def __call__(self) -> float:
        latest = max(self._folder.glob("share-*"), default=self._folder)
        if (latest / "hanging").exists():
            self._now += 2 * STALL_SECONDS
        return self._now


class FakeSuite(Suite):
    """Starts the stand-in."""

    def boot(self, arguments: Sequence[str], log: IO[str], lines: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, fake_suite.__file__, *arguments, str(lines)]
        return subprocess.Popen(command, stdout=log, stderr=log, pass_fds=[lines])


def results(folder: Path, *cases: str, side: str = "server", jobs: int = 1) -> dict[str, Result]:
    """What comes of these cases."""
    place = folder / "results"
    campaign = Campaign(
        FakeSuite(folder), side, cases, ("no_such_module",), 0, jobs, STALL_SECONDS, place, Clock(place)
    )
    return {result.case: result for result in run_shares(campaign, "ws://127.0.0.1:1/")}


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_runs_all_of_them(tmp_path: Path, jobs: int) -> None:
    found = results(tmp_path, "1.ok", "2.bad", "3.ok", jobs=jobs)
    assert {case: result.behavior for case, result in found.items()} == {"1.ok": "OK", "2.bad": "FAILED", "3.ok": "OK"}
    assert found["2.bad"].why == "so it is | close: fine (code 1000)"


def test_goes_on_after_a_case_that_hangs(tmp_path: Path) -> None:
    found = results(tmp_path, "1.ok", "2.hang", "3.ok")
    assert [found[case].behavior for case in ("1.ok", "2.hang", "3.ok")] == ["OK", "FAILED", "OK"]
    assert "nothing happened for 60 s" in found["2.hang"].why


def test_gives_up_after_three_that_hang(tmp_path: Path) -> None:
    found = results(tmp_path, "1.hang", "2.hang", "3.hang", "4.ok")
    assert [result.behavior for result in found.values()] == ["FAILED", "FAILED", "FAILED", "NOT RUN"]
    assert found["4.ok"].why == "3 cases stalled before it"


def test_tells_why_the_rest_did_not_run(tmp_path: Path) -> None:
    found = results(tmp_path, "1.ok", "2.refuse", "3.ok")
    assert [found[case].behavior for case in ("1.ok", "2.refuse", "3.ok")] == ["OK", "NOT RUN", "NOT RUN"]
    assert found["3.ok"].why == "nobody answered at case 2.refuse: nobody is there"


def test_tells_that_the_suite_died(tmp_path: Path) -> None:
    found = results(tmp_path, "1.ok", "2.die")
    assert found["2.die"].behavior == "NOT RUN"
    assert "exit code 3" in found["2.die"].why


def test_a_report_that_says_otherwise_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(RunnerBroke, match=r"2\.lie"):
        results(tmp_path, "1.ok", "2.lie")


def test_tells_that_our_client_died(tmp_path: Path) -> None:
    found = results(tmp_path, "1.ok", "2.ok", side="client", jobs=2)
    assert {result.behavior for result in found.values()} == {"NOT RUN"}
    assert "exit code 1" in found["2.ok"].why
    assert "no_such_module" in found["2.ok"].why
