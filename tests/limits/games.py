"""Rows of `GameLimits`: those that only games have, and those that they have otherwise than a bare server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import tickws
from tests.game.helpers import RawClient, Table
from tests.limits.table import Outcome, Rows, limited
from tickws.game.limits import GameLimits
from tickws.testing import MemoryNetwork

ROWS = Rows()
RATE = 60


def seat(
    limits: GameLimits, *, hello: bool = True, given: bool = False, pings: bool = False
) -> tuple[Table, RawClient]:
    """A game, and a player who says what it likes. Messages may be called "any"."""
    options: dict[str, Any] = {}
    if given:
        options["network"] = network = MemoryNetwork()
        options["server"] = tickws.WebSocketServer(network=network)
    table = Table(limits=limits if pings else replace(limits, ping_seconds=1000.0), **options)
    table.game.message("any")
    raw = table.raw(hello=hello)
    return table, raw


def outcome(table: Table, raw: RawClient, heard: object = None, peer: object = None) -> Outcome:
    """What became of a player."""
    left = table.of(tickws.PlayerLeft)
    told = (left[0].code, left[0].reason) if left else None
    return Outcome(raw.closed if peer is None else peer, told, heard, limited(table.game, table.game.server))


def event(number: int, size: int = 0) -> bytes:
    """A message "any" with that number, of `size` bytes."""
    sizes = range(size, -1, -1) if size else (0,)
    messages: Iterator[bytes] = (tickws.pack([3, number, "any", bytes(each)]) for each in sizes)
    return next(message for message in messages if len(message) == (size or len(message)))


TOO_LONG = (1009, "message above 100 bytes")


@ROWS.row("message_bytes", "own", "given", within=Outcome(None, None, 1), above=Outcome(TOO_LONG, TOO_LONG, 0))
def message_bytes(way: str, over: int) -> Outcome:
    table, raw = seat(GameLimits(message_bytes=100), given=way == "given")
    message = event(1, 100 + over)
    assert len(message) == 100 + over
    raw.say_bytes(message)
    table.run(0.1)
    assert table.counts.rejected == ({1009: 1} if over and way == "given" else {})
    return outcome(table, raw, len(table.of(tickws.MessageReceived)))


@ROWS.row("ping_seconds", within=Outcome(None, None, 0), above=Outcome(None, None, 1), overs=(0, 1), timed=False)
def ping_seconds(way: str, over: int) -> Outcome:
    """Silence of a second, and a bit, for pings go together."""
    table, raw = seat(GameLimits(), pings=True)
    table.clients.clear()
    before = table.game.server.statistics().limited.get("ping_seconds", 0)
    heard = raw.socket.statistics().bytes_received
    table.run(0.85 + over * 0.2)
    raw.work()
    pings = table.game.server.statistics().limited.get("ping_seconds", 0) - before
    assert (raw.socket.statistics().bytes_received > heard) == (pings == 1)
    return outcome(table, raw, pings)


@ROWS.row(
    "dead_seconds",
    within=Outcome(None, None, limited={"ping_seconds": 1}),
    above=Outcome(None, (1006, ""), limited={"ping_seconds": 1, "dead_seconds": 1}),
    overs=(0, 1),
)
def dead_seconds(way: str, over: int) -> Outcome:
    """Silence of fifteen seconds, and a bit, for pings go together."""
    table, raw = seat(GameLimits(), pings=True)
    table.clients.clear()
    table.run(14.85 + over * 0.2)
    return outcome(table, raw)


@ROWS.row("slow_seconds", within=Outcome(None, None, []), above=Outcome(None, None, [1.0]), timed=True)
def slow_seconds(way: str, over: int) -> Outcome:
    """An event that is not acknowledged for so many ticks."""
    table, raw = seat(GameLimits(slow_seconds=1.0))
    table.player(1).send("hello")
    for _ in range(RATE + over):
        table.frame()
    found = outcome(table, raw)
    table.frame()  # the bus has told of it
    return replace(found, heard=[slow.seconds for slow in table.of(tickws.PlayerSlow)])


NO_HELLO = (1008, "no hello within 2 s")


@ROWS.row(
    "hello_seconds", "own", "given", within=Outcome(None, None, 0), above=Outcome(NO_HELLO, None, 1), overs=(0, 1, 2)
)
def hello_seconds(way: str, over: int) -> Outcome:
    """In the tick that is two seconds behind its coming a hello is still in time."""
    table, raw = seat(GameLimits(hello_seconds=2.0), hello=False, given=way == "given")
    opened = table.loop.ticks - 6 + 1  # in the second frame: its request came in the first
    while table.loop.ticks < opened + 2 * RATE + 1 + over:
        table.frame()
    return outcome(table, raw, table.counts.refused)


def slow_reason(count: int, size: int) -> tuple[int, str]:
    return (1013, f"too slow: {count} events ({size} bytes) are not acknowledged")


@ROWS.row(
    "event_messages",
    "sent",
    within=Outcome(None, None, [True] * 8, {"slow_seconds": 1}),  # told at half of it already
    above=lambda over: Outcome(
        slow_reason(8, 8 * 10),
        slow_reason(8, 8 * 10),
        [True] * 8 + [False] * over,
        {"event_messages": 1, "slow_seconds": 1},
    ),
)
def event_messages(way: str, over: int) -> Outcome:
    table, raw = seat(GameLimits(event_messages=8))
    taken = [table.player(1).send("hello", number) for number in range(8 + over)]
    table.run(0.1)
    assert [payload for _, payload in raw.messages] == list(range(8))
    return outcome(table, raw, taken)


@ROWS.row(
    "event_messages",
    "received",
    within=Outcome(None, None, (0, 1), {"message_rate": 1}),
    above=lambda over: Outcome(None, None, (over, 1), {"event_messages": over, "message_rate": 1}),
)
def event_messages_of_a_player(way: str, over: int) -> Outcome:
    """One passes, and as many as may wait, wait: never fewer than a client believes, which is 256."""
    table, raw = seat(GameLimits(event_messages=257, message_burst=1, message_rate=0.001, slice_messages=1000))
    raw.say_bytes(*(event(number) for number in range(1, 1 + 1 + 257 + over)))
    table.run(0.2)
    return outcome(table, raw, (table.counts.rejected.get(1008, 0), table.counts.messages))


@ROWS.row(
    "event_bytes",
    within=Outcome(None, None, [True] * 4, {"slow_seconds": 1}),
    above=Outcome(
        slow_reason(3, 300), slow_reason(3, 300), [True, True, True, False], {"event_bytes": 1, "slow_seconds": 1}
    ),
)
def event_bytes(way: str, over: int) -> Outcome:
    table, raw = seat(GameLimits(event_bytes=400))
    plain = len(event(1)) + 2  # "hello" is longer
    taken = [table.player(1).send("hello", bytes(100 - plain + (over if number == 3 else 0))) for number in range(4)]
    table.run(0.1)
    return outcome(table, raw, taken)


@ROWS.row(
    "messages_burst",
    within=Outcome(None, None, 31),
    above=Outcome(None, None, 31, {"messages_per_second": 1}),
)
def messages_burst(way: str, over: int) -> Outcome:
    table, raw = metered(messages_per_second=1.0, messages_burst=32)
    before = table.game.server.statistics().messages_received
    raw.say_bytes(*(event(1) for _ in range(32 + over)))
    raw.work()
    table.frame()
    assert table.game.server.statistics().messages_received - before == 32 + over, "the turn that oversteps is heard"
    raw.say_bytes(event(1))
    raw.work()
    table.frame()
    late = 32 + over + 1 - (table.game.server.statistics().messages_received - before)
    assert late == (over > 0)
    found = outcome(table, raw, 31)
    return found if over else Outcome(found.peer, found.told, found.heard, {})


def metered(**limits: Any) -> tuple[Table, RawClient]:
    """A player whose hello is paid for long since."""
    table, raw = seat(GameLimits(ping_seconds=1000.0, **limits))
    table.run(3.0)
    return table, raw


@ROWS.row("bytes_burst", within=Outcome(None, None, True), above=Outcome(None, None, False, {"bytes_per_second": 1}))
def bytes_burst(way: str, over: int) -> Outcome:
    table, raw = metered(bytes_per_second=200.0, bytes_burst=500)
    raw.say_bytes(event(1, 500 - 8 + over))  # the frame's header has 8 bytes
    raw.work()
    table.loop.frame()
    counted = table.game.server.statistics().limited.get("bytes_per_second", 0)
    raw.say_bytes(event(2))
    raw.work()
    table.loop.frame()
    found = outcome(table, raw, table.counts.messages == 2)
    return Outcome(found.peer, found.told, found.heard, {"bytes_per_second": counted} if counted else {})


def steady(messages: list[bytes], ticks: int, **limits: float) -> Outcome:
    """Say these, one every so many ticks; how many are heard when the last is said, and how often it was limited."""
    table, raw = metered(**limits)
    before = table.game.server.statistics().messages_received
    for number, message in enumerate(messages):
        if number:
            for _ in range(ticks):
                table.frame()
        raw.say_bytes(message)
        raw.work()
    table.loop.frame()
    return outcome(table, raw, table.game.server.statistics().messages_received - before)


@ROWS.row(
    "messages_per_second",
    within=Outcome(None, None, 3),
    above=Outcome(None, None, 3, {"messages_per_second": 2}),
)
def messages_per_second(way: str, over: int) -> Outcome:
    """Three messages at a rate: the second and the third come too early, and what came behind them would be late."""
    return steady([event(1)] * 3, 6 - over, messages_per_second=10.0, messages_burst=1)


@ROWS.row("bytes_per_second", within=Outcome(None, None, 30), above=Outcome(None, None, 30, {"bytes_per_second": 30}))
def bytes_per_second(way: str, over: int) -> Outcome:
    """Thirty messages of a tenth of a second's bytes, each so many bytes too long."""
    messages = [event(number, 100 - 6 + over) for number in range(1, 31)]  # the frame's header has 6 bytes
    return steady(messages, 6, bytes_per_second=1000.0, bytes_burst=100)


