"""The hostile soak: attackers say what they are said to say, and what happened is counted. No timing is asserted."""

import itertools
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import pytest

import tickws
from benchmarks import __main__ as everything
from benchmarks import certificates, hostile
from benchmarks.contenders.window import Window
from benchmarks.payloads import FIRST, Kind, make_snapshot, make_stamped, read_stamped, stamp
from benchmarks.secure import client_hello, serving, trusting
from benchmarks.siege import arms, siege
from benchmarks.siege.attacks import ATTACKS, NAMES, Attack, share_out
from benchmarks.siege.crowd import Crowd, Doors
from benchmarks.siege.honest import Honest, Players, Trips
from benchmarks.siege.host import Host, flat
from benchmarks.siege.rules import MESSAGE_BYTES, rules
from benchmarks.siege.scripts import Arsenal, Order, Say
from benchmarks.siege.verdict import Done, Sample, Verdict, done, gate
from tickws.protocol.connection import Connection, Role
from tickws.protocol.events import Closed, Event, Failed, Ping, Progress
from tickws.protocol.handshake import Request

ROOT = Path(__file__).parent.parent.parent
SECONDS = 90.0
"""How long the quick form may take, on a machine that is busy with other tests."""
HOST = "127.0.0.1:1"
ARSENAL = Arsenal(HOST, b"hello")
BY_NAME = {attack.name: attack for attack in ATTACKS}


def events(connection: Connection, data: bytes) -> list[Event | str | bytes]:
    """What a server makes of that; steps amid a message left out."""
    connection.receive(data)
    found = []
    while (event := connection.next_event()) is not None:
        if type(event) is not Progress:
            found.append(event)
    return found


def opened(limits: tickws.Limits | None = None) -> Connection:
    """The server's end of a connection that an attacker opened."""
    connection = Connection(Role.SERVER, limits or rules(), bytes, compression=tickws.Deflate())
    [request] = events(connection, arms.request(HOST))
    assert isinstance(request, Request)
    connection.accept(request)
    connection.data_to_send()
    return connection


# -- what attackers say ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1])
def test_fragments_are_valid_frames_of_a_message_without_end(size: int) -> None:
    connection = opened()
    assert events(connection, arms.fragments(size, 20, first=True)) == []
    assert events(connection, arms.fragments(size, 30)) == []
    assert events(connection, b"\x80\x80" + bytes(4)) == [b"x" * size * 50]


def test_pings_are_as_long_as_can_be_and_each_is_answered() -> None:
    connection = opened()
    assert events(connection, arms.pings(5)) == [Ping(b"p" * 125)] * 5
    assert b"".join(connection.data_to_send()).count(b"\x8a\x7d") == 5


@pytest.mark.parametrize(("length", "code"), [(2**63 - 1, 1009), (2**63, 1002)])
def test_lengths_that_cannot_be(length: int, code: int) -> None:
    assert length in arms.LENGTHS
    [event] = events(opened(), arms.huge(length))
    assert isinstance(event, Closed)
    assert event.code == code


def test_a_bomb_inflates_to_what_is_said_and_is_found_before() -> None:
    assert len(arms.bomb()) < 40_000
    large = replace(rules(), message_bytes=arms.BOMB_BYTES)
    [message] = events(opened(large), arms.bomb())
    assert message == bytes(arms.BOMB_BYTES)
    [event] = events(opened(), arms.bomb())
    assert isinstance(event, Closed)
    assert event.code == 1009


def test_a_bomb_that_is_just_allowed_and_one_that_is_nothing() -> None:
    [message] = events(opened(), arms.word(MESSAGE_BYTES, packed=True))
    assert isinstance(message, bytes)
    assert len(message) == MESSAGE_BYTES
    assert read_stamped(message)[0] == Kind.FLOODER
    [plain] = events(opened(), arms.word(1000))
    assert isinstance(plain, bytes)
    assert (len(plain), read_stamped(plain)[0]) == (1000, Kind.FLOODER)
    assert len(arms.empty_blocks()) > 59_000
    assert events(opened(), arms.empty_blocks()) == [b""]


