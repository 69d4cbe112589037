"""The parts of the contests: what they say of many rounds, and what they measure of one."""

import os
from argparse import Namespace
from time import perf_counter_ns
from typing import Any

import pytest

import tickws
from benchmarks import child
from benchmarks.bout import longest_step
from benchmarks.commands import Lines
from benchmarks.contenders import host as hosting
from benchmarks.contenders.host import Host
from benchmarks.contenders.window import LATE, WindowResult
from benchmarks.contest import Contest, Gate, Spread, delays, percent
from benchmarks.guests.arrivals import Arrival, Arrivals
from benchmarks.guests.newcomers import Newcomer
from benchmarks.guests.players import Player, kinds
from benchmarks.payloads import FIRST, FLOOD, Kind, make_snapshot, make_stamped, read_stamped
from benchmarks.peer import BINARY, masked
from benchmarks.samples import Samples

SECONDS = 30.0
"""Until somebody gives up."""


def contest(*rounds: dict[str, dict[str, float | None]]) -> Contest:
    """A contest of ours in these rounds."""
    return Contest(
        name="flood",
        setting="nobody moves",
        machine="a machine",
        load_average=None,
        pinned=False,
        titles={"tickws": "tickws 1", "picows": "picows 2"},
        rounds={"tickws": list(rounds), "picows": [{} for _ in rounds]},
        notes=[],
    )


def test_a_spread_is_of_what_was_measured() -> None:
    assert Spread.over([3.0, None, 1.0, 2.5]) == Spread(2.5, 1.0, 3.0, 3)
    assert str(Spread.over([3.0, 1.0, 2.5])) == "2.50 (1..3)"
    assert str(Spread.over([1234.5])) == "1,234"
    assert Spread.over([None]) is None


def test_the_table_has_every_case_and_metric() -> None:
    held = contest({"calm": {"a, ms": 1.5}}, {"calm": {"a, ms": 2.5, "b": None}, "4 flooders": {"a, ms": 9.0}})
    table = [line.split() for line in held.lines()][3:]
    assert ["calm", "tickws", "1", "picows", "2"] in table
    assert ["a,", "ms", "2", "(1.50..2.50)", "-"] in table
    assert ["b", "-", "-"] in table
    assert ["a,", "ms", "9", "-"] in table


@pytest.mark.parametrize(
    ("values", "at_least", "passed"),
    [
        ([20.0, 1.0, 1.0], False, True),
        ([20.0, 20.0, 1.0], False, False),
        ([None, None], False, False),
        ([20.0, 20.0, 1.0], True, True),
        ([20.0, 1.0, 1.0], True, False),
    ],
)
def test_a_gate_goes_by_the_median(values: list[float | None], at_least: bool, passed: bool) -> None:
    gate = Gate("delay, ms", Spread.over(values), 16.7, at_least=at_least, why="a tick")
    assert gate.passed is passed
    assert str(gate).startswith("PASS  delay" if passed else "FAIL  delay")
    held = contest()
    held.gates.append(gate)
    assert held.complaints() == ([] if passed else [str(gate)])
    assert list(held.lines())[-1] == str(gate)


def test_the_longest_step_is_the_median_of_the_rounds() -> None:
    rounds: list[dict[str, dict[str, float | None]]] = [
        {"4": {"longest step (read), ms": 3.0, "a, ms": 99.0}},
        {"4": {"longest step (write), ms": 2.0}},
        {"4": {"longest step (accept), ms": 7.0}},
        {},
    ]
    assert longest_step(contest(*rounds), "4") == (3.0, "(read)")
    assert longest_step(contest({}), "4") == (0.0, "")


def test_metrics_of_nothing_are_none() -> None:
    assert set(delays("delay", Samples().distribution()).values()) == {None}
    assert percent(1, 0) is None
    assert percent(1, 4) == 25


def test_stamped_payloads() -> None:
    stamped = make_stamped(Kind.STALLER, 7, FIRST + 3, perf_counter_ns())
    assert (len(stamped), len(FLOOD), len(masked(BINARY, FLOOD))) == (24, 16, 22)
    assert read_stamped(stamped)[:2] == [Kind.STALLER, 7]
    assert read_stamped(FLOOD)[0] == Kind.FLOODER
    assert len(make_snapshot(FIRST, 600)) > 14_000


