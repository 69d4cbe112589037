"""`Player`: its input frames, what it knows of its line, and how it is thrown out."""

import gc
import weakref

import pytest

import tickws
from tests.game.helpers import Move, Table
from tickws.testing import Conditions


def test_an_entity_is_hashable_or_refused_at_once() -> None:
    table = Table()
    table.raw()
    player = table.player(1)
    with pytest.raises(TypeError, match="unhashable"):
        player.entity = {}  # type: ignore[assignment]
    player.entity = ("paddle", 1)
    assert player.entity == ("paddle", 1)


def test_forgetting_its_entity_does_not_keep_a_player() -> None:
    table = Table()
    raw = table.raw()
    table.player(1).entity = 7
    raw.socket.close()
    for _ in range(3):
        table.game.server.receive(None)  # it is gone, and nobody was told
    table.loop.bus.forget(7)
    table.run(0.1)
    assert table.game.players == ()
    assert [left.player.id for left in table.of(tickws.PlayerLeft)] == [1]


def test_input_frames_are_those_of_the_running_tick_alone() -> None:
    table = Table()
    raw = table.raw()
    player = table.player(1)
    now = table.loop.ticks
    raw.input(now + 1, 1.0, True)
    table.run(0.1)
    assert table.inputs[1][-6:].count(Move(1.0, True)) == 1
    for number in (now, 0, table.loop.ticks, -5):
        with pytest.raises(tickws.UsageError, match="only the running tick"):
            player.input(tickws.Tick(number, 1 / 60, number / 60))


def test_the_same_frame_however_often_it_is_asked_for() -> None:
    table = Table()
    seen: list[object] = []
    table.loop.system(lambda tick: seen.extend(player.input(tick) for player in table.game.players for _ in range(2)))
    raw = table.raw()
    raw.input(table.loop.ticks + 1, 0.0, True)
    table.run(0.1)
    assert seen[::2] == seen[1::2] == table.inputs[1]
    assert seen.count(Move(0.0, True)) == 2


def test_a_player_is_neutral_before_it_has_said_anything() -> None:
    table = Table()
    table.raw()
    table.run(1.0)
    assert set(table.inputs[1]) == {Move()}


def test_spectators_have_none() -> None:
    table = Table(spectators=1)
    table.raw("/?role=spectator")
    caught: list[str] = []

    @table.loop.system
    def look(tick: tickws.Tick) -> None:
        with pytest.raises(tickws.UsageError, match="spectator has no input frames") as error:
            table.player(1).input(tick)
        caught.append(str(error.value))

    table.run(0.1)
    assert caught


def test_held_frames_repeat_for_half_a_second_and_presses_never() -> None:
    table = Table()
    raw = table.raw()
    raw.input(table.loop.ticks + 1, 1.0, True)
    table.run(1.0)
    frames = table.inputs[1]
    first = frames.index(Move(1.0, True))
    assert frames[first:] == [Move(1.0, True)] + [Move(1.0)] * 30 + [Move()] * (len(frames) - first - 31)
    assert len(frames) > first + 40


def test_what_comes_late_is_not_executed_but_its_press_is() -> None:
    table = Table()
    raw = table.raw()
    raw.input(table.loop.ticks - 4, 1.0, True)
    raw.input(table.loop.ticks - 3, 0.5, True)
    table.run(0.2)
    moves = [frame for frame in table.inputs[1] if frame != Move()]
    assert moves[:2] == [Move(0.5, True)] * 2
    assert set(moves[2:]) == {Move(0.5)}
    assert table.counts.late == 2


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("", ""),
        ("be nice", "be nice"),
        ("x" * 123, "x" * 123),
        ("x" * 124, "x" * 120 + "…"),
        ("ä" * 100, "ä" * 60 + "…"),
        ("x" * 119 + "ä" * 9, "x" * 119 + "…"),
        ("🏓" * 200, "🏓" * 30 + "…"),
    ],
)
def test_kicking(reason: str, told: str) -> None:
    table = Table()
    raw = table.raw()
    player = table.player(1)
    player.kick(reason)
    assert not player.connected
    assert player in table.game.players
    table.run(0.1)
    assert raw.closed == (1008, told)
    assert [(left.player, left.code, left.reason) for left in table.of(tickws.PlayerLeft)] == [(player, 1008, told)]
    assert table.game.players == ()
    player.kick("again")
    table.run(0.1)
    assert len(table.of(tickws.PlayerLeft)) == 1


