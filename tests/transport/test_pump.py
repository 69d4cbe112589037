"""The pump: everybody in turn, everything in order, nothing lost, one read and one write a slice."""

import random
from typing import Any

import pytest

from tests.protocol.helpers import CONT, MASK, TEXT, Sent, frame
from tests.transport.peers import FRAME, SLOW, House, Peer, Ticking, binary, close, ping, short, text
from tickws.protocol.events import Frame
from tickws.protocol.limits import Limits
from tickws.protocol.opcodes import Opcode
from tickws.testing import Conditions
from tickws.transport.websocket import WebSocket

FLOOD = 10_000
WIDE = Conditions(buffer_bytes=1 << 20)


def flood_of(count: int) -> bytes:
    return b"".join(text(str(number)) for number in range(count))


# Reading in turn


def test_a_flooder_slows_only_itself() -> None:
    house = House()
    flooder = house.peer("/flooder", conditions=WIDE)
    honest = [house.peer(f"/{number}") for number in range(5)]
    flooder.say(flood_of(FLOOD))
    slices = 0
    while len(house.heard("message", "/flooder")) < FLOOD:
        before = len(house.heard("message", "/flooder"))
        for peer in honest:
            peer.say(text(f"{slices}"))
        house.turn()
        slices += 1
        assert 0 < len(house.heard("message", "/flooder")) - before <= 64
        assert house.statistics.carried_over <= 1
        if slices % 20 == 0:
            for number in range(5):
                assert house.heard("message", f"/{number}")[-1] == f"{slices - 1}", "served in the same slice"
    assert FLOOD / 64 <= slices <= FLOOD / 64 * 1.1 + 5
    assert house.heard("message", "/flooder") == [str(number) for number in range(FLOOD)]


def test_a_newcomer_gets_in_under_a_flood() -> None:
    house = House()
    flooder = house.peer("/flooder", conditions=WIDE)
    flooder.say(flood_of(FLOOD))
    house.turn()
    newcomer = house.dial()
    newcomer.ask("/newcomer", then=text("hello"))
    house.turn(2)
    assert newcomer.receive_status() == 101
    assert house.heard("message", "/newcomer") == ["hello"]


@pytest.mark.parametrize("quota", [1, 2, 64])
def test_the_quota_of_messages_is_exact(quota: int) -> None:
    house = House(limits=Limits(slice_messages=quota))
    house.peer().say(text("x") * (2 * quota + 1))
    counts = []
    for _ in range(4):
        house.turn()
        counts.append(len(house.heard("message")))
    assert counts == [quota, 2 * quota, 2 * quota + 1, 2 * quota + 1]


def test_the_quota_of_bytes_is_exact() -> None:
    house = House(limits=Limits(slice_bytes=1000, slice_messages=10_000))
    house.peer().say(flood_of(500))
    before = house.statistics.bytes_received
    for number in range(3):
        house.turn()
        assert house.statistics.bytes_received - before == 1000 * (number + 1)


def test_the_round_goes_on_where_it_stopped() -> None:
    clock = Ticking(reading=0.001)
    house = House(clock=clock)
    for peer in house.peers(5):
        peer.say(text("1") + text("2") + text("3"))
    while len(house.log) < 20:
        house.server.receive(0)
    served = [name for kind, name, *_ in house.log if kind == "message"]
    assert served[:2] == ["/0"] * 2, "a turn that the time has cut goes on, until others wait"
    assert served[2:6] == [f"/{number}" for number in range(1, 5)]
    assert sorted(served) == sorted([f"/{number}" for number in range(5)] * 3)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_slices_everything_comes_in_order_and_nothing_is_lost(seed: int) -> None:
    chance = random.Random(seed)
    clock = Ticking(reading=0.0001)
    house = House(clock=clock, on_message=lambda ws, message: ws.send(message))
    peers = house.peers(6)
    sent: dict[Peer, list[object]] = {peer: [] for peer in peers}
    heard: dict[Peer, list[object]] = {peer: [] for peer in peers}
    for turn in range(400):
        for peer in peers:
            for _ in range(chance.choice((0, 0, 1, 3)) if turn < 200 else 0):
                message = str(len(sent[peer]))
                cut = text(message) if chance.random() < 0.5 else ping(message.encode())
                sent[peer].append(message if cut == text(message) else ("pong", message.encode()))
                peer.say(cut)
        budget = chance.choice((0, 0.0003, 0.001, 0.005, None))
        chance.choice((house.server.work, house.server.receive, house.server.flush))(budget)
        for peer in peers:
            heard[peer] += peer.receive()
    house.turn(5)
    for number, peer in enumerate(peers):
        heard[peer] += peer.receive()
        texts = [each for each in sent[peer] if isinstance(each, str)]
        assert house.heard("message", f"/{number}") == texts
        assert [each for each in heard[peer] if isinstance(each, str)] == texts
        pongs = [each for each in sent[peer] if not isinstance(each, str)]
        assert [each for each in heard[peer] if not isinstance(each, str)] == pongs