def test_a_newcomer_stamps_its_word_when_it_is_in() -> None:
    newcomer = Newcomer(3, "127.0.0.1:1")
    before = perf_counter_ns()
    newcomer.opened()
    kind, client, _, _, _, _, said = read_stamped(newcomer.word)
    assert (kind, client) == (Kind.NEWCOMER, 3)
    assert before <= said <= perf_counter_ns()
    newcomer.heard(make_snapshot(FIRST))
    assert newcomer.answered is None
    newcomer.heard(newcomer.word)
    assert newcomer.answered is not None


@pytest.mark.parametrize(("players", "stallers"), [(50, 0), (50, 1), (50, 20), (3, 2)])
def test_stallers_are_spread(players: int, stallers: int) -> None:
    found = kinds(players, stallers)
    assert (len(found), found.count(Kind.STALLER)) == (players, stallers)
    if stallers == 20:
        assert all(found[at : at + 5].count(Kind.STALLER) == 2 for at in range(0, 50, 5))


# -- the host ----------------------------------------------------------------------------------------------------------


class Silence:
    """No commands."""

    def next(self) -> None:
        """None now."""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A host of tickws, with nobody to command it."""
    monkeypatch.setattr(hosting, "Commands", Silence)
    made = Host(Namespace(server="tickws", budget=0.004, entities=50, every=3, send_buffer=1 << 16))
    yield made
    made.contender.close()


def result(host: Host) -> WindowResult:
    """What it has measured so far."""
    host.window.close(0.0)
    return host.window.result()


def test_the_host_counts_what_is_late(host: Host) -> None:
    now = perf_counter_ns()
    host.reading(now - 2_000_000)
    host.reading(now)
    for name, ago in enumerate((0, 1_000_000, 3_000_000, LATE + 1_000_000)):
        host.message(make_stamped(Kind.PLAYER, name, FIRST, now - ago))
    window = result(host)
    assert window.messages == {"player": 4}
    assert (window.missed, window.late) == (2, 1)
    assert window.delay["player"].count == 4
    assert window.interval.p50 == 0.002


def test_the_host_notices_what_is_lost(host: Host) -> None:
    now = perf_counter_ns()
    for number in (0, 1, 3, 3):
        assert host.message(make_stamped(Kind.STALLER, 5, FIRST + number, now)) is None
    assert host.message(FLOOD) is None
    word = make_stamped(Kind.NEWCOMER, 0, FIRST, now)
    assert host.message(word) == word
    tally = host.tallies[5]
    assert (tally.received, tally.missing, tally.disordered) == (4, 1, 1)
    assert result(host).messages == {"staller": 4, "flooder": 1, "newcomer": 1}
    assert 0 not in host.tallies


def test_a_server_that_fails_is_a_result(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(budget: float | None) -> None:
        raise ValueError("filedescriptor out of range in select()")

    monkeypatch.setattr(host.contender, "turn", fail)
    assert host.run()["failed"] == "ValueError: filedescriptor out of range in select()"


# -- the guests --------------------------------------------------------------------------------------------------------


def test_arrivals_get_in_or_out() -> None:
    clock = tickws.SystemClock()
    changed: list[Arrival[Player]] = []
    with tickws.WebSocketServer(port=0, on_request=lambda request: request.query["player"] == "0") as server:
        arrivals = Arrivals[Player](server.port, changed.append)
        guests = [arrivals.begin(Player(name, "localhost", Kind.PLAYER)) for name in range(2)]
        give_up = clock.now() + SECONDS
        while len(changed) < 2:
            assert clock.now() < give_up
            server.work(0.01)
            arrivals.turn()
        assert [(guest.opened is not None, guest.over) for guest in guests] == [(True, False), (False, True)]
        for guest in guests:
            arrivals.drop(guest)


def test_lines_come_whole() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as stream:
        lines = Lines(stream)
        with pytest.raises(TimeoutError):
            lines.next()
        os.write(writing, b"window 4 floo")
        os.write(writing, b"ders\nend\nnothi")
        os.close(writing)
        assert [lines.next(SECONDS) for _ in range(3)] == ["window 4 flooders", "end", None]


def test_a_child_that_is_gone_is_noticed() -> None:
    with child.converse("benchmarks.nothing", {}) as talk, pytest.raises(child.Failed, match="is gone"):
        talk.hear(SECONDS)
