"""Messages by name, both ways: declared and typed, to everybody, to one, to all but some."""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

import tickws
from tests.game.helpers import Table


@dataclass
class Chat:
    text: str


class Buy(msgspec.Struct):
    item: str
    count: int = 1


def test_messages_are_typed_and_come_with_the_bus() -> None:
    table = Table()
    log: list[Any] = []
    table.game.message("chat", Chat)(lambda player, chat: log.append((player.id, chat)))
    table.game.message("buy", Buy)
    table.game.message("any")(lambda player, payload: log.append((player.id, payload)))
    raw = table.raw()
    raw.say(3, 1, "chat", {"text": "hello"})
    raw.say(3, 2, "buy", {"item": "sword"})
    raw.say(3, 3, "any", [1, {"a": None}])
    table.run(0.1)
    assert log == [(1, Chat("hello")), (1, [1, {"a": None}])]
    assert [(event.name, event.payload) for event in table.of(tickws.MessageReceived)] == [
        ("chat", Chat("hello")),
        ("buy", Buy("sword", 1)),
        ("any", [1, {"a": None}]),
    ]
    assert table.counts.messages == 3
    assert raw.acknowledged[-1] == 3


def test_decorating_gives_the_function_back() -> None:
    def chat(player: object, payload: object) -> None: ...

    assert Table().game.message("chat")(chat) is chat


@pytest.mark.parametrize(
    ("name", "type", "error"),
    [("", Any, ValueError), ("x" * 65, Any, ValueError), (5, Any, TypeError), ("chat", lambda: None, TypeError)],
)
def test_names_and_types_that_are_none(name: Any, type: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Table().game.message(name, type)


def test_a_name_is_declared_once() -> None:
    table = Table()
    table.game.message("chat")
    with pytest.raises(ValueError, match="declared already"):
        table.game.message("chat", Chat)


def test_broadcasts_go_to_all_who_said_hello_but_those_excluded() -> None:
    table = Table(spectators=1)
    first, second, watcher = table.raw(), table.raw(), table.raw("/?role=spectator")
    mute = table.raw(hello=False)
    assert table.game.broadcast("goal", {"by": 1}) == 3
    assert table.game.broadcast("psst", exclude=[table.player(1), table.player(3)]) == 1
    assert table.game.broadcast("all", exclude=iter(table.game.players)) == 1
    table.run(0.1)
    assert first.messages == [("goal", {"by": 1})]
    assert second.messages == [("goal", {"by": 1}), ("psst", None)]
    assert watcher.messages == [("goal", {"by": 1}), ("all", None)]
    assert mute.heard == []


@pytest.mark.parametrize(
    ("name", "payload", "error"),
    [("", None, ValueError), ("x" * 65, None, ValueError), (None, None, TypeError), ("ok", object(), TypeError)],
)
def test_what_cannot_be_sent_shows_at_once(name: Any, payload: object, error: type[Exception]) -> None:
    table = Table()
    with pytest.raises(error):
        table.game.broadcast(name, payload)
    table.raw()
    with pytest.raises(error):
        table.player(1).send(name, payload)


def test_a_message_is_delivered_before_the_ticks_systems_run() -> None:
    table = Table()
    table.game.message("chat")(lambda player, payload: log.append(payload))
    raw = table.raw()
    log: list[object] = []
    table.loop.system(lambda tick: log.append("system"))
    raw.say(3, 1, "chat", "hello")
    raw.work()
    table.loop.frame()
    table.clock.advance(table.loop.dt)
    assert log[:2] == ["hello", "system"]


def test_an_exception_of_a_handler_goes_where_the_loops_policy_says() -> None:
    table = Table()
    table.game.message("chat")(lambda player, payload: 1 // 0)
    raw = table.raw()
    raw.say(3, 1, "chat", "hello")
    with pytest.raises(ZeroDivisionError):
        table.run(0.1)
    table.run(0.1)
    assert raw.closed is None


def test_a_player_who_is_gone_takes_nothing() -> None:
    table = Table()
    raw = table.raw()
    player = table.player(1)
    assert player.send("hello")
    player.kick()
    assert not player.send("hello")
    assert table.game.broadcast("hello") == 0
    table.run(0.1)
    assert raw.messages == [("hello", None)]
    assert not player.send("hello")