def test_header_floods_and_plain_requests() -> None:
    def asked(data: bytes) -> Event | str | bytes:
        return events(Connection(Role.SERVER, rules(), bytes), data)[0]

    for flood in (arms.many_headers(HOST), arms.long_header(HOST)):
        refused = asked(flood)
        assert isinstance(refused, Failed)
        assert refused.status == 431
    assert arms.many_headers(HOST).count(b"\r\nX-Header") == arms.HEADERS
    assert len(arms.long_header(HOST)) > arms.HEADER_BYTES
    found = [asked(request) for request in arms.plain_requests(HOST)]
    assert [isinstance(event, Request) and not event.upgrade for event in found] == [True, False, True, False]
    assert all(isinstance(event, Failed) and event.status == 400 for event in found[1::2])


def test_a_client_hello_is_one(tmp_path: Path) -> None:
    files = certificates.issue(tmp_path)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = serving(str(files.chain), str(files.key)).wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(client_hello(trusting(str(files.authority))))
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    assert outgoing.read(1) == b"\x16"  # a ServerHello


# -- their lives -----------------------------------------------------------------------------------------------------


def test_a_thousand_are_shared_out_and_each_kind_is_there_among_few() -> None:
    assert sum(share_out(1000).values()) == sum(attack.share for attack in ATTACKS) == 1000
    assert set(share_out(1).values()) == {1}
    stated = {name: BY_NAME[name].rate * count for name, count in share_out(1000).items()}
    assert stated["pings"] == 10_000
    assert stated["tiny-fragments"] == pytest.approx(20_000)
    assert stated["connect-storm"] == pytest.approx(600)


@pytest.mark.parametrize("name", NAMES)
def test_a_life_is_made_of_orders(name: str) -> None:
    attack = BY_NAME[name]
    for life in range(24):
        said = acts = 0
        for order in itertools.islice(attack.script(ARSENAL, life), 300):
            assert isinstance(order, (Say, float, Order))
            if isinstance(order, Say):
                said += len(order.data)
                acts += order.acts
        assert said or name in ("connect-storm", "resets")
        assert (acts > 0) is (attack.acts > 0)


def drive(crowd: Crowd, server: tickws.WebSocketServer, name: str, lives: int) -> dict[str, int]:
    """Attack for real, until so many lives are over; how they ended."""
    tally = crowd.tallies[name]
    give_up = perf_counter_ns() + 30 * 10**9
    crowd.go()
    while sum(tally.ends.values()) < lives and perf_counter_ns() < give_up:
        crowd.turn()
        server.work(0.001)
    crowd.stop()
    tally.ends.pop("still there at the end", None)
    return tally.ends


@pytest.fixture
def server() -> Iterator[tickws.WebSocketServer]:
    """One with the rules of the soak, which sends back what it hears."""
    server = tickws.WebSocketServer(
        port=0, compression=tickws.Deflate(), limits=rules(), on_message=lambda ws, message: ws.send(message)
    )
    yield server
    server.abort()


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("lengths", {"close 1002", "close 1009"}),
        ("header-floods", {"HTTP 431"}),
        ("plain-http", {"HTTP 400", "HTTP 426"}),
        ("connect-storm", {"left"}),
        ("resets", {"left"}),
    ],
)
def test_how_a_crowd_ends(server: tickws.WebSocketServer, name: str, ends: set[str]) -> None:
    crowd = Crowd(Doors(server.port, None, None), {name: 8})
    assert set(drive(crowd, server, name, 4)) <= ends | {"reset"}
    tally = crowd.tallies[name]
    assert tally.attempts >= 4
    assert tally.unconnected == 0


def test_what_a_crowd_counts(server: tickws.WebSocketServer) -> None:
    crowd = Crowd(Doors(server.port, None, None), {"pings": 2, "slow-tls": 3})
    assert list(crowd.tallies) == ["pings"]  # without a TLS port there is no such attack
    give_up = perf_counter_ns() + 30 * 10**9
    crowd.go()
    tally = crowd.tallies["pings"]
    while (tally.acts < 515 or tally.bytes_received < 10 * 127) and perf_counter_ns() < give_up:
        crowd.turn()
        server.work(0.001)
    crowd.stop()
    assert (tally.attempts, tally.opened) == (2, 2)
    assert tally.bytes_sent == 2 * len(arms.request(f"127.0.0.1:{server.port}")) + tally.acts * 131
    assert tally.ends == {"still there at the end": 2}


def test_never_readers_are_dropped_for_what_they_do_not_read() -> None:
    codes = []
    with tickws.WebSocketServer(
        port=0,
        limits=replace(rules(queue_bytes=1024), closing_seconds=0.05),
        on_message=lambda ws, message: ws.send(bytes(message) * 100 if isinstance(message, bytes) else message),
        on_close=lambda ws, code, reason: codes.append(code),
    ) as server:
        crowd = Crowd(Doors(server.port, None, None), {"never-readers": 1})
        drive(crowd, server, "never-readers", 1)
        crowd.stop()
    assert codes[0] == 1008