def test_a_flood_of_pings_is_answered_within_bounds_and_delays_nobody() -> None:
    house = House()
    flooder, honest = house.peer("/flooder", conditions=WIDE), house.peer("/honest")
    flooder.say(b"".join(ping(b"%d" % number) for number in range(FLOOD)))
    house.server.receive(0.1)
    honest.say(text("hello"))
    house.server.receive(0.1)
    assert house.heard("message") == ["hello"]
    house.server.flush(0.1)
    pongs = flooder.receive()
    assert len(pongs) == 64
    house.turn(FLOOD // 64)
    assert flooder.receive()[-1] == ("pong", b"%d" % (FLOOD - 1))


@pytest.mark.parametrize("empty", [True, False])
def test_a_flood_of_fragments_is_cut_into_steps(empty: bool) -> None:
    clock = Ticking(reading=0.001)
    house = House(clock=clock)
    flooder, honest = house.peer("/flooder"), house.peer("/honest")
    part = b"" if empty else b"x"
    flooder.say(frame(TEXT, part, fin=False, mask=MASK), frame(CONT, part, fin=False, mask=MASK) * 5000)
    honest.say(text("hello"))
    before = clock.instant
    house.server.receive(0.020)
    assert clock.instant - before <= 0.035
    house.server.receive(None)
    assert house.heard("message") == ["hello"]
    flooder.say(frame(CONT, b"!", mask=MASK))
    house.turn(100)
    assert house.heard("message", "/flooder") == ["!" if empty else "x" * 5001 + "!"]


# What is delivered


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 255, 256, 65535, 65536, 65537, 1 << 20])
def test_messages_of_every_length_come_whole(size: int) -> None:
    house = House(on_message=lambda ws, message: ws.send(message))
    peer = house.peer(conditions=WIDE)
    message = random.Random(size).randbytes(size)
    data = binary(message)
    heard: list[object] = []
    while data or not heard:
        data = data[peer.socket.send(data) :] if data else data
        house.turn()
        heard += peer.receive()
    assert house.heard("message") == [message]
    assert heard == [message]


@pytest.mark.parametrize("over", [0, 1, 2])
def test_a_message_above_the_limit_closes_with_1009(over: int) -> None:
    house = House(limits=Limits(message_bytes=1000))
    peer = house.peer()
    peer.say(binary(bytes(1000 + over)))
    house.turn(2)
    if over:
        assert peer.receive() == [("close", 1009, "message above 1000 bytes")]
        peer.socket.close()
        house.turn()
    assert [code for _, code, _ in house.closes] == [1009] * (over > 0)
    assert dict(house.statistics.faults) == ({1009: 1} if over else {})
    assert len(house.heard("message")) == (not over)


def test_fragments_are_delivered_as_they_come_where_frames_are_wanted() -> None:
    house = House(on_frame=lambda ws, part: ws.send(part.payload))
    peer = house.peer()
    peer.say(frame(TEXT, b"one", fin=False, mask=MASK) + ping(b"?"))
    house.turn()
    assert house.heard("frame") == [Frame(Opcode.TEXT, b"one", False)]
    peer.say(frame(CONT, b"two", mask=MASK) + text("whole"))
    house.turn()
    assert house.heard("frame")[1:] == [Frame(Opcode.CONTINUATION, b"two", True), Frame(Opcode.TEXT, b"whole", True)]
    assert peer.receive() == [("pong", b"?"), b"one", b"two", b"whole"]
    assert house.statistics.messages_received == 3


