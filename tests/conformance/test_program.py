"""The command: what it runs, its table, its exit codes; without the suite."""

from pathlib import Path

import pytest

from tests.conformance import __main__ as program
from tests.conformance.expected import Exemption
from tests.conformance.judging import Result
from tests.conformance.shares import Campaign
from tests.conformance.suite import Suite

CASES = ("1.1.1", "6.4.1", "12.1.1")


class Stage:
    """Stands in for the suite: `results` come of every run, and `ran` is what was to run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.results = [Result(case, "OK", "OK") for case in CASES]
        self.exemptions: list[Exemption] = []
        self.ran: list[Campaign] = []
        monkeypatch.setattr(program, "prepare", lambda: Suite(Path("nowhere"), CASES))
        monkeypatch.setattr(program, "load", lambda: self.exemptions)
        monkeypatch.setattr(program, "run", self.run)

    def run(self, campaign: Campaign) -> list[Result]:
        self.ran.append(campaign)
        return [result for result in self.results if result.case in campaign.cases]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        return [tuple(campaign.program) for campaign in self.ran]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


SERVER, CLIENT = "tests.conformance.echo_server", "tests.conformance.echo_client"


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ("", [(SERVER, "default"), (SERVER, "takeover"), (CLIENT, "default"), (CLIENT, "takeover")]),
        ("--server", [(SERVER, "default"), (SERVER, "takeover")]),
        ("--client --compression takeover", [(CLIENT, "takeover")]),
        ("--no-compression", [(SERVER, "off"), (CLIENT, "off")]),
    ],
)
def test_runs_what_it_is_told_to(stage: Stage, options: str, rows: list[tuple[str, ...]]) -> None:
    assert program.main(options.split()) == 0
    assert stage.rows == rows
    cases = CASES[:2] if "no-" in options else CASES
    assert all(campaign.cases == list(cases) for campaign in stage.ran)


def test_quick_is_fewer_messages(stage: Stage) -> None:
    program.main(["--server"])
    program.main(["--server", "--quick", "--jobs", "3", "1.*"])
    assert [campaign.messages for campaign in stage.ran] == [0, 0, 50, 50]
    assert [campaign.jobs for campaign in stage.ran] == [2, 2, 3, 3]
    assert stage.ran[-1].cases == ["1.1.1"]


def test_the_table(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.results[1] = Result("6.4.1", "NON-STRICT", "OK", "found\nlate")
    assert program.main(["--server", "--compression", "default"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[1].split() == ["passed", "non-strict", "informational", "failed", "seconds"]
    assert said[2].split()[:-1] == ["server,", "no", "context", "takeover", "2", "1", "0", "0"]
    assert "FAILED   server, no context takeover: 6.4.1    NON-STRICT, close OK: found late" in said
    assert "conformance: FAIL" in said


def test_an_exemption_of_what_passes_fails(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.exemptions = [Exemption("client", "6.4.1", "NON-STRICT", "OK", "RFC 6455 section 8.1", "because")]
    assert program.main(["--server"]) == 0
    assert program.main(["--client"]) == 1
    assert "excuses client 6.4.1 (RFC 6455 section 8.1), which passed" in capsys.readouterr().out


def test_an_exemption_of_what_fails_passes_and_is_told(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.results[1] = Result("6.4.1", "NON-STRICT", "OK", "late")
    stage.exemptions = [Exemption("server", "6.4.1", "NON-STRICT", "OK", "RFC 6455 section 8.1", "because")]
    assert program.main(["--server"]) == 0
    assert "excused  server, no context takeover: 6.4.1" in capsys.readouterr().out


@pytest.mark.parametrize("options", ["99.*", "--no-compression 12.*"])
def test_nothing_to_run_is_an_error(stage: Stage, options: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(options.split()) == 2
    assert "CANNOT RUN: no case" in capsys.readouterr().err


@pytest.mark.parametrize("options", ["--jobs 0", "--no-compression --compression default", "--fast"])
def test_refuses_options_that_make_no_sense(stage: Stage, options: str) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(options.split())
    assert ended.value.code == 2
    assert stage.ran == []


@pytest.mark.parametrize("failing", [False, True])
def test_reports_are_kept_where_a_case_failed(
    stage: Stage, failing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    if failing:
        stage.results.pop()
    assert program.main(["--server"]) == int(failing)
    assert len(list(tmp_path.iterdir())) == int(failing)
