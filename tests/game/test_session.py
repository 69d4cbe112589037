"""Bad input: it never reaches the game; it is counted, told, and in the end costs the connection."""

import math
from dataclasses import dataclass
from typing import Any

import msgpack
import pytest

import tickws
from tests.game.helpers import Free, Move, RawClient, Table
from tickws.testing import MemoryNetwork

TOLERATED = 8


@dataclass
class Chat:
    text: str
    size: float = 1.0


def deep(levels: int) -> Any:
    """A list in a list in a list."""
    value: Any = None
    for _ in range(levels):
        value = [value]
    return value


def event(name: object, payload: object, number: object = 1) -> bytes:
    """An event with the first number."""
    return tickws.pack([3, number, name, payload])


def frame(*fields: object, sequence: object = 1, tick: object = 30, applied: object = None, heard: object = 0) -> bytes:
    """An input frame."""
    return bytes(msgpack.packb([2, sequence, tick, applied, heard, list(fields)]))


NAN = math.nan
BAD: dict[str, tuple[bytes | str, int, str]] = {
    # no msgpack
    "empty": (b"", 1007, "no msgpack"),
    "not msgpack": (b"\xc1", 1007, "no msgpack"),
    "cut short": (frame(0.5, True)[:-1], 1007, "no msgpack"),
    "bytes behind": (frame(0.5, True) + b"\x00", 1007, "no msgpack"),
    "no array": (tickws.pack({"kind": 2}), 1007, "array"),
    "an empty array": (tickws.pack([]), 1007, ""),
    "a number": (tickws.pack(2), 1007, "array"),
    "the head of four billion elements": (b"\xdd\xff\xff\xff\xff\x02", 1007, ""),
    "no UTF-8": (b"\x94\x03\x01\xa1\xff\xc0", 1007, "UTF-8"),
    "an extension type": (msgpack.packb([3, 1, "any", msgpack.ExtType(5, b"x")]), 1007, "extension"),
    # unknown kinds
    "a kind that is none": (tickws.pack([9, 1]), 1008, "a message of kind 9"),
    "a kind below zero": (tickws.pack([-1]), 1008, "a message of kind -1"),
    "a welcome": (tickws.pack([1, 1, 0, "", 60, 20, 1, False, b"", 0, 0]), 1008, "a message of kind 1"),
    "a snapshot": (tickws.pack([5, None, 0, 0, 0, 0, None, {}, [], {}]), 1008, "a message of kind 5"),
    "a kind by name": (tickws.pack(["input", 1]), 1007, ""),
    "an unknown name": (event("cheat", None), 1008, "unknown name 'cheat'"),
    # too deep
    "arrays without end": (b"\x91" * 4000, 1007, ""),
    "a payload without end": (b"\x94\x03\x01\xa3any" + b"\x91" * 4000, 1007, ""),
    "a payload too deep": (event("any", deep(17)), 1007, "too deep"),
    # wrong types
    "text": ("hello", 1003, "binary"),
    "too few fields": (tickws.pack([2, 1, 30]), 1007, ""),
    "too many fields": (tickws.pack([4, 0, None, 1]), 1007, ""),
    "a frame with too many fields": (frame(0.5, True, 1), 1007, ""),
    "a frame that is none": (tickws.pack([2, 1, 30, None, 0, None]), 1007, ""),
    "a frame of names": (tickws.pack([2, 1, 30, None, 0, {"dy": 0.5}]), 1007, ""),
    "text for a number": (frame("up", True), 1007, "float"),
    "a number for a press": (frame(0.5, 1), 1007, "bool"),
    "nothing for a press": (frame(0.5, None), 1007, "bool"),
    "a tick with a fraction": (frame(0.5, True, tick=30.5), 1007, "int"),
    "a payload of another type": (event("chat", {"text": 5}), 1007, "'chat'"),
    "a payload that lacks something": (event("chat", {}), 1007, "text"),
    "a map with odd keys": (msgpack.packb([3, 1, "any", {1.5: 1}]), 1007, "key"),
    # out of range
    "beyond a bound": (frame(1.5, True), 1007, "<= 1"),
    "below a bound": (frame(-1.0001, True), 1007, ">= -1"),
    "infinite": (frame(math.inf, True), 1007, ""),
    "not a number": (frame(NAN, True), 1007, ""),
    "not a number, in 32 bits": (b"\x96\x02\x01\x1e\xc0\x00\x92\xca\x7f\xc0\x00\x00\xc3", 1007, ""),
    "not a number in a message": (event("chat", {"text": "", "size": NAN}), 1007, "finite"),
    "not a number in any message": (event("any", [{"a": -math.inf}]), 1007, "finite"),
    "sequence 0": (frame(0.5, True, sequence=0), 1007, ""),
    "a sequence of 33 bits": (frame(0.5, True, sequence=1 << 32), 1007, ""),
    "a tick below zero": (frame(0.5, True, tick=-1), 1007, ""),
    "a tick that JavaScript cannot count": (frame(0.5, True, tick=1 << 53), 1007, ""),
    "no name": (event("", None), 1007, ""),
    "a long name": (event("x" * 65, None), 1007, ""),
    "event 0": (event("any", None, number=0), 1007, ""),
    # what cannot be
    "a second hello": (tickws.pack([0, 1, None, "", None, None, 0]), 1008, "a second hello"),
    "an event too many": (event("any", None, number=2), 1008, "event 2 after 0: one is missing"),
    "an event that was never sent is acknowledged": (tickws.pack([4, 1, None]), 1008, "event 1, which was never sent"),
    "the same by a frame": (frame(0.5, True, heard=1), 1008, "event 1, which was never sent"),
    "a snapshot that was never sent is applied": (tickws.pack([4, 0, 99999]), 1008, "snapshot 99999, which was never"),
    "the same with a frame": (frame(0.5, True, applied=99999), 1008, "snapshot 99999, which was never"),
}  # fmt: skip


