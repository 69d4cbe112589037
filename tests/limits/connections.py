"""Rows of `Limits`: what one connection says, is told, and how long it takes; in both roles, with and without TLS."""

from __future__ import annotations

from typing import Any

import tickws
from tests.limits.table import Outcome, Rows, limited, pass_until
from tests.protocol.deflating import RSV1, Packer
from tests.protocol.helpers import BINARY, CONT, TEXT, frame, mask_to
from tests.transport.ears import seated
from tests.transport.ends import Seat
from tests.transport.lines import Line
from tests.transport.peers import SLOW, House, Peer
from tests.transport.tls_peers import TlsHouse, tls_seat
from tickws.protocol.connection import Role
from tickws.protocol.limits import Limits
from tickws.testing import Conditions

ROWS = Rows()
ENDS = ("server", "client", "server tls", "client tls")
TOO_LONG = "message above 1000 bytes"
FULL = "send queue full"


def sit(way: str, limits: Limits, *, conditions: Conditions | None = None, **options: Any) -> Seat:
    """One of ours, the end that the way begins with, against a peer that speaks bytes."""
    role = Role.SERVER if way.startswith("server") else Role.CLIENT
    options.update(limits=limits, conditions=conditions)
    return tls_seat(role, **options)[0] if "tls" in way.split() else Seat(role, **options)


def outcome(seat: Seat, peer: object = None, heard: object = None) -> Outcome:
    """What became of a seat."""
    return Outcome(peer, seat.closes[0] if seat.closes else None, heard, limited(seat.ours))


# -- what is said ----------------------------------------------------------------------------------------------------


@ROWS.row(
    "message_bytes",
    *(f"{end} {kind}" for end in ENDS for kind in ("frame", "fragments", "crumbs", "by_frame")),
    *(f"{end} {kind}" for end in ENDS[:2] for kind in ("compressed", "compressed_fragments")),
    within=Outcome([], None, 1000),
    above=Outcome([("close", 1009, TOO_LONG)], (1009, TOO_LONG), 0),
)
def message_bytes(way: str, over: int) -> Outcome:
    limits, size, kind = Limits(message_bytes=1000, slice_messages=2000), 1000 + over, way.rsplit(maxsplit=1)[-1]
    if kind.startswith("compressed"):
        seat = seated(Role.SERVER if way.startswith("server") else Role.CLIENT, limits=limits)
        packed = Packer().pack(b"x" * size)
        mask, half = mask_to(seat.role), len(packed) // 2
        if kind == "compressed":
            seat.peer.say(frame(TEXT, packed, rsv=RSV1, mask=mask))
        else:
            seat.peer.say(
                frame(TEXT, packed[:half], fin=False, rsv=RSV1, mask=mask), frame(CONT, packed[half:], mask=mask)
            )
    else:
        frames: list[int] = []
        by_frame: dict[str, Any] = (
            {"on_frame": lambda ws, each: frames.append(len(each.payload))} if kind == "by_frame" else {}
        )
        seat = sit(way, limits, **by_frame)
        if kind in ("frame", "by_frame"):
            seat.say(BINARY if by_frame else TEXT, b"x" * size)
        else:
            parts = [400, 600, over] if kind == "fragments" else [1] * size
            for number, part in enumerate(parts):
                seat.say(CONT if number else TEXT, b"x" * part, fin=number == len(parts) - 1)
    seat.turn(30)
    heard = sum(len(getattr(each, "payload", each)) for each in seat.heard)
    return outcome(seat, seat.peer.receive(), heard)


def padded(head: bytes, size: int) -> bytes:
    """A head of `size` bytes, of one that lacks its last header line."""
    return head + b"X: " + b"x" * (size - len(head) - 7) + b"\r\n\r\n"


REQUEST = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def knock(way: str, limits: Limits, head: bytes) -> Outcome:
    """A server's answer to a request's head."""
    house = TlsHouse(limits=limits) if "tls" in way else House(limits=limits)
    peer: Any = house.dial()
    if isinstance(house, TlsHouse):
        peer.shake()
    peer.say(head)
    house.turn(4)
    return Outcome(peer.receive_status(), None, len(house.opens), limited(house.server))


