"""The match: that it counts what it says it counts. Its timings are nobody's promise, so none is asserted."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

import tickws
from benchmarks import match
from benchmarks.arena import SIDE, Arena, Body, Move
from benchmarks.bot import Bot, move
from benchmarks.bots import RealResult
from benchmarks.peer import BINARY, MASK, masked
from benchmarks.samples import Samples
from benchmarks.score import Guest, Inputs, Score, Traffic
from tickws.protocol.codec import encode_frame
from tickws.protocol.connection import Connection, Role
from tickws.protocol.handshake import Accept, Request
from tickws.sync.snapshot import World
from tickws.sync.wire import SUBPROTOCOL, Ack, Event, Hello, InputMessage, Welcome, client_reader, encode
from tickws.sync.wire import Inputs as Acknowledgment

ROOT = Path(__file__).parent.parent.parent
SECONDS = 90.0
"""How long a match of half a second may take, on a machine that is busy with other tests."""

SOUND = Guest(spectator=False, said=40, got=40, sent=15, heard=15, close_code=1000, early=False, fault="")
PRESENT = RealResult(most_shown=3, latency=0.02, close_code=1000, drops=0)
NOTHING = Samples().distribution()
NO_TRAFFIC = Traffic(0, 0, 0)


def score(*guests: Guest, **others: Any) -> Score:
    """A match that was held, unless told otherwise."""
    held: dict[str, Any] = {
        "machine": "a machine",
        "load_average": None,
        "pinned": False,
        "rate": 60,
        "snapshot_rate": 20,
        "budget": 0.004,
        "ticks": 600,
        "tick_rate": 59.9,
        "slipped": 0.0,
        "guests": list(guests),
        "real": [PRESENT],
        "bodies": 3,
        "inputs": Inputs(1188, 12, 6, 0),
        "presses": (20, 20),
        "refused": 0,
        "snapshots": 600,
        "snapshot_bytes": 100,
        "spared": 0,
        "players": NO_TRAFFIC,
        "spectators": NO_TRAFFIC,
        **dict.fromkeys(
            ("frame_late", "tick_late", "receive", "flush", "slice", "take", "simulate", "publish"), NOTHING
        ),
        "overruns": 0,
        "slow": [],
        "cpu_us_per_client_tick": 10.0,
        "cpu_share": 0.1,
        "preempted": None,
        "collections": 0,
        "resident_bytes": None,
        "load_cpu_seconds": 0.1,
        "load_late": 0.001,
    }
    return Score(**held | others)


# A whole one


def test_a_short_match_loses_nobody(tmp_path: Path) -> None:
    path = tmp_path / "match.json"
    argv = [sys.executable, "-m", "benchmarks.match", "--seconds", "0.5", "--bots", "5", "--spectators", "2"]
    argv += ["--real", "1", "--json", str(path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    [line] = path.read_text(encoding="utf-8").splitlines()
    report = json.loads(line)
    assert [said for said in report["complaints"] if "was not held" not in said] == []  # what a busy machine may do
    assert done.returncode == (1 if report["complaints"] else 0), done.stderr
    assert report["ticks"] == 30
    assert [guest["spectator"] for guest in report["guests"]] == [False] * 5 + [True] * 2
    for guest in report["guests"]:
        assert guest["said"] == guest["got"] > 0
        assert guest["sent"] == guest["heard"] > 0
        assert (guest["close_code"], guest["early"], guest["fault"]) == (1000, False, "")
    [real] = report["real"]
    assert (real["most_shown"], real["close_code"], real["drops"]) == (6, 1000, 0)
    assert report["inputs"]["executed"] + report["inputs"]["repeated"] == 6 * 30
    assert report["presses"][0] == report["presses"][1] > 0
    assert (report["players"]["clients"], report["spectators"]["clients"]) == (6, 2)
    for name in ("frame_late", "tick_late", "receive", "flush", "slice", "take", "simulate", "publish"):
        of = report[name]
        assert of["count"] > 0
        assert 0 <= of["p50"] <= of["p99"] <= of["p999"] <= of["worst"]
    assert (report["take"]["count"], report["publish"]["count"]) == (30, 10)
    for words in ("machine ", "p50      p99    p99.9    worst", "tick late", "a spectator ", " µs per client-tick"):
        assert words in done.stdout


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Matches in this process, which they leave on all of its CPUs."""
    monkeypatch.setattr("benchmarks.process.usable_cpus", list)
    return monkeypatch