def test_what_came_before_the_end_is_delivered_before_the_end() -> None:
    house = House()
    peer = house.peer()
    peer.say(text("x") * 300, close(4000, "bye"))
    peer.socket.shutdown(1)
    house.turn(4)
    assert len(house.heard("message")) == 256
    assert house.closes == []
    house.turn(2)
    assert len(house.heard("message")) == 300
    assert house.closes == [("/", 4000, "bye")]


def test_nobody_listens_and_everything_goes_on() -> None:
    from tickws.transport.server import WebSocketServer

    house = House()
    server = WebSocketServer(network=house.network, port=9000)
    peer = Peer(house.network, 9000)
    peer.ask(then=text("unheard") + ping(b"?") + close())
    for _ in range(3):
        server.work(None, wait=0)
    assert peer.receive_status() == 101
    assert peer.receive() == [("pong", b"?"), ("close", 1000, "")]
    assert server.statistics().messages_received == 1
    assert server.work(0)


# Writing


def counting_sends(house: House, ws: WebSocket) -> list[int]:
    """The sizes of the writes on a connection."""
    sizes: list[int] = []
    sock: Any = ws._link.stream.socket
    send = sock.send

    def counted(data: bytes) -> int:
        sizes.append(len(data))
        return int(send(data))

    sock.send = counted
    return sizes


def test_whatever_is_said_in_a_slice_is_one_write() -> None:
    house = House()
    peer = house.peer()
    ws = house.ws()
    sizes = counting_sends(house, ws)
    for number in range(100):
        ws.send(f"{number}")
    for number in range(16):
        ws.send_latest(number, f"latest {number}")
    ws.ping(b"!")
    peer.say(ping(b"?"))
    house.turn()
    assert len(sizes) == 1
    assert len(peer.receive()) == 118
    house.turn(5)
    assert len(sizes) == 1, "and nothing is written where nothing is said"


def test_nothing_is_written_before_flush_and_nothing_is_read_by_it() -> None:
    house = House(on_message=lambda ws, message: ws.send(message))
    peer = house.peer()
    peer.say(text("hello"))
    house.server.receive(1.0)
    assert house.heard("message") == ["hello"]
    assert peer.receive() == []
    peer.say(text("again"))
    house.server.flush(1.0)
    assert peer.receive() == ["hello"]
    assert house.heard("message") == ["hello"]


def test_one_who_never_reads_costs_the_others_nothing() -> None:
    house = House()
    deaf = house.peer("/deaf", conditions=SLOW)
    others = [house.peer(f"/{number}") for number in range(3)]
    sizes = counting_sends(house, house.ws("/deaf"))
    for number in range(200):
        assert house.server.broadcast(f"{number:04d}") == 4
        house.turn()
        for peer in others:
            assert peer.receive() == [f"{number:04d}"]
    assert len(sizes) <= 200, "no spinning: a full socket is not tried again"
    assert house.ws("/deaf").queued_bytes > 0
    attempts = len(sizes)
    house.turn(20)
    assert len(sizes) == attempts
    heard: list[object] = []
    while len(heard) < 200:
        heard += deaf.receive()
        house.turn()
    assert heard == [f"{number:04d}" for number in range(200)]


def test_a_large_share_is_written_over_many_slices_without_loss() -> None:
    house = House(limits=Limits(queue_bytes=8 << 20))
    peer = house.peer(conditions=Conditions(buffer_bytes=70_000))
    messages = [random.Random(number).randbytes(100_000) for number in range(20)]
    for message in messages:
        assert house.ws().send(message)
    heard: list[Sent] = []
    while len(heard) < 20:
        house.turn()
        assert house.ws().statistics().queued_bytes == house.ws().queued_bytes
        heard += peer.receive_frames()
    assert [short(each) for each in heard] == messages
    house.turn()
    assert house.ws().queued_bytes == 0
    house.run(FRAME)
