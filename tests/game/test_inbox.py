"""A chatterbox is slowed, costs nobody else a thing, and is closed only where it does not stop at all."""

import pytest

import tickws
from tests.game.helpers import Table
from tickws.game.inbox import Inbox
from tickws.game.limits import GameLimits
from tickws.sync.wire import Event, client_reader

LIMITS = GameLimits(message_rate=30.0, message_burst=4, event_messages=10)


def event(payload: object, number: int) -> bytes:
    return tickws.pack([3, number, "chat", payload])


def read(number: int) -> Event:
    message = client_reader(tickws.Input).read(event(None, number))
    assert isinstance(message, Event)
    return message


def test_a_burst_passes_at_once_and_the_rest_in_its_turn() -> None:
    inbox = Inbox(LIMITS, 60)
    for number in range(1, 9):
        inbox.put(read(number))
    assert [each.number for each in inbox.take()] == [1, 2, 3, 4]
    passed = []
    for _ in range(8):
        inbox.tick()
        passed.append([each.number for each in inbox.take()])
    assert passed == [[], [5], [], [6], [], [7], [], [8]]
    assert inbox.counter.received == 8
    for _ in range(600):
        inbox.tick()
    for number in range(9, 15):
        inbox.put(read(number))
    assert [each.number for each in inbox.take()] == [9, 10, 11, 12]  # never more than a burst at once


@pytest.mark.parametrize("limits", [LIMITS, tickws.GameLimits(event_messages=300)])
def test_as_many_wait_as_may_be_unacknowledged(limits: tickws.GameLimits) -> None:
    """Never fewer than clients believe, whatever the limit is for what they are sent."""
    most = max(256, limits.event_messages)
    inbox = Inbox(limits, 60)
    for number in range(1, most + 1):
        inbox.put(read(number))
    with pytest.raises(tickws.TickwsError, match="more messages than may wait"):
        inbox.put(read(most + 1))


def test_who_chats_a_lot_is_slowed_and_nothing_is_lost() -> None:
    table = Table(limits=LIMITS)
    heard: list[tuple[int, object]] = []

    @table.game.message("chat", int)
    def chat(player: tickws.Player[tickws.Input], number: int) -> None:
        heard.append((table.loop.ticks, number))

    client = table.join()
    table.run(0.2)
    start = table.loop.ticks
    assert [client.send("chat", number) for number in range(10)] == [True] * 10
    table.run(1.0)
    assert [number for _, number in heard] == list(range(10))
    assert heard[3][0] - start <= 3
    assert 2 * 6 - 2 <= heard[9][0] - start <= 2 * 6 + 4  # 30 a second
    assert client.connected
    assert table.counts.messages == 10


def test_a_flood_costs_the_flooder_alone() -> None:
    """The chat of docs/game.md: what one says goes to all, who must not drown in it."""
    table = Table()

    @table.game.message("chat", str)
    def chat(player: tickws.Player[tickws.Input], line: str) -> None:
        table.game.broadcast("chat", line)

    ada = table.join()
    flooder = table.raw()
    queued = 0
    number = 0
    for _ in range(300):
        for _ in range(40):
            number += 1
            flooder.say_bytes(event("spam", number))
        table.run(1 / 60)
        queued = max(queued, table.loop.bus.statistics().queued)
        if flooder.closed is not None:
            break
    assert flooder.closed == (1008, "more messages than may wait for acknowledgment")
    assert queued <= 64
    table.run(1.0)
    assert ada.connected


def test_what_waits_when_its_player_leaves_is_dropped() -> None:
    table = Table(limits=LIMITS)
    table.game.message("chat")
    raw = table.raw()
    for number in range(1, 9):
        raw.say_bytes(event(None, number))
    raw.socket.close()
    table.run(1.0)
    assert table.counts.messages == 4
    assert [type(each).__name__ for each in table.events][-1] == "PlayerLeft"
