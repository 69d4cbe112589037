"""What is compressed on its way out: in steps, in its order, never in vain, and all of it before the Close."""

import random
from typing import Any

import pytest

import tickws
from tests.protocol.deflating import NAME
from tests.protocol.helpers import CLOSE, PING, ROLES
from tests.transport.ears import ALL, ALONE, TEXTS, Ear, count_compressors, guest, seated
from tests.transport.ends import Seat
from tests.transport.peers import House, Ticking
from tickws.clock import NANOSECONDS
from tickws.protocol.connection import Role
from tickws.protocol.deflate import Compressible
from tickws.protocol.encoder import MessageEncoder
from tickws.protocol.extensions import Deflate
from tickws.protocol.limits import Limits
from tickws.testing import Conditions, MemoryNetwork, Pair
from tickws.transport.steps import Step

KIB = 1024

# -- latest values, fragments, order ---------------------------------------------------------------------------------


@ROLES
def test_what_is_replaced_is_not_compressed(role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    made = count_compressors(monkeypatch)
    seat = seated(role, Deflate(threshold_bytes=0, window_bits=15, peer_window_bits=15, peer_context_takeover=True))
    ear = Ear(seat.peer)
    calls: list[int] = []

    def produce() -> str:
        calls.append(1)
        return TEXTS[0]

    for number in range(50):
        seat.socket.send_latest("value", f"{number} " * 200)
        seat.socket.send_latest("producer", produce)
    assert made == calls == []
    seat.turn()
    assert ear.hear() == ["49 " * 200, TEXTS[0]]
    assert (len(made), len(calls), ear.compressed) == (2, 1, 2)
    seat.socket.send_latest("value", "short")
    seat.socket.send_latest("producer", lambda: None)
    seat.turn()
    assert ear.hear() == ["short"]


@ROLES
def test_a_value_replaced_while_it_is_compressed(role: Role) -> None:
    """With takeover: its beginning is given up, and what follows does not refer to it."""
    seat = seated(role)
    ear = Ear(seat.peer, takeover=True)
    old, new = bytes(range(256)) * 200, bytes(range(255, -1, -1)) * 200
    seat.socket.send("first " * 100)
    seat.socket.send_latest("key", old)
    heard: list[object] = []
    for number in range(200):
        seat.ours.flush(0)  # one step
        if number == 2:
            seat.socket.send_latest("key", new)
        heard += ear.hear()
    assert heard == ["first " * 100, new]
    seat.socket.send(old)
    seat.turn(9)
    assert ear.hear() == [old]


@ROLES
def test_fragments_are_compressed_and_pings_come_between(role: Role) -> None:
    seat = seated(role, limits=Limits(slice_bytes=100))
    ear = Ear(seat.peer, takeover=True)
    pieces = ["x" * 3000, "", "é" * 2000, "end"]
    noise = [random.Random(number).randbytes(300) for number in range(6)]
    seat.socket.send("before " * 50)
    seat.socket.send_fragments(pieces)
    seat.socket.send("between " * 50)
    seat.socket.send_fragments(noise)
    seat.socket.send_fragments([])
    seat.socket.send("behind " * 50)
    seat.socket.send_latest("key", "latest " * 50)
    heard: list[object] = []
    for _ in range(30):
        seat.socket.ping(b"?")
        seat.turn()
        heard += ear.hear()
    assert heard.count((PING, b"?")) == 30
    messages = [each for each in heard if each not in ((PING, b"?"), "latest " * 50)]
    assert messages == ["before " * 50, "".join(pieces), "between " * 50, b"".join(noise), "behind " * 50]
    assert heard.count("latest " * 50) == 1
    assert ear.compressed == 6
    assert seat.socket.statistics().messages_sent == 6


def test_a_client_s_messages_before_it_opens_are_plain() -> None:
    seat = Seat(Role.CLIENT, shaken=False, compression=ALL)
    assert isinstance(seat.ours, tickws.WebSocketClient)
    ws = seat.ours.websocket
    assert ws is not None
    assert ws.extensions == ""
    for text in TEXTS[:2]:
        assert ws.send(text)
    ws.send_fragments([TEXTS[2], TEXTS[3]])
    ws.send_latest("key", TEXTS[4])
    ws.send_latest("made", lambda: TEXTS[0])
    seat.peer.answer(f"Sec-WebSocket-Extensions: {NAME}")  # type: ignore[attr-defined]
    seat.turn(3)
    ear = Ear(seat.peer, takeover=True)
    heard = ear.hear()
    assert heard[:2] == TEXTS[:2]
    assert sorted(map(str, heard[2:])) == sorted([TEXTS[2] + TEXTS[3], TEXTS[4], TEXTS[0]])
    assert ear.compressed == 2, "what is made when it is sent"
    ws.send(TEXTS[3])
    seat.turn()
    assert ear.hear() == [TEXTS[3]]
    assert ear.compressed == 3


# -- bounds, steps, the end ------------------------------------------------------------------------------------------


@ROLES
def test_the_queue_s_bound_is_on_what_is_said(role: Role) -> None:
    """Not on what it becomes: nobody knows before."""
    seat = seated(role, limits=Limits(queue_bytes=10_000))
    for number in range(10):
        assert seat.socket.send(b"x" * 1000)
        assert seat.socket.queued_bytes == 1000 * (number + 1)
        assert seat.socket.statistics().queued_messages == number + 1
    assert not seat.socket.send(b"x")
    seat.turn(2)
    assert Ear(seat.peer, takeover=True).hear() == [(CLOSE, b"\x03\xf0send queue full")], "nothing of what waited"


@ROLES
@pytest.mark.parametrize("takeover", [False, True])
def test_large_messages_go_in_steps(role: Role, takeover: bool) -> None:
    """A slice of nothing does one step; the order is kept, and everything between is one, too."""
    ours = ALL if takeover else Deflate(window_bits=15, peer_window_bits=15, peer_context_takeover=True)
    seat = seated(role, ours, "" if takeover or role is Role.CLIENT else ALONE, limits=Limits(ping_seconds=1000.0))
    ear = Ear(seat.peer, takeover=takeover)
    messages = [b"tick" * 25_000, b"tack" * 10, b"tock" * 20_000, b"", b"tuck" * 4097]
    for message in messages:
        seat.socket.send(message)
    before = seat.ours.statistics().steps["encode"].count
    heard: list[object] = []
    slices = 0
    while len(heard) < len(messages):
        steps = seat.ours.statistics().steps["encode"].count
        seat.ours.flush(0)
        assert seat.ours.statistics().steps["encode"].count - steps <= 1
        heard += ear.hear()
        slices += 1
        assert slices < 100
    assert heard == messages
    wanted = sum(-(-len(message) // (16 * KIB)) or 1 for message in messages if takeover or len(message) >= 256)
    assert seat.ours.statistics().steps["encode"].count - before == wanted
    assert slices >= wanted
    assert seat.socket.queued_bytes == 0


def test_a_slice_is_overshot_by_one_step() -> None:
    """Each look at the clock costs a millisecond: 40 clients with a megabyte each, all compressing alone."""
    network = MemoryNetwork()
    house = House(clock=network.clock, compression=ALL)
    ears = [guest(house, "", f"/{number}", takeover=True) for number in range(8)]
    for number in range(len(ears)):
        house.ws(f"/{number}").send(bytes([number]) * 200_000)
    ticking = Ticking()
    looks = []

    def now() -> int:
        ticking.advance(0.001)
        looks.append(1)
        return ticking.now_ns()

    house.server._links.meter.now = now
    house.server._links.pump._now = now
    heard: list[list[object]] = [[] for _ in ears]
    for _ in range(200):
        before = house.server.statistics().steps["encode"].count
        house.server._links.writer.write(now() + 5 * NANOSECONDS // 1000)
        assert house.server.statistics().steps["encode"].count - before <= 5
        for ear, got in zip(ears, heard, strict=True):
            got.extend(ear.hear())
    assert heard == [[bytes([number]) * 200_000] for number in range(len(ears))]


@ROLES
@pytest.mark.parametrize("takeover", [False, True])
def test_what_is_queued_is_said_before_the_close(role: Role, takeover: bool) -> None:
    seat = seated(role, ALL, "" if takeover or role is Role.CLIENT else ALONE)
    ear = Ear(seat.peer, takeover=takeover or role is Role.CLIENT)
    messages: list[str | bytes] = [*TEXTS, b"x" * 100_000, "last"]
    for message in messages:
        seat.socket.send(message)
    seat.socket.close(4000, "bye")
    heard: list[object] = []
    for _ in range(40):
        seat.ours.flush(0)
        heard += ear.hear()
    assert heard == [*messages, (CLOSE, b"\x0f\xa0bye")]


@ROLES
def test_the_peer_s_close_is_answered_behind_what_was_queued(role: Role) -> None:
    """Half compressed is none: the rest goes plain, as nothing is compressed any more behind the end."""
    seat = seated(role)
    ear = Ear(seat.peer, takeover=True)
    messages: list[str | bytes] = [TEXTS[0], b"x" * 100_000, TEXTS[1]]
    for message in messages:
        seat.socket.send(message)
    for _ in range(3):
        seat.ours.flush(0)
    heard = ear.hear()
    seat.say(CLOSE, b"\x0f\xa0")
    seat.run(1.0)
    assert heard + ear.hear() == [*messages, (CLOSE, b"\x0f\xa0")]
    assert seat.closes == [(4000, "")]


@pytest.mark.parametrize("line", [Conditions(), Conditions(latency=0.05, jitter=0.02, buffer_bytes=3000)])
def test_both_ends_of_ours_see_everything_and_the_close(line: Conditions) -> None:
    closes: list[tuple[int, str]] = []
    pair = Pair(
        conditions=line,
        client={"compression": ALL, "on_close": lambda ws, *end: closes.append(end)},
        compression=ALL,
        on_message=lambda ws, message: ws.send(message),
        on_close=lambda ws, *end: closes.append(end),
    )
    messages: list[str | bytes] = [*TEXTS, "", b"", b"tick" * 30_000, random.Random(3).randbytes(50_000)]
    for message in messages:
        pair.client.send(message)
    pair.run(5.0)
    assert pair.received == messages
    [ws] = pair.server.connections
    for message in messages:
        ws.send(message)
    ws.close(4001, "over")
    pair.run(5.0)
    assert pair.received == messages * 2
    assert closes == [(4001, "over")] * 2


def test_what_is_said_amid_a_commit_is_not_forgotten() -> None:
    """Another thread may speak between two of a commit's steps; here the clock speaks, at the end of one."""
    seat = seated(Role.SERVER)
    ear = Ear(seat.peer, takeover=True)
    meter = seat.ours._links.meter
    real = meter.lap
    said: list[str] = []

    def lap(step: Step, who: Any = None) -> int:
        if step is Step.ENCODE and not said:
            said.append("once")
            seat.socket.send_latest("key", TEXTS[1])
            seat.socket.ping(b"!")
        return real(step, who)

    meter.lap = lap  # type: ignore[method-assign]
    seat.socket.send(TEXTS[0])
    seat.turn(5)
    assert said
    assert ear.hear() == [TEXTS[0], (PING, b"!"), TEXTS[1]]


def test_what_an_interrupt_lost_is_not_referred_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between compressing and sending: the message may be lost, the stream is not."""
    pair = Pair(
        compression=Deflate(context_takeover=True, threshold_bytes=0),
        client={
            "compression": Deflate(peer_context_takeover=True),
            "on_message": lambda ws, message: heard.append(message),
        },
    )
    heard: list[object] = []
    (ws,) = pair.server.connections
    words = "the quick brown fox " * 20
    ws.send(words)
    pair.run(0.1)
    compress = MessageEncoder.compress

    def interrupted(encoder: MessageEncoder, message: Compressible) -> bytes | None:
        compress(encoder, message)
        raise KeyboardInterrupt

    monkeypatch.setattr(MessageEncoder, "compress", interrupted)
    ws.send("lost or not " * 50)
    with pytest.raises(KeyboardInterrupt):
        pair.server.work(0.1, wait=0)
    monkeypatch.undo()
    ws.send("lost or not " * 50 + words)
    pair.run(0.1)
    assert heard[0] == words
    assert heard[-1] == "lost or not " * 50 + words
    assert pair.server.statistics().closed == {}
