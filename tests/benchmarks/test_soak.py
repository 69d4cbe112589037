"""The soak: that it counts what it says it counts. Its timings are nobody's promise, so none is asserted."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tickws
from benchmarks import soak
from benchmarks.figures import Client, Figures, Way
from benchmarks.game import Game
from benchmarks.payloads import FIRST, input_number
from benchmarks.samples import Samples

ROOT = Path(__file__).parent.parent.parent
SECONDS = 60.0
"""How long a soak of one second may take, on a machine that is busy with other tests."""

WHOLE = Way(30, 30, 0, 0)
SOUND = Client(WHOLE, WHOLE, server_code=1000, client_code=1000, early=False, fault="")
NOTHING = Samples().distribution()


def figures(*clients: Client, **others: Any) -> Figures:
    """A soak that was held, unless told otherwise."""
    held: dict[str, Any] = {
        "machine": "a machine",
        "load_average": None,
        "pinned": False,
        "rate": 30,
        "tick": 60,
        "budget": 0.004,
        "ticks": 60,
        "tick_rate": 59.9,
        "slipped": 0.0,
        "clients": list(clients),
        "bytes_received": 1,
        "bytes_sent": 1,
        "slice": NOTHING,
        "slice_cpu": NOTHING,
        "receive": NOTHING,
        "flush": NOTHING,
        "simulate": NOTHING,
        "lateness": NOTHING,
        "overruns": 0,
        "cpu_us_per_client_tick": 10.0,
        "cpu_share": 0.1,
        "preempted": None,
        "collections": 0,
        "resident_bytes": (None, None),
        "descriptors": (None, None, None),
        "load_cpu_seconds": 0.1,
        "load_late": 0.001,
    }
    return Figures(**held | others)


def test_a_short_soak_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "soak.json"
    argv = [sys.executable, "-m", "benchmarks.soak", "--seconds", "1", "--clients", "8", "--json", str(path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    [line] = path.read_text(encoding="utf-8").splitlines()
    report = json.loads(line)
    assert [said for said in report["complaints"] if "was not held" not in said] == []  # what a busy machine may do
    assert done.returncode == (1 if report["complaints"] else 0), done.stderr
    assert done.stdout.count("240 sent, 240 received, lost 0 of 240, 0 skipped, 0 out of order") == 2
    assert report["ticks"] == 60
    for client in report["clients"]:
        assert client["inputs"] == client["snapshots"] == {"sent": 30, "received": 30, "missing": 0, "disordered": 0}
        assert (client["server_code"], client["client_code"], client["early"]) == (1000, 1000, False)
    for name in ("slice", "slice_cpu", "receive", "flush", "simulate", "lateness"):
        of = report[name]
        assert of["count"] == 60
        assert 0 < of["p50"] <= of["p99"] <= of["p999"] <= of["worst"]
    assert report["cpu_us_per_client_tick"] > 0
    for words in ("machine ", "p50      p99    p99.9    worst", "overruns ", " µs per client-tick", "descriptors "):
        assert words in done.stdout


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Soaks in this process, which they leave on all of its CPUs."""
    monkeypatch.setattr("benchmarks.process.usable_cpus", list)
    return monkeypatch


def lose_an_input(game: Game, ws: tickws.WebSocket, message: str | bytes) -> None:
    if input_number(message) != FIRST + 7:
        ws.data.take(input_number(message))


def throw_out(game: Game, ws: tickws.WebSocket, message: str | bytes) -> None:
    ws.data.take(input_number(message))
    if ws.data is game.tallies[1]:
        ws.close(4000)


@pytest.mark.parametrize(
    ("on_message", "complaint"),
    [
        (lose_an_input, "client 1: inputs 15 sent, 14 received, lost 1 of 15, 1 skipped, 0 out of order"),
        (throw_out, "client 1 closed early: 4000 here, 4000 there"),
    ],
)
def test_a_soak_notices(
    here: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], on_message: Any, complaint: str
) -> None:
    here.setattr(Game, "on_message", on_message)
    assert soak.main(["--seconds", "0.5", "--clients", "2"]) == 1
    assert f"FAILED       {complaint}\n" in capsys.readouterr().out


def test_clients_that_do_not_get_in(here: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    here.setattr(Game, "on_request", lambda game, request: False)
    assert soak.main(["--seconds", "1", "--clients", "2"]) == 1
    assert "did not get in" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--rate", "25"], ["--clients", "0"], ["--seconds", "-1"]])
def test_arguments_that_make_no_sense(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        soak.main(arguments)
    assert caught.value.code == 2


def test_a_soak_that_was_held() -> None:
    sound = figures(SOUND, SOUND)
    assert sound.complaints() == []
    assert list(sound.lines())[-1].endswith(" lost 0 of 120 messages, nobody disconnected, 59.90 Hz")


@pytest.mark.parametrize(
    ("client", "complaint"),
    [
        (replace(SOUND, inputs=Way(30, 29, 0, 0)), "client 1: inputs 30 sent, 29 received, lost 1 of 30, "),
        (replace(SOUND, snapshots=Way(30, 29, 1, 0)), "client 1: snapshots 30 sent, 29 received, lost 1 of 30, 1 "),
        (replace(SOUND, snapshots=Way(30, 30, 1, 1)), "1 skipped, 1 out of order"),
        (replace(SOUND, inputs=Way(30, 31, 0, 1)), "lost -1 of 30"),
        (replace(SOUND, early=True), "client 1 closed early"),
        (replace(SOUND, server_code=1006), "client 1 closed at the end: 1006 here, 1000 there"),
        (replace(SOUND, client_code=None), "1000 here, None there"),
        (replace(SOUND, fault="a masked frame"), "client 1: a masked frame"),
    ],
)
def test_a_soak_that_failed(client: Client, complaint: str) -> None:
    failed = figures(SOUND, client)
    [said] = failed.complaints()
    assert complaint in said
    assert list(failed.lines())[-1] == f"FAILED       {said}"


@pytest.mark.parametrize(
    ("others", "complaint"),
    [
        ({"tick_rate": 59.4}, "60 Hz was not held: 59.40 Hz"),
        ({"tick": 20, "tick_rate": 19.8}, "20 Hz was not held: 19.80 Hz"),
        ({"descriptors": (5, 7, 6)}, "descriptors: 5 before, 6 after"),
    ],
)
def test_a_loop_that_failed(others: dict[str, Any], complaint: str) -> None:
    [said] = figures(SOUND, **others).complaints()
    assert said.startswith(complaint)


def test_a_soak_that_failed_for_everybody() -> None:
    *first, last = figures(*[replace(SOUND, early=True)] * 60).verdict()
    assert len(first) == 10
    assert last.endswith("and 50 more")


def test_samples() -> None:
    samples = Samples()
    for value in range(1000, 0, -1):
        samples.record(value * 1_000_000)
    of = samples.distribution()
    assert (of.count, of.p50, of.p99, of.p999, of.worst) == (1000, 0.5, 0.99, 0.999, 1.0)
    assert of.mean == pytest.approx(0.5005)
    assert samples.over(990_000_000) == 10
    samples.record(2_000_000_000)
    assert samples.distribution().p999 == 1.0
    assert NOTHING.worst == NOTHING.mean == NOTHING.count == 0