def test_what_was_sent_before_the_kick_arrives() -> None:
    table = Table()
    raw = table.raw()
    table.player(1).send("why", "because")
    table.player(1).kick()
    table.run(0.1)
    assert raw.messages == [("why", "because")]
    assert raw.closed == (1008, "")


def test_in_a_subscriber_of_its_joining_a_player_can_be_spoken_to_and_kicked() -> None:
    table = Table()

    @table.loop.bus.on(tickws.PlayerJoined)
    def joined(event: tickws.PlayerJoined) -> None:
        event.player.send("hello", event.player.id)
        if event.player.id == 2:
            event.player.kick("no twos")

    first, second = table.raw(), table.raw()
    assert (first.messages, first.closed) == ([("hello", 1)], None)
    assert (second.messages, second.closed) == ([("hello", 2)], (1008, "no twos"))


def test_latency_and_behind() -> None:
    table = Table(conditions=Conditions(latency=0.1))
    raw = table.raw()
    player = table.player(1)
    assert player.behind is None
    table.publish_each_tick()
    client = table.join()
    client.send_input(Move())
    table.run(3.0)
    assert table.player(2).latency == pytest.approx(0.2, abs=2 / 60)
    assert table.player(2).behind == pytest.approx(0.225, abs=4 / 60)
    assert client.latency == pytest.approx(0.2, abs=2 / 60)
    assert raw.snapshots
    assert player.behind is None  # has acknowledged nothing
    assert player.latency == pytest.approx(0.2, abs=2 / 60)  # of a ping, then


def test_what_the_server_held_a_frame_for_is_no_latency() -> None:
    table = Table(snapshot_rate=1)
    table.publish_each_tick()
    client = table.join()
    client.send_input(Move())
    end = table.line().other
    assert end is not None
    table.run(40 / 60)
    for _ in range(3):
        end.stall()  # over the snapshot: it answers a frame of a third of a second ago
        table.run(0.5)
        end.stall(False)
        table.run(0.5)
    assert client.latency is not None
    assert client.latency <= 2 / 60


def test_who_is_thrown_out_twice_left_for_the_first_reason() -> None:
    table = Table()
    raw = table.raw()
    player = table.player(1)
    raw.line.stall()
    player.kick("be nice")
    player.kick("and do not come back")
    table.run(6.0)  # as long as a closing handshake may take
    assert [(left.code, left.reason) for left in table.of(tickws.PlayerLeft)] == [(1008, "be nice")]


def test_how_it_shows_itself() -> None:
    table = Table(spectators=1)
    table.raw()
    table.raw("/?role=spectator")
    assert [repr(table.player(1)), repr(table.player(2))] == ["<Player 1>", "<Spectator 2>"]


def test_nothing_is_kept_of_who_is_gone() -> None:
    table = Table()
    raw = table.raw()
    ref = weakref.ref(table.player(1))
    raw.socket.close()
    table.run(0.5)
    table.events.clear()
    gc.collect()
    assert ref() is None


def test_the_frames_of_who_was_thrown_out_are_counted_once() -> None:
    table = Table()
    client = table.join()
    table.run(0.2)
    client.send_input(Move(0.5))
    table.run(1.0)
    before = table.counts
    table.clients.clear()  # it hangs, and does not hear that it is thrown out
    table.player(1).kick("enough")
    assert (table.counts.inputs, table.counts.repeated) == (before.inputs, before.repeated)
    table.run(10.0)
    assert (table.counts.inputs, table.counts.repeated) == (before.inputs, before.repeated)
    assert table.counts.left == 1