@ROWS.row("message_burst", within=Outcome(None, None, 4), above=Outcome(None, None, 4, {"message_rate": 1}))
def message_burst(way: str, over: int) -> Outcome:
    table, raw = seat(GameLimits(message_burst=4, message_rate=0.001))
    raw.say_bytes(*(event(number) for number in range(1, 5 + over)))
    table.run(0.5)
    return outcome(table, raw, table.counts.messages)


@ROWS.row("message_rate", within=Outcome(None, None, 20), above=Outcome(None, None, 20, {"message_rate": 1}))
def message_rate(way: str, over: int) -> Outcome:
    """One every second tick; and in the last one, more than one."""
    table, raw = seat(GameLimits(message_burst=1, message_rate=30.0))
    for number in range(1, 21):
        table.frame()
        raw.say_bytes(event(number))
        if number == 20:
            raw.say_bytes(*(event(20 + more) for more in range(1, 1 + over)))
        raw.work()
        table.frame()
    at_once = table.counts.messages
    table.run(0.5)
    assert table.counts.messages == 20 + over
    return outcome(table, raw, at_once)


@ROWS.row(
    "rejected_messages",
    "server",
    within=Outcome(None, None, 3),
    above=lambda over: Outcome((1007, "wrong"), (1007, "wrong"), 4),
)
def rejected_messages(way: str, over: int) -> Outcome:
    table, raw = seat(GameLimits(rejected_messages=3))
    raw.say_bytes(*[b"\xc1"] * (3 + over))
    table.run(0.1)
    found = outcome(table, raw, len(table.of(tickws.InputRejected)))
    if not over:
        return found
    assert raw.closed == found.told
    assert found.told is not None
    assert found.told[0] in (1002, 1003, 1007, 1008)
    return Outcome((1007, "wrong"), (1007, "wrong"), found.heard, found.limited)