# -- honest players, and the game ------------------------------------------------------------------------------------


def test_an_honest_player_checks_what_comes() -> None:
    player = Honest(7, HOST)
    player.play()
    player.play()
    word = make_stamped(Kind.PLAYER, 7, FIRST, perf_counter_ns() - 5_000_000)
    assert stamp(word)[0] == FIRST
    player.heard(word)
    player.heard(make_snapshot(FIRST + 3))
    player.heard(word)
    player.heard(make_snapshot(FIRST + 2))
    assert (player.inputs, player.echoes.received, player.echoes.disordered) == (2, 2, 1)
    assert player.snapshots.disordered == 1
    trips = player.trips.all[False].distribution()
    assert trips.count == 2
    assert trips.p50 >= 0.005
    assert player.trips.lately()["count"] == 2
    assert player.trips.lately()["count"] == 0


@pytest.mark.parametrize("said", ["text", b"", b"\x00", b"\x91\x07", b"\x97" + bytes(6), b"\xc1", b"\x91\x91\x01"])
def test_what_the_game_does_not_know(said: str | bytes) -> None:
    class Game(Host):
        """One without a loop."""

        def __init__(self) -> None:
            self.tallies = {}
            self.window = Window("", 0.0)
            self._frame_before = 0

    game = Game()
    known = make_stamped(Kind.PLAYER, 3, FIRST + 1, 1 << 40)
    assert game.message(said) is None
    assert game.message(known) == known
    assert game.tallies[3].missing == 1
    assert game.window.missed == 0
    game._frame_before = (1 << 40) + 1
    game.message(known)
    assert game.window.missed == 1, "it was said before the frame that went before"


def test_of_disturbed_windows_the_round_trips_are_told_apart() -> None:
    class Here(Players):
        """Players without a server."""

        def __init__(self) -> None:
            self._windows = {name: Trips() for name in ("calm", "attack 0", "attack 1", "attack 12")}
            self._disturbed = set()

    players = Here()
    for number, trips in enumerate(players._windows.values()):
        trips.record(number == 3, number + 1)
    players._obey(["disturbed", "attack", "1"])
    told = {
        name: {way: samples.distribution().count for way, samples in ways.items()}
        for name, ways in players._told().items()
    }
    assert told == {
        "calm": {"plain": 1, "TLS": 0},
        "calm, undisturbed": {"plain": 1, "TLS": 0},
        "attack": {"plain": 2, "TLS": 1},
        "attack, undisturbed": {"plain": 1, "TLS": 1},
    }


def test_counters_of_a_server(server: tickws.WebSocketServer) -> None:
    found = flat(server.statistics())
    assert found["accepted"] == 0
    assert all(isinstance(count, int) for count in found.values())


# -- the verdict -----------------------------------------------------------------------------------------------------

SAMPLE = Sample(
    at=10.0,
    frames=60.0,
    slice_p50=0.002,
    slice_p99=0.004,
    slice_worst=0.005,
    slice_cpu_p99=0.004,
    trip_p50=0.012,
    trip_p99=0.024,
    trip_worst=0.030,
    lost=0,
    open=5,
    connections=6,
    resident=30_000_000,
    cpu_share=0.3,
    preempted=None,
    missed=0.0,
    stolen=0.0,
    attempts=700.0,
)


def tally(**more: Any) -> dict[str, Any]:
    """Of one kind."""
    return {"attempts": 0, "unconnected": 0, "opened": 0, "acts": 0, "bytes_sent": 0, "ends": {}, **more}


def made(attack: Attack, counters: Mapping[str, float], **more: Any) -> Done:
    """What two attackers of that kind did in ten seconds."""
    return done(attack, 2, 10.0, (tally(), tally(**more)), ({}, counters))


def test_an_attack_took_place_where_it_was_done_and_noticed() -> None:
    pings = BY_NAME["pings"]
    moved = {"limited.messages_per_second": 3}
    assert made(pings, moved, attempts=2, opened=2, acts=4000).took_place
    assert made(pings, moved, attempts=2, opened=2, acts=4000).held == 400
    assert not made(pings, {}, attempts=2, opened=2, acts=4000).took_place
    assert not made(pings, moved, attempts=2, acts=0).took_place
    assert not made(pings, moved, attempts=2, unconnected=2, acts=1).took_place
    storm = made(BY_NAME["connect-storm"], {"accepted": 100.0}, attempts=100, ends={"left": 100})
    assert (storm.took_place, storm.held, storm.stated) == (True, 10, 20)


