"""Flood, stall, hitch and storm, over TLS as well: they run, and they count what they say.

No timing is asserted: those are figures.
"""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import benchmarks.__main__ as everything
from benchmarks import contenders, flood, hitch, stall, storm
from benchmarks.bout import Bout

ROOT = Path(__file__).parent.parent.parent
SECONDS = 90.0
"""How long the quick form of one may take, on a machine that is busy with other tests."""

PROGRAMS = {
    "flood": ("2 flooders", 6),
    "stall": ("2 read no more", 4),
    "hitch": ("the second after that", 4),
    "storm": ("all in", 5),
}
"""The last case of each in its quick form, and how many gates there are."""
COUNTS = ("inputs lost", "players disconnected", "others' inputs lost", "others disconnected", "newcomers never heard")


def run(tmp_path: Path, name: str, *options: str) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    """The quick form of a program; gives its JSON as well."""
    path = tmp_path / "figures.json"
    argv = [sys.executable, "-m", "benchmarks", name, "--quick", "--json", str(path), *options]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode in (0, 1), done.stderr
    [line] = path.read_text(encoding="utf-8").splitlines()
    figures: dict[str, Any] = json.loads(line)
    return figures, done


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_quick_form_loses_nothing(tmp_path: Path, name: str) -> None:
    last, gates = PROGRAMS[name]
    figures, done = run(tmp_path, name, "--servers", "tickws", "--seconds", "0.5")
    assert figures["notes"] == []
    [cases] = figures["rounds"]["tickws"]
    assert list(cases)[-1] == last
    assert {
        metric: count for case in cases.values() for metric, count in case.items() if metric in COUNTS and count
    } == {}
    assert len(figures["gates"]) == gates
    assert done.stdout.count("PASS  ") + done.stdout.count("FAIL  ") == gates
    assert done.returncode == (1 if figures["complaints"] else 0)
    for case, metrics in cases.items():
        assert f"\n{case} " in done.stdout
        delays = [
            metrics[f"{who} delay p50, ms"] for who in ("players'", "the others'") if f"{who} delay p50, ms" in metrics
        ]
        assert [delay > 0 for delay in delays] == [True]
    if name == "flood":
        assert cases[last]["flood taken, messages a second"] > 0
    if name == "hitch":
        assert cases["the hitch, and a second"]["slipped, ms"] >= 250  # the loop makes up for no more
    if name == "storm":
        assert cases["while they connect"]["in"] == 50


@pytest.mark.parametrize("name", PROGRAMS)
def test_over_tls_nothing_is_lost_either(tmp_path: Path, name: str) -> None:
    last, gates = PROGRAMS[name]
    figures, done = run(tmp_path, name, "--tls", "--seconds", "0.5")
    assert figures["notes"] == [], done.stderr
    assert list(figures["rounds"]) == ["tickws", contenders.TLS]
    assert len(figures["gates"]) == 2 * gates
    assert done.stdout.count(", TLS") > gates
    for [cases] in figures["rounds"].values():
        assert list(cases)[-1] == last
        assert {
            metric: count for case in cases.values() for metric, count in case.items() if metric in COUNTS and count
        } == {}
        if name == "flood":
            assert cases[last]["flood taken, messages a second"] > 0
            assert cases[last]["flooders thrown out or not in"] == 0
            assert cases[last]["newcomer in, worst, ms"] > 0
        if name == "storm":
            assert cases["while they connect"]["in"] == 50


def test_with_tls_all_guests_speak_it() -> None:
    """Who spoke none would get 400, and not be in."""
    with Bout(contenders.TLS) as bout:
        assert bout.port
        for authority, inside in ((None, 3), ("", 0)):
            words: dict[str, object] = {"--clients": 3} if authority is None else {"--clients": 3, "--authority": ""}
            crowd = bout.guests("connectors", words)
            came = crowd.ask("go", timeout=SECONDS)
            assert (came["in"], came["failed"]) == (inside, 3 - inside)


@pytest.mark.parametrize("server", [name for name in contenders.NAMES if name != "tickws"])
def test_the_peers_take_part(tmp_path: Path, server: str) -> None:
    figures, done = run(tmp_path, "storm", "--servers", server, "--seconds", "0.3", "--clients", "10")
    assert figures["notes"] == [], done.stderr
    assert figures["gates"] == figures["complaints"] == []
    [cases] = figures["rounds"][server]
    assert cases["while they connect"]["in"] == 10
    assert cases["all in"]["inputs lost"] == cases["all in"]["players disconnected"] == 0
    assert contenders.title(server) in done.stdout


def test_a_server_that_is_not_there_is_left_out_loudly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "picows", None)
    monkeypatch.delitem(sys.modules, "benchmarks.contenders.picows_server", raising=False)
    assert flood.main(["--quick", "--servers", "picows"]) == 0
    said = capsys.readouterr()
    assert "WITHOUT picows" in said.err
    assert "pip install picows" in said.out


def test_a_machine_that_allows_too_few_sockets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(storm, "raise_descriptors", lambda: 1024)
    assert storm.main([]) == 2
    assert "needs 2250 descriptors, and may open 1024" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (flood.main, ["--servers", "nobody"]),
        (flood.main, ["--rounds", "0"]),
        (stall.main, ["--players", "5", "--stallers", "5"]),
        (hitch.main, ["--hitch", "0.1"]),
        (storm.main, ["--clients", "0"]),
    ],
)
def test_arguments_that_make_no_sense(main: Any, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_all_of_them(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ran = []

    def program(name: str) -> ModuleType:
        """One that only tells that it ran."""

        def main(arguments: list[str]) -> int:
            ran.append((name, arguments))
            return {"stall": 1, "storm": 2}.get(name, 0)

        module = ModuleType(name)
        vars(module)["main"] = main
        return module

    for name in everything.CONTESTS:
        monkeypatch.setitem(sys.modules, f"benchmarks.{name}", program(name))
    assert everything.main(["--quick"]) == 1
    assert ran == [(name, ["--quick"]) for name in everything.CONTESTS]
    assert everything.main(["storm", "--rounds", "2"]) == 2
    assert ran[-1] == ("storm", ["--rounds", "2"])
    assert everything.main(["nothing"]) == 2
    assert "there is no contest 'nothing'" in capsys.readouterr().err