def table_for(inputs: type[tickws.Input] = Move, **options: Any) -> Table:
    """A game that knows two messages, and publishes."""
    table = Table(inputs, **options)
    table.game.message("chat", Chat)
    table.game.message("any")
    table.publish_each_tick()
    return table


def numbered(message: bytes | str, number: int) -> bytes | str:
    """The same message; an event that is the first, with the number that it takes."""
    if isinstance(message, bytes) and message.startswith(b"\x94\x03\x01"):
        return message[:2] + bytes((number,)) + message[3:]
    return message


def check(table: Table, raw: RawClient, bad: bytes | str, code: int, words: str) -> None:
    """Say something `TOLERATED` times, and then once more."""
    for told in range(1, TOLERATED + 2):
        assert raw.closed is None
        raw.say_bytes(numbered(bad, told))
        table.run(0.05)
        assert len(table.of(tickws.InputRejected)) == told
    assert raw.closed is not None
    assert raw.closed[0] == code
    assert words in raw.closed[1]
    assert table.counts.rejected == {code: TOLERATED + 1}
    rejected = table.of(tickws.InputRejected)
    assert {(event.player.id, event.code) for event in rejected} == {(raw.welcome.player, code)}
    assert len(rejected) == TOLERATED + 1
    assert words in rejected[0].reason
    assert table.of(tickws.MessageReceived) == []
    assert table.counts.inputs + table.counts.late == 0
    assert set(table.inputs.get(1, [])) <= {table.game.schema.neutral}
    assert table.loop.statistics().errors == 0


@pytest.mark.parametrize("name", BAD)
def test_bad_input_never_reaches_the_game(name: str) -> None:
    table = table_for()
    check(table, table.raw(), *BAD[name])
    assert table.events[-1] == tickws.PlayerLeft(table.events[0].player, BAD[name][1], table.events[-1].reason)


@pytest.mark.parametrize("number", [NAN, math.inf, -math.inf])
def test_numbers_that_are_not_finite_where_nothing_bounds_them(number: float) -> None:
    table = table_for(Free)
    check(table, table.raw(), frame(number), 1007, "not finite")


def test_inputs_of_a_spectator() -> None:
    table = table_for(spectators=1)
    check(table, table.raw("/?role=spectator"), frame(0.5, True), 1008, "an input frame from a spectator")


@pytest.mark.parametrize("message", [frame(0.5, True), event("any", None), tickws.pack([4, 0, None]), b"", "hello"])
def test_before_the_hello_nothing_is_tolerated(message: bytes | str) -> None:
    table = table_for()
    raw = table.raw(hello=False)
    raw.say_bytes(message)
    table.run(0.1)
    assert raw.closed is not None
    assert raw.closed[0] == {b"": 1007, "hello": 1003}.get(message, 1008)
    assert sum(table.counts.rejected.values()) == 1
    assert table.events == []  # it was nobody