def answered(limits: Limits, more: int, size: int = 0) -> Outcome:
    """What a client makes of an answer with so many header lines more, one of them so long that the head has `size`."""
    line = Line(limits=limits)
    end = line.accept()
    lines = [f"X-{number}: x" for number in range(more)]
    if size:
        probe = Line()
        there = probe.accept()
        there.answer("X: ")
        probe.turn()
        plain = len(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        plain += len(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX: \r\n\r\n")
        lines = ["X: " + "x" * (size - plain)]
    end.answer(*lines)
    line.run(0.1)
    why = None if line.client.error is None else str(line.client.error).partition(": ")[2]
    return Outcome(why, None, line.log.count(("open",)), limited(line.client))


@ROWS.row("header_bytes", "server", "server tls", within=Outcome(101, None, 1), above=Outcome(431, None, 0))
def header_bytes(way: str, over: int) -> Outcome:
    return knock(way, Limits(header_bytes=500), padded(REQUEST, 500 + over))


@ROWS.row("header_bytes", "client", within=Outcome(None, None, 1), above=Outcome("header above 500 bytes", None, 0))
def header_bytes_of_an_answer(way: str, over: int) -> Outcome:
    return answered(Limits(header_bytes=500), 0, 500 + over)


@ROWS.row("header_count", "server", "server tls", within=Outcome(101, None, 1), above=Outcome(431, None, 0))
def header_count(way: str, over: int) -> Outcome:
    more = b"".join(b"X-%d: x\r\n" % number for number in range(5 + over))
    return knock(way, Limits(header_count=10), REQUEST + more + b"\r\n")


@ROWS.row("header_count", "client", within=Outcome(None, None, 1), above=Outcome("more than 10 header lines", None, 0))
def header_count_of_an_answer(way: str, over: int) -> Outcome:
    return answered(Limits(header_count=10), 7 + over)


# -- how long it takes -----------------------------------------------------------------------------------------------


@ROWS.row(
    "handshake_seconds",
    "silent",
    "half",
    "tls silent",
    "tls half",
    "tls shaken",
    "tls shaken half",
    within=Outcome("waits"),
    above=Outcome("gone"),
    timed=True,
)
def handshake_seconds(way: str, over: int) -> Outcome:
    limits = Limits(handshake_seconds=2.0)
    house = TlsHouse(limits=limits) if "tls" in way else House(limits=limits)
    peer: Any = house.dial()
    house.turn(2)
    raw = peer.socket
    if isinstance(house, TlsHouse):
        raw = peer.raw
        if "shaken" in way:
            peer.shake()
        elif "half" in way:
            raw.send(peer.tunnel.hello()[:100])
    if way.endswith("half") and way != "tls half":
        peer.say(REQUEST)
    pass_until(house.network, 2.0 + over * 0.001, house.server)
    gone = house.statistics.connections == 0
    assert house.statistics.timed_out == gone
    return Outcome("gone" if gone else "waits", None, None, limited(house.server))


@ROWS.row(
    "handshake_seconds",
    "client silent",
    "client half",
    "client tls",
    within=Outcome("connecting"),
    above=Outcome("no answer within 2 s"),
    timed=True,
)
def handshake_seconds_of_a_client(way: str, over: int) -> Outcome:
    from tests import certificates

    secure: dict[str, Any] = {"ssl_context": certificates.trusted()} if "tls" in way else {}
    line = Line(
        "wss://127.0.0.1:8056/" if secure else "ws://127.0.0.1:8056/", limits=Limits(handshake_seconds=2.0), **secure
    )
    end = line.accept()
    if "half" in way:
        end.say(b"HTTP/1.1 101 Switching Protocols\r\n")
    pass_until(line.network, 2.0 + over * 0.001, line.client)
    error = line.client.error
    return Outcome("connecting" if error is None else str(error).partition(": ")[2], None, None, limited(line.client))


@ROWS.row(
    "closing_seconds",
    *ENDS,
    within=Outcome([("close", 4000, "")], None),
    above=Outcome([("close", 4000, "")], (1006, "")),
    timed=True,
)
def closing_seconds(way: str, over: int) -> Outcome:
    seat = sit(way, Limits(closing_seconds=1.0))
    seat.socket.close(4000)
    seat.turn(2)
    pass_until(seat.network, 1.0 + over * 0.001, seat.ours)
    return outcome(seat, seat.peer.receive())


@ROWS.row("ping_seconds", *ENDS, within=Outcome([]), above=Outcome(["ping"]), timed=True)
def ping_seconds(way: str, over: int) -> Outcome:
    seat = sit(way, Limits(ping_seconds=2.0))
    pass_until(seat.network, 2.0 + over * 0.001, seat.ours)
    return outcome(seat, [each[0] for each in seat.peer.receive()])  # type: ignore[index]


@ROWS.row(
    "dead_seconds",
    *ENDS,
    within=Outcome(["ping"], limited={"ping_seconds": 1}),
    above=Outcome(["ping"], (1006, ""), limited={"ping_seconds": 1, "dead_seconds": 1}),
    timed=True,
)
def dead_seconds(way: str, over: int) -> Outcome:
    seat = sit(way, Limits(ping_seconds=2.0, dead_seconds=1.5))
    pass_until(seat.network, 2.0, seat.ours)
    pass_until(seat.network, 3.5 + over * 0.001, seat.ours)
    return outcome(seat, [each[0] for each in seat.peer.receive()])  # type: ignore[index]


# -- what it is told -------------------------------------------------------------------------------------------------


@ROWS.row(
    "queue_bytes",
    *ENDS,
    within=Outcome(["x" * 100] * 4, None, [True] * 4),
    above=Outcome([("close", 1008, FULL)], (1008, FULL), [True, True, True, False]),
)
def queue_bytes(way: str, over: int) -> Outcome:
    seat = sit(way, Limits(queue_bytes=4 * 102 if way.startswith("server") else 4 * 106))
    taken = [seat.socket.send("x" * 100) for _ in range(3)] + [seat.socket.send("x" * (100 + over))]
    return last_word(seat, taken)


@ROWS.row(
    "queue_messages",
    *ENDS,
    within=Outcome(["x"] * 4, None, [True] * 4),
    above=lambda over: Outcome([("close", 1008, FULL)], (1008, FULL), [True] * 4 + [False] * over),
)
def queue_messages(way: str, over: int) -> Outcome:
    seat = sit(way, Limits(queue_messages=4))
    return last_word(seat, [seat.socket.send("x") for _ in range(4 + over)])


def last_word(seat: Seat, taken: list[bool]) -> Outcome:
    """What the peer sees of a queue; where that is a Close, it answers."""
    seat.turn(2)
    said = seat.peer.receive()
    if isinstance(said[-1], tuple):
        seat.say(8, (1008).to_bytes(2, "big"))
        seat.turn(2)
    return outcome(seat, said, taken)


@ROWS.row(
    "slow_seconds", *ENDS, within=Outcome(heard=[]), above=lambda over: Outcome(heard=[1.0 + over * 0.001]), timed=True
)
def slow_seconds(way: str, over: int) -> Outcome:
    slow: list[float] = []
    limits = Limits(slow_seconds=1.0, ping_seconds=100.0)
    seat = sit(way, limits, conditions=SLOW, on_slow=lambda ws, seconds: slow.append(round(seconds, 9)))
    seat.socket.send("x" * 5000)
    seat.turn()
    for passed in (0.25, 0.25, 0.25, 0.125, 0.125 + over * 0.001):  # it is looked for each quarter
        seat.network.clock.advance(passed)
        seat.turn()
    return outcome(seat, heard=slow)


@ROWS.row(
    "latest_keys", *ENDS, within=Outcome(4, None, 0), above=lambda over: Outcome(4, None, over, {"latest_keys": over})
)
def latest_keys(way: str, over: int) -> Outcome:
    seat = sit(way, Limits(latest_keys=4))
    refused = 0
    for key in range(4 + over):
        try:
            seat.socket.send_latest(key, "x")
        except ValueError as error:
            assert "limits.latest_keys" in str(error)  # noqa: PT017
            refused += 1
    seat.turn(2)
    return outcome(seat, len(seat.peer.receive()), refused)


@ROWS.row(
    "latest_keys",
    "broadcast",
    within=Outcome(4, None, 4),
    above=lambda over: Outcome(4, None, 4, {"latest_keys": over}),
)
def latest_keys_of_broadcasts(way: str, over: int) -> Outcome:
    seat = sit("server", Limits(latest_keys=4))
    assert isinstance(seat.ours, tickws.WebSocketServer)
    taken = sum(seat.ours.broadcast_latest(key, "x") for key in range(4 + over))
    seat.turn(2)
    return outcome(seat, len(seat.peer.receive()), taken)


# -- its share -------------------------------------------------------------------------------------------------------


@ROWS.row("slice_messages", *ENDS, within=Outcome(heard=(16, 16)), above=lambda over: Outcome(heard=(16, 16 + over)))
def slice_messages(way: str, over: int) -> Outcome:
    seat = sit(way, Limits(slice_messages=16))
    seat.peer.say(seat.frame(TEXT, b"x") * (16 + over))
    seat.turn()
    first = len(seat.heard)
    seat.turn()
    return outcome(seat, heard=(first, len(seat.heard)))


@ROWS.row(
    "slice_bytes",
    *ENDS[:2],
    within=Outcome(
        heard=(1, 1), limited={"slice_bytes": 1}
    ),  # a full read: only the next one will tell that it was all
    above=Outcome(heard=(0, 1)),
)
def slice_bytes(way: str, over: int) -> Outcome:
    seat = sit(way, Limits(slice_bytes=1000))
    head = 8 if way.startswith("server") else 4
    seat.say(TEXT, b"x" * (1000 - head + over))
    assert isinstance(seat.peer, Peer) or head == 4
    seat.turn()
    first = len(seat.heard)
    seat.turn()
    return outcome(seat, heard=(first, len(seat.heard)))