def verdict(**more: Any) -> Verdict:
    """One that holds, unless told otherwise."""
    held: dict[str, Any] = {
        "machine": "a machine",
        "load_average": None,
        "pinned": False,
        "setting": "",
        "seconds": 10.0,
        "calm": SAMPLE,
        "samples": [SAMPLE],
        "trips": {"attack": {"plain": {"count": 0}}},
        "newcomers": {},
        "done": [made(BY_NAME["bombs"], {"faults.1009": 1}, attempts=1, acts=1, ends={"close 1009": 1})],
        "counters": {"accepted": 1, "opened": 0},
        "memory": {"before": 1_000_000, "behind": None},
        "descriptors": {"before": 5, "behind": 5},
        "steps": {"read": 0.001},
        "slices": {"read": {"p50": 0.001, "p99": 0.002}},
        "cpu": {"attackers": 0.5},
        "late": {"attackers": 0.1},
        "log": ["a line"],
        "notes": ["a note"],
        "gates": [gate("inputs lost", 0.0, 0.0)],
    }
    return Verdict(**{**held, **more})


def test_what_is_printed() -> None:
    printed = "\n".join(verdict().lines())
    for part in ("1 close 1009", "1.0 MB before -> unknown behind", "a line", "a note", "PASS  inputs lost: 0"):
        assert part in printed
    failed = verdict(gates=[gate("inputs lost", 1.0, 0.0), gate("memory grown, KiB", None, 1.0)])
    assert len(failed.complaints()) == 2
    assert "FAIL  memory grown, KiB: nothing was measured" in "\n".join(failed.lines())


def test_by_how_much_something_has_grown() -> None:
    assert siege.grown(1024, 3072, 1024) == 2
    assert siege.grown(3072, 1024, 1024) == -2
    assert siege.grown(5, 4, 1, both=True) == 1
    assert siege.grown(None, 4, 1) is None


# -- the program -----------------------------------------------------------------------------------------------------

COUNTS = (
    "inputs lost",
    "answers lost",
    "out of order, both ways",
    "players that had to reconnect",
    "players with a complaint",
    "descriptors more or fewer",
    "connections left behind",
    "exceptions in the log",
)


def test_the_quick_form(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    argv = [sys.executable, "-m", "benchmarks", "hostile", "--quick", "--json", str(path)]
    ran = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    [line] = path.read_text(encoding="utf-8").splitlines()
    figures = json.loads(line)
    assert ran.returncode == (1 if figures["complaints"] else 0), ran.stderr
    assert [said for said in figures["complaints"] if any(count in said for count in COUNTS)] == []
    assert figures["log"] == [said for said in figures["log"] if " took " in said or "late" in said]  # a busy machine's
    assert [of["name"] for of in figures["done"]] == list(NAMES)
    for of in figures["done"]:
        assert of["attempts"] > 0, of
        assert of["unconnected"] == 0, of
    assert figures["trips"]["attack"]["plain"]["count"] > 0
    assert figures["trips"]["attack"]["TLS"]["count"] > 0
    for name in NAMES:
        assert f"\n{name} " in ran.stdout


def test_some_kinds_without_tls(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    arguments = ["--quick", "--seconds", "0.5", "--no-tls", "--kinds", "lengths,slow-tls", "--json", str(path)]
    hostile.main(arguments)
    figures = json.loads(path.read_text(encoding="utf-8"))
    assert [of["name"] for of in figures["done"]] == ["lengths"]
    assert "WITHOUT slow-tls: it needs TLS" in figures["notes"]
    assert figures["trips"]["attack"]["TLS"]["count"] == 0


@pytest.mark.parametrize("arguments", [["--kinds", "nothing"], ["--players", "0"], ["--seconds", "-1"]])
def test_arguments_that_make_no_sense(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        hostile.main(arguments)
    assert caught.value.code == 2


def test_a_machine_that_does_not_allow_so_many(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hostile, "raise_descriptors", lambda: 1024)
    assert everything.main(["hostile"]) == 2
    assert "SKIPPED: each process needs 1400 descriptors" in capsys.readouterr().err