@pytest.mark.parametrize("given", [False, True])
def test_a_message_that_is_too_long_closes_at_once(given: bool) -> None:
    network = MemoryNetwork()
    table = table_for(network=network, server=tickws.WebSocketServer(network=network) if given else None)
    raw = table.raw()
    raw.say_bytes(event("any", b"x" * (4096 - 10)))
    table.run(0.1)
    assert table.counts.messages == 1
    raw.say_bytes(event("any", b"x" * (4097 - 10), number=2))
    table.run(0.1)
    assert raw.closed == (1009, "message above 4096 bytes")
    assert table.counts.messages == 1
    assert [(left.code, left.reason) for left in table.of(tickws.PlayerLeft)] == [(1009, "message above 4096 bytes")]


def test_the_tolerance_is_for_a_connections_life_and_set_by_the_limits() -> None:
    table = table_for(limits=tickws.GameLimits(rejected_messages=1))
    raw = table.raw()
    raw.say_bytes(b"")
    table.run(60.0)
    assert raw.closed is None
    raw.say_bytes("different")
    table.run(0.1)
    assert raw.closed is not None
    assert raw.closed[0] == 1003
    assert table.counts.rejected == {1007: 1, 1003: 1}


def test_others_and_good_messages_go_on_meanwhile() -> None:
    table = table_for()
    raw, other = table.raw(), table.raw()
    for number in range(1, TOLERATED + 1):
        raw.say_bytes(b"bad")
        raw.say(3, number, "chat", {"text": str(number)})
        raw.input(table.loop.ticks + 1, 0.5, False)
        other.say(3, number, "any", None)
        table.run(0.05)
    assert raw.closed is None
    assert table.counts.messages == 2 * TOLERATED
    assert table.inputs[1][-1] == Move(0.5)


def test_a_message_of_an_unknown_name_leaves_no_gap() -> None:
    table = table_for()
    raw = table.raw()
    raw.say(3, 1, "cheat", None)
    raw.say(3, 2, "any", "good")
    table.run(0.1)
    assert [event.payload for event in table.of(tickws.MessageReceived)] == ["good"]


def test_an_event_that_was_here_before_is_no_fault_and_not_delivered_again() -> None:
    table = table_for()
    raw = table.raw()
    for number in (1, 2, 1, 2, 2):
        raw.say(3, number, "any", number)
    table.run(0.1)
    assert [event.payload for event in table.of(tickws.MessageReceived)] == [1, 2]
    assert table.counts.rejected == {}


# Ticks that cannot be: refused, and nothing closes


@pytest.mark.parametrize(("lead", "taken"), [(-257, False), (-256, True), (64, True), (65, False), (1 << 40, False)])
def test_the_window_of_ticks(lead: int, taken: bool) -> None:
    table = table_for()
    table.run(10.0)
    raw = table.raw()
    raw.input(table.loop.ticks - 1 + lead, 0.5, True)
    raw.work()
    table.run(2.0)
    assert table.counts.out_of_range == (not taken)
    assert [event.code for event in table.of(tickws.InputRejected)] == [None] * (not taken)
    assert sum(frame.serve for frame in table.inputs[1]) == taken
    assert raw.closed is None


def test_ticks_out_of_range_never_close_and_are_told_once_a_tick() -> None:
    table = table_for()
    raw = table.raw()
    for _ in range(60):
        for _ in range(4):
            raw.input(table.loop.ticks + 1000, 0.5, True)
        table.run(1 / 60)
    table.run(0.1)
    assert raw.closed is None
    assert table.counts.out_of_range == 240
    told = table.of(tickws.InputRejected)
    assert 58 <= len(told) <= 61
    assert {event.code for event in told} == {None}
    assert "-256 to +64 are taken" in told[0].reason


def test_a_sequence_that_goes_back_is_refused() -> None:
    table = table_for()
    raw = table.raw()
    for sequence in (5, 5, 4):
        raw.say(2, sequence, table.loop.ticks + 2, None, 0, [0.5, False])
    table.run(0.1)
    assert (table.counts.out_of_range, raw.closed) == (2, None)
    assert table.of(tickws.InputRejected)[0].reason == "sequence 5 after 5"