SMALL = ["--seconds", "0.2", "--bots", "2", "--spectators", "0", "--real", "0"]


def test_a_match_notices_who_leaves(here: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def kick(of: match.Match, player: tickws.Player[Move], payload: object) -> None:
        of.done += 1
        if player.request.query["player"] == "1":
            player.kick("out")

    here.setattr(match.Match, "_done", kick)
    assert match.main(SMALL) == 1
    assert "FAILED       client 1 closed early: 1008\n" in capsys.readouterr().out


def test_clients_that_do_not_get_in(here: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    here.setattr(match, "CONNECTING_SECONDS", 0.5)
    here.setattr(match.MeasuredGame, "_enter", lambda game, ws, spectator, user: 1 / 0)
    assert match.main(SMALL) == 1
    assert "did not get in" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--snapshot-rate", "25"], ["--bots", "0"], ["--real", "-1"], ["--rate", "1200"], ["--shown", "0"]],
)
def test_arguments_that_make_no_sense(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        match.main(arguments)
    assert caught.value.code == 2


# What is said of it


def test_a_match_that_was_held() -> None:
    held = score(SOUND, SOUND)
    assert held.complaints() == []
    lines = list(held.lines())
    assert lines[-1] == "held         3 clients, nobody lost, 59.90 Hz"
    assert (
        "inputs       1188 ticks of a player executed, 12 repeated (1.000%); 6 frames late (0.500%), 0 refused" in lines
    )


@pytest.mark.parametrize(
    ("guest", "complaint"),
    [
        (replace(SOUND, got=39), "client 1: 40 messages said, 39 received"),
        (replace(SOUND, heard=16), "client 1: 15 messages sent, 16 received"),
        (replace(SOUND, early=True, close_code=1008), "client 1 closed early: 1008"),
        (replace(SOUND, close_code=None), "client 1 closed at the end: None"),
        (replace(SOUND, fault="a masked frame"), "client 1: a masked frame"),
    ],
)
def test_a_guest_that_was_lost(guest: Guest, complaint: str) -> None:
    failed = score(SOUND, guest)
    assert failed.complaints() == [complaint]
    assert list(failed.lines())[-1] == f"FAILED       {complaint}"


@pytest.mark.parametrize(
    ("others", "complaint"),
    [
        ({"tick_rate": 59.69}, "60 Hz was not held: 59.69 Hz, 0 ms slipped"),
        ({"tick_rate": 60.31, "slipped": 0.1}, "60 Hz was not held: 60.31 Hz, 100 ms slipped"),
        ({"presses": (20, 19)}, "20 presses said, 19 executed"),
        ({"presses": (20, 21), "refused": 5}, "20 presses said, 21 executed"),
        ({"real": [replace(PRESENT, drops=1)]}, "a GameClient was lost: 1 drops, close code 1000"),
        ({"real": [replace(PRESENT, most_shown=2)]}, "a GameClient was shown 2 bodies of 3"),
    ],
)
def test_a_match_that_failed(others: dict[str, Any], complaint: str) -> None:
    assert score(SOUND, **others).complaints() == [complaint]


def test_traffic() -> None:
    assert Traffic(clients=2, received=24_000, sent=1_000_000).per_client(10.0) == "1,200 B/s in, 50,000 B/s out"
    assert NO_TRAFFIC.per_client(1.0) == "0 B/s in, 0 B/s out"


# The light clients


def opened(clock: tickws.ManualClock, *, spectator: bool = False) -> tuple[Bot, Connection]:
    """A bot that is welcome, and the server's end of its connection."""
    bot = Bot(7, "127.0.0.1:1", clock, spectator=spectator)
    connection = Connection(Role.SERVER, tickws.Limits(), bytes)
    [request] = said(bot, connection)
    assert isinstance(request, Request)
    assert request.query == {"player": "7", **({"role": "spectator"} if spectator else {})}
    assert list(request.subprotocols) == [SUBPROTOCOL]
    connection.accept(request, Accept(SUBPROTOCOL))
    bot.receive(b"".join(connection.data_to_send()))
    [hello] = heard(bot, connection)
    assert isinstance(hello, Hello)
    tell(bot, Welcome(1, hello.hash or 0, hello.protocol, 60, 20, 1, spectator, b"token", 100, 1_666_666, 4096))
    assert bot.ready
    return bot, connection


def said(bot: Bot, connection: Connection) -> list[Any]:
    """What the server's end makes of what the bot sent."""
    connection.receive(bot.out)
    bot.out = b""
    return list(iter(connection.next_event, None))


def heard(bot: Bot, connection: Connection) -> list[Any]:
    """The same, as messages."""
    return [client_reader(Move).read(data) for data in said(bot, connection)]


def tell(bot: Bot, message: object) -> None:
    """Have the server say it."""
    bot.receive(encode_frame(2, message if isinstance(message, bytes) else encode(message), True, b""))


def snapshot(tick: int, received: int = 0) -> bytes:
    """A snapshot, as a server makes it."""
    world = World(tick, tick * 1_000_000 // 60, 0, Arena().state(), {})
    return world.message(Acknowledgment(received, 0, 2, received, tick, 0), 0)


def test_a_bot_plays() -> None:
    clock = tickws.ManualClock()
    bot, connection = opened(clock)
    tell(bot, snapshot(102))
    for _ in range(10):
        clock.advance(1 / 60)
        bot.play()
    messages = heard(bot, connection)
    assert all(isinstance(message, InputMessage) for message in messages)
    assert [message.sequence for message in messages] == [*range(1, len(messages) + 1)]
    ticks = [message.tick for message in messages]
    assert ticks == [*range(ticks[0], ticks[0] + len(messages))]
    assert {message.snapshot for message in messages} == {102}
    assert [message.frame for message in messages] == [move(7, number) for number in range(len(messages))]
    result = bot.result(over=False)
    assert (result.inputs, result.said, result.heard, result.snapshots) == (len(messages), 1 + len(messages), 2, 1)


def test_a_spectator_acknowledges() -> None:
    clock = tickws.ManualClock()
    bot, connection = opened(clock, spectator=True)
    for tick in (102, 105, 111):  # one was left out between the last two
        tell(bot, snapshot(tick))
        bot.play()
        bot.play()
    assert heard(bot, connection) == [Ack(0, 102), Ack(0, 105), Ack(0, 111)]
    result = bot.result(over=False)
    assert (result.inputs, result.snapshots, result.spared) == (0, 3, 1)


def test_a_bot_does_as_it_is_told() -> None:
    clock = tickws.ManualClock()
    bot, connection = opened(clock)
    nothing = msgspec.Raw(encode(None))
    tell(bot, Event(1, "stop", nothing))
    clock.advance(1.0)
    bot.play()
    assert heard(bot, connection) == [Event(1, "done", nothing), Ack(1, None)]
    tell(bot, Event(2, "hush", nothing))
    tell(bot, snapshot(102))
    bot.play()
    assert heard(bot, connection) == [Event(2, "done", nothing)]


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (snapshot(102), "snapshot 102 after 102"),
        (Event(2, "over", msgspec.Raw(encode(None))), "event 2 after 0"),
        (b"\xc1", "malformed"),
    ],
    ids=["an old snapshot", "a gap", "no msgpack"],
)
def test_a_bot_complains_of_a_bad_server(message: object, fault: str) -> None:
    bot, _ = opened(tickws.ManualClock())
    tell(bot, snapshot(102))
    tell(bot, message)
    assert fault in bot.result(over=False).fault


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 125])
def test_masking(size: int) -> None:
    payload = bytes(range(size))
    assert masked(BINARY, payload) == encode_frame(2, payload, True, MASK)


# The game


def test_a_body_stays_inside() -> None:
    body = Body(3)
    for _ in range(600):
        body.move(Move(1.0, -1.0, True), 1 / 60)
        assert 0 <= body.x <= SIDE
        assert 0 <= body.y <= SIDE
    assert body.x > SIDE / 2 > body.y


def test_an_arena_shows_what_it_is_told_to() -> None:
    arena = Arena(shown=2)
    for number in (1, 2, 3):
        arena.bodies[number] = Body(number)
        arena.move(number, Move(dash=number > 1), 1 / 60)
    assert arena.dashes == 2
    assert [*arena.state()] == [1, 2]
    assert arena.state()[2]["dash"] == 45
