"""The idle benchmark: that it measures what it says. What it measures is nobody's promise here."""

from pathlib import Path

import pytest

import tickws
from benchmarks import contenders, idle
from benchmarks.bare import runs
from benchmarks.child import Failed, converse
from tests.benchmarks.quick import SECONDS, contest, program


def test_the_quick_form(tmp_path: Path) -> None:
    figures, text = program("idle", tmp_path / "idle.json", "--loops", "sleep,bare,loop,tickws,work")
    assert [said for said in figures["complaints"] if "CPU" not in said] == []  # what a busy machine may do
    assert figures["notes"] == []
    [plain], [bare], [alone], [ours], [working] = (
        figures["rounds"][loop] for loop in ("sleep", "bare", "loop", "tickws", "work")
    )
    for cases, names in [
        (plain, ["nobody connected"]),
        (alone, ["nobody connected"]),
        (bare, ["nobody connected", "20 silent clients"]),
        (ours, ["nobody connected", "20 silent clients"]),
        (working, ["nobody connected", "20 silent clients"]),
    ]:
        assert sorted(cases) == sorted(names)
        for metrics in cases.values():
            assert metrics["CPU, % of a core"] > 0
            assert metrics["frames a second"] > 0
    for cases in (bare, ours, working):
        metrics = cases["20 silent clients"]
        assert metrics["clients lost"] == 0
        assert metrics["empty polls"] == 0
    assert "PASS  20 silent clients: clients lost: 0 <= 0" in text


def test_peers(tmp_path: Path) -> None:
    here = [name for name in idle.PEERS if contenders.missing(name) is None]
    figures, _ = program("idle", tmp_path / "idle.json", "--loops", ",".join(idle.PEERS))
    assert figures["gates"] == figures["complaints"] == []  # peers promise us nothing
    assert sorted(figures["rounds"]) == sorted(here)
    assert len(figures["notes"]) == len(idle.PEERS) - len(here)
    for name in here:
        [cases] = figures["rounds"][name]
        assert cases["20 silent clients"]["clients lost"] == 0


@pytest.mark.parametrize(
    ("cpu", "empty", "lost", "failed"),
    [
        (0.9, 0.0, 0.0, []),
        (1.1, 0.0, 0.0, ["CPU"]),
        (0.5, 3.0, 0.0, ["empty polls"]),
        (0.5, 0.0, 1.0, ["clients lost"]),
        (None, None, None, ["CPU", "empty polls", "clients lost"]),
    ],
)
def test_what_is_promised(cpu: float | None, empty: float | None, lost: float | None, failed: list[str]) -> None:
    case = {"CPU, % of a core": cpu, "empty polls": empty, "clients lost": lost}
    held = contest(bare={"full": case}, sleep={})
    held.gates.extend(idle.gates(held, ["full"]))
    assert [
        word for word in ("CPU", "empty polls", "clients lost") if any(word in c for c in held.complaints())
    ] == failed


@pytest.mark.parametrize("arguments", [["--loops", "tickws,asleep"], ["--clients", "0"], ["--spread", "-1"]])
def test_arguments_that_make_no_sense(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        idle.main(arguments)
    assert caught.value.code == 2


def test_a_peer_that_is_not_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(contenders, "missing", lambda name: "it is not installed")
    monkeypatch.setattr(idle, "run", lambda kind, clients, parsed: {"CPU, % of a core": 0.1})
    idle.main(["--quick", "--loops", "sleep,picows"])
    assert "WITHOUT picows: it is not installed" in capsys.readouterr().out


def test_silent_clients_answer_pings() -> None:
    clock = tickws.SystemClock()
    give_up = clock.now() + SECONDS
    limits = tickws.Limits(ping_seconds=0.05)
    words = {"--clients": 3, "--spread": 0.1}
    with (
        tickws.WebSocketServer(port=0, limits=limits) as server,
        converse("benchmarks.bare.silent", {"--port": server.port, **words}) as crowd,
    ):
        answered: set[tickws.WebSocket] = set()
        while len(answered) < 3:
            assert clock.now() < give_up
            server.work(0.05)
            answered = {ws for ws in server.connections if ws.latency is not None}
        assert crowd.hear(SECONDS) == {"open": 3}
        said = crowd.ask("end", timeout=SECONDS)
    assert said["pings"] >= 3
    assert said["lost"] == 0


def test_who_fails_has_nothing_measured(capsys: pytest.CaptureFixture[str]) -> None:
    def run(loop: str, case: str) -> runs.Metrics:
        if loop == "broken":
            raise Failed("it is gone")
        return {"CPU": 1.0}

    titles = {"broken": "Broken", "sound": "Sound"}
    held = runs.rounds("idle", "", 2, titles, [("broken", "one"), ("sound", "one"), ("sound", "two")], run)
    assert held.rounds == {"broken": [{}, {}], "sound": [{"one": {"CPU": 1.0}, "two": {"CPU": 1.0}}] * 2}
    assert held.notes == ["broken, one, round 1: it is gone", "broken, one, round 2: it is gone"]
    assert "it is gone" in capsys.readouterr().err
