"""The precision benchmark: that it watches what it says it watches. No lateness is asserted."""

from pathlib import Path

import pytest

from benchmarks import precision
from tests.benchmarks.quick import contest, program

RATE = "frames a second"


def test_the_quick_form(tmp_path: Path) -> None:
    figures, text = program("precision", tmp_path / "precision.json", "--beside")
    assert [said for said in figures["complaints"] if "ticks a second" not in said] == []  # what a busy machine may do
    assert figures["notes"] == []
    assert list(figures["rounds"]) == ["sleep", "loop", "idle", "playing", "beside"]
    for loop, [cases] in figures["rounds"].items():
        metrics = cases["ticks at 60 Hz"]
        assert metrics["ticks watched"] > 0
        assert 0 <= metrics["late p50, ms"] <= metrics["late p99, ms"] <= metrics["late worst, ms"]
        called = metrics["first call p50, ms"]
        assert (called is None) is (loop in ("sleep", "beside"))
        assert called is None or called >= metrics["late p50, ms"]
    [playing] = figures["rounds"]["playing"]
    assert playing["ticks at 60 Hz"]["inputs a second"] > 0
    for words in ("late p99.9, ms", "server, playing", "CPU, % of a core"):
        assert words in text


@pytest.mark.parametrize(("rate", "held"), [(60.0, True), (59.8, True), (59.5, False), (None, False)])
def test_a_rate_that_is_not_held(rate: float | None, held: bool) -> None:
    of = contest(sleep={precision.CASE: {RATE: 60.0}}, loop={precision.CASE: {RATE: rate}})
    of.gates.extend(precision.gates(of))
    assert len(of.gates) == 1
    assert (of.complaints() == []) is held


def test_arguments_that_make_no_sense() -> None:
    with pytest.raises(SystemExit) as caught:
        precision.main(["--clients", "0"])
    assert caught.value.code == 2
