"""Players come and go by the delivery of events: in which order, addressed to whom, and never inside a system."""

from typing import Any

import tickws
from tests.game.helpers import Move, Table


def kinds(table: Table) -> list[str]:
    """What happened, in short."""
    return [f"{type(event).__name__} {event.player.id}" for event in table.events]


def test_joining_and_leaving_in_order() -> None:
    table = Table(spectators=2)
    ada, watcher, bob = table.raw(), table.raw("/?role=spectator"), table.raw()
    for raw in (watcher, ada):
        raw.socket.close(4001, "dinner")
        table.run(0.1)
    assert kinds(table) == [
        "PlayerJoined 1",
        "SpectatorJoined 2",
        "PlayerJoined 3",
        "SpectatorLeft 2",
        "PlayerLeft 1",
    ]
    assert [(event.code, event.reason) for event in table.events[3:]] == [(4001, "dinner")] * 2
    assert [player.id for player in table.game.players] == [3]
    assert bob.closed is None


def test_players_stand_in_the_order_of_joining() -> None:
    table = Table()
    for _ in range(3):
        table.raw()
    assert [player.id for player in table.game.players] == [1, 2, 3]
    table.player(2).kick()
    table.run(0.1)
    table.raw()
    assert [player.id for player in table.game.players] == [1, 3, 4]


def test_players_change_at_delivery_and_stay_through_the_systems() -> None:
    table = Table()
    seen: dict[str, list[tuple[int, ...]]] = {"first": [], "last": []}

    def look(when: str) -> None:
        seen[when].append(tuple(player.id for player in table.game.players))

    table.loop.system(lambda tick: look("first"))

    @table.loop.system
    def kick(tick: tickws.Tick) -> None:
        for player in table.game.players:
            if tick.number == 30:
                player.kick()

    table.loop.system(lambda tick: look("last"))
    table.raw()
    table.run(1.0)
    assert seen["first"] == seen["last"]
    assert seen["first"][30] == (1,)
    assert seen["first"][-1] == ()


def test_in_the_subscriber_the_player_is_in_already_and_gone_already() -> None:
    table = Table()
    seen: list[Any] = []
    table.loop.bus.subscribe(tickws.PlayerJoined, lambda event: seen.append(event.player in table.game.players))
    table.loop.bus.subscribe(tickws.PlayerLeft, lambda event: seen.append(event.player in table.game.players))
    table.raw().socket.close()
    table.run(0.1)
    assert seen == [True, False]


def test_a_players_events_are_addressed_to_its_entity() -> None:
    table = Table()
    table.game.message("any")
    to_ada: list[Any] = []
    to_bob: list[Any] = []
    bus = table.loop.bus
    for kind in (tickws.PlayerJoined, tickws.MessageReceived, tickws.InputRejected, tickws.PlayerLeft):
        bus.subscribe(kind, to_ada.append, entity="ada")
        bus.subscribe(kind, to_bob.append, entity="bob")
    ada, bob = table.raw(), table.raw()
    table.player(1).entity = "ada"
    table.player(2).entity = "bob"
    ada.say(3, 1, "any", "hello")
    ada.say_bytes(b"")
    bob.say(3, 1, "any", "hello")
    table.run(0.1)
    ada.socket.close()
    table.run(0.1)
    assert [type(event).__name__ for event in to_ada] == ["MessageReceived", "InputRejected", "PlayerLeft"]
    assert [type(event).__name__ for event in to_bob] == ["MessageReceived"]
    assert {event.player.id for event in to_ada} == {1}
    assert len(table.events) == 2 + 3 + 1  # and who subscribes without an entity sees all


def test_what_somebody_said_comes_before_the_leaving() -> None:
    table = Table()
    table.game.message("any")
    raw = table.raw()
    raw.say(3, 1, "any", "last words")
    raw.socket.close()
    table.run(0.1)
    assert kinds(table) == ["PlayerJoined 1", "MessageReceived 1", "PlayerLeft 1"]


def test_who_joins_and_leaves_between_two_ticks_is_told_of_in_pairs() -> None:
    table = Table()
    raw = table.raw(hello=False)
    raw.hello()
    raw.work()
    table.game.receive(None)
    raw.socket.abort()
    table.run(0.1)
    assert kinds(table) == ["PlayerJoined 1", "PlayerLeft 1"]
    assert table.of(tickws.PlayerLeft)[0].code == 1006
    assert table.inputs == {}


def test_who_is_gone_while_the_bus_has_no_time_to_tell_it_is_neutral() -> None:
    table = Table()
    first, second = table.raw(), table.raw()
    table.loop.bus.subscribe(tickws.PlayerLeft, lambda event: table.clock.advance(0.02))  # more than the bus may take
    before = [len(table.inputs[number]) for number in (1, 2)]
    for raw in (first, second):
        for ahead in range(1, 9):
            raw.input(table.loop.ticks + ahead, 1.0, False)
        raw.socket.close()
    table.run(0.1)
    ticks = [len(table.inputs[number]) - before[number - 1] for number in (1, 2)]
    assert ticks[1] == ticks[0] + 1  # the second was there for a tick longer
    assert table.inputs[2][-1] == table.game.schema.neutral
    assert table.game.players == ()


def test_data_is_the_games_own() -> None:
    table = Table()

    @table.loop.bus.on(tickws.PlayerJoined)
    def joined(event: tickws.PlayerJoined) -> None:
        event.player.data = {"score": 0}

    table.raw()
    table.player(1).data["score"] += 1
    assert table.player(1).data == {"score": 1}


def test_statistics() -> None:
    table = Table(spectators=1)
    table.game.message("any")
    table.publish_each_tick()
    ada, watcher = table.raw(), table.raw("/?role=spectator")
    start = table.loop.ticks
    for ahead in range(1, 5):
        ada.input(start + ahead, 0.5, False)
    ada.input(start - 3, 0.5, False)
    ada.say(3, 1, "any", None)
    watcher.say(3, 1, "any", None)
    table.run(1.0)
    counts = table.counts
    assert (counts.players, counts.spectators, counts.joined, counts.left) == (1, 1, 2, 0)
    assert (counts.late, counts.messages, counts.out_of_range) == (1, 2, 0)
    assert counts.inputs + counts.repeated == len(table.inputs[1])
    assert counts.published == 1 + (table.loop.ticks - 1) // 3
    ada.socket.close()
    watcher.socket.close()
    table.run(0.1)
    assert (table.counts.players, table.counts.spectators, table.counts.left) == (0, 0, 2)
    assert (table.counts.inputs, table.counts.late) == (counts.inputs, 1)  # who is gone still counts


def test_presses_wait_for_a_player_whom_the_bus_has_not_come_to_tell_of() -> None:
    table = Table()
    client = table.join()
    served: list[int] = []
    sent: list[int] = []

    @table.loop.bus.on(str)
    def slow(event: str) -> None:
        table.clock.advance(0.009)  # more than the bus has

    @table.loop.system
    def count(tick: tickws.Tick) -> None:
        served.extend(player.id for player in table.game.players if player.input(tick).serve)

    for _ in range(60):  # one is delivered in each tick
        table.loop.bus.emit("something slow")
    for _ in range(20):
        table.frame()
        if client.connected and len(sent) < 10:
            client.send_input(Move(serve=True))
            sent.append(table.loop.ticks)
    assert client.connected
    assert table.game.players == ()
    table.run(3.0)
    assert len(table.game.players) == 1
    assert len(served) == 10
