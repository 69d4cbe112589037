"""The benchmark of waking: that it counts, compares and complains. No delay is asserted."""

from pathlib import Path

import pytest

from benchmarks import wake
from tests.benchmarks.quick import contest, program

COST = "CPU a client-tick, µs"


def test_the_quick_form(tmp_path: Path) -> None:
    figures, text = program("wake", tmp_path / "wake.json")
    assert figures["complaints"] == []
    assert [gate["name"] for gate in figures["gates"]] == [
        "8 clients, once a tick: inputs never answered",
        "8 clients, wake_on_input: inputs never answered",
    ]
    for [cases] in figures["rounds"].values():
        metrics = cases["8 clients"]
        assert metrics[COST] > 0
        assert metrics["inputs never answered"] == 0
        assert 0 < metrics["to callback p50, ms"] <= metrics["to callback p99, ms"]
        assert 0 < metrics["to answer p50, ms"] <= metrics["to answer p99, ms"]
    assert len(figures["notes"]) == 3
    assert "8 clients: CPU a client-tick, µs: with wake_on_input" in text


def test_rounds_are_compared_side_by_side() -> None:
    case = "16 clients"
    of = contest(ticks={case: {COST: 10.0}}, wakes={case: {COST: 30.0}})
    of.rounds["ticks"] += [{case: {COST: 20.0}}, {}]
    of.rounds["wakes"] += [{case: {COST: 40.0}}, {case: {COST: 50.0}}]
    wake.compare(of, [case])
    assert of.notes == [f"16 clients: {COST}: with wake_on_input 2.50 (2..3) times that of once a tick"]


@pytest.mark.parametrize(("owed", "passed"), [(0.0, True), (1.0, False), (None, False)])
def test_answers_that_are_owed(owed: float | None, passed: bool) -> None:
    of = contest(wakes={"16 clients": {"inputs never answered": owed}})
    [gate] = wake.gates(of, ["16 clients"])
    assert gate.passed is passed


def test_a_loop_that_cannot_wake(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(wake, "can_wake", lambda: False)
    monkeypatch.setattr(wake, "one", lambda loop, players, parsed: {"inputs never answered": 0.0})
    assert wake.main(["--quick"]) == 0
    assert "WITHOUT wake_on_input: this tickws has none" in capsys.readouterr().out


def test_arguments_that_make_no_sense() -> None:
    with pytest.raises(SystemExit) as caught:
        wake.main(["--clients", "16,0"])
    assert caught.value.code == 2
