"""What we compress (RFC 7692 section 7.2.1): any zlib with the agreed window reads it, whatever was given up before."""

import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.protocol.deflating import EVERYTHING, NOTHING_KEPT, RSV1, Unpacker, agreed, told, wire
from tests.protocol.helpers import BINARY, CLOSE, CONT, PING, PONG, ROLES, TEXT, frame, mask_to, opened
from tickws.errors import UsageError
from tickws.protocol.connection import Connection, Role
from tickws.protocol.deflate import Compressible, Deflater
from tickws.protocol.events import Message, Opened, Progress
from tickws.protocol.extensions import Deflate, Terms
from tickws.protocol.handshake import Request
from tickws.protocol.limits import Limits
from tickws.protocol.opcodes import Opcode

KIB = 1024
STEP = 16 * KIB
BITS = pytest.mark.parametrize("bits", range(8, 16))


def deflater(bits: int = 15, *, takeover: bool = False, alone: bool = False, **ours: Any) -> Deflater:
    return Deflater(Deflate(**ours), Terms(bits, takeover, 15, False, ""), alone=alone)


def whole(message: Compressible, using: Deflater) -> bytes:
    """A message compressed to its end."""
    while (made := message.compress(using)) is None:
        pass
    return made


def rich(size: int, seed: int = 0) -> bytes:
    """Bytes that refer back as far as any window allows: words again and again, and noise between."""
    dice = random.Random(seed)
    words = [dice.randbytes(dice.randint(3, 60)) for _ in range(40)]
    made = bytearray()
    while len(made) < size:
        made += dice.choice(words) if dice.random() < 0.8 else dice.randbytes(dice.randint(1, 400))
    return bytes(made[:size])


# -- both ends -------------------------------------------------------------------------------------------------------


def pair(client: Deflate, server: Deflate) -> tuple[Connection, Connection]:
    """A client and a server that have agreed with each other."""
    here = Connection(Role.CLIENT, Limits(), bytes, compression=client)
    there = Connection(Role.SERVER, Limits(), bytes, compression=server)
    here.request("server.example.com", "/")
    carry(here, there)
    request = there.next_event()
    assert isinstance(request, Request)
    there.accept(request)
    carry(there, here)
    assert isinstance(here.next_event(), Opened)
    assert here.extensions == there.extensions != ""
    return here, there


def carry(one: Connection, other: Connection) -> None:
    other.receive(b"".join(one.data_to_send()))


deflates = st.builds(
    Deflate,
    level=st.integers(1, 9),
    memory_level=st.integers(1, 9),
    window_bits=st.integers(8, 15),
    peer_window_bits=st.integers(8, 15),
    context_takeover=st.booleans(),
    peer_context_takeover=st.booleans(),
    threshold_bytes=st.sampled_from([0, 0, 1, 10, 300]),
)
texts = st.text(max_size=20)
messages: st.SearchStrategy[Message] = st.one_of(
    st.binary(max_size=40),
    texts,
    st.builds(lambda text, times: text * times, texts, st.integers(0, 400)),
    st.builds(rich, st.integers(0, 40_000), st.integers(0, 3)),
)
sayings = st.lists(st.tuples(st.booleans(), messages, st.integers(0, 4)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(deflates, deflates, sayings)
@example(EVERYTHING, EVERYTHING, [(True, b"", 0), (True, "", 0), (True, b"", 3), (True, "a", 4), (False, "", 1)])
def test_what_is_said_is_heard(client: Deflate, server: Deflate, said: list[tuple[bool, Message, int]]) -> None:
    """Both ways, whole or in fragments, whatever was agreed."""
    here, there = pair(client, server)
    for to_server, message, count in said:
        speaker, listener = (here, there) if to_server else (there, here)
        if count:
            size = -(-len(message) // count)
            for i in range(count):
                speaker.send_fragment(message[i * size : (i + 1) * size], fin=i == count - 1)
        else:
            speaker.send(message)
        assert told(listener, b"".join(speaker.data_to_send())) == [message]


@ROLES
@pytest.mark.parametrize("size", [0, 1, 99, 100, 101])
@pytest.mark.parametrize("kind", [str, bytes])
def test_the_threshold_is_in_bytes(kind: type, size: int, role: Role) -> None:
    """Below it plain; at it compressed."""
    connection = agreed(role, Deflate(threshold_bytes=100, peer_window_bits=15, peer_context_takeover=True))
    message = "é" * (size // 2) + "x" * (size % 2)
    payload = message.encode()
    assert len(payload) == size
    connection.send(message if kind is str else payload)
    [(rsv, opcode, fin, sent)] = wire(connection)
    assert (rsv == RSV1) is (size >= 100)
    assert (opcode, fin) == (TEXT if kind is str else BINARY, True)
    assert (Unpacker().unpack(sent) if rsv else sent) == payload


@ROLES
@pytest.mark.parametrize("takeover", [False, True])
def test_long_messages(takeover: bool, role: Role) -> None:
    """Through several steps, or, once the connection is to end, as they are."""
    said = "" if takeover else "; server_no_context_takeover"
    connection = agreed(role, EVERYTHING if takeover else NOTHING_KEPT, said)
    peer = Unpacker(takeover=takeover, step=64)
    for message in (rich(100_000), rich(100_000, 1)):
        connection.send(message)
        [(rsv, opcode, fin, sent)] = wire(connection)
        assert (rsv, opcode, fin) == (RSV1, BINARY, True)
        assert peer.unpack(sent) == message
    prepared = connection.encoder.prepare("x" * 40_000)
    assert isinstance(prepared, Compressible)
    assert connection.encoder.compress(prepared) is None
    connection._out.append(connection.encoder.plain(prepared))
    assert wire(connection) == [(0, TEXT, True, b"x" * 40_000)]


@ROLES
def test_a_threshold_of_nothing(role: Role) -> None:
    """Everything is compressed where contexts are taken over, also what becomes longer; else what becomes shorter."""
    kept = agreed(role)
    peer = Unpacker(takeover=True)
    for message in (b"", b"", b"x", b"x" * 9, random.Random(1).randbytes(99), b"", b"x" * 9):
        kept.send(message)
        [(rsv, _, _, sent)] = wire(kept)
        assert rsv == RSV1
        assert peer.unpack(sent) == message
    alone = agreed(role, NOTHING_KEPT, "; server_no_context_takeover")
    for message, rsv in ((b"", 0), (b"x", 0), (b"x" * 99, RSV1), (random.Random(1).randbytes(99), 0)):
        alone.send(message)
        [(found, _, _, sent)] = wire(alone)
        assert found == rsv
        assert (Unpacker().unpack(sent) if rsv else sent) == message


@ROLES
def test_the_examples_of_the_rfc(role: Role) -> None:
    """Sections 7.2.3.1 and 7.2.3.2, to the byte."""
    connection = agreed(role)
    connection.send("Hello")
    connection.send("Hello")
    first, second = wire(connection)
    assert first == (RSV1, TEXT, True, bytes.fromhex("f248cdc9c90700"))
    assert second == (RSV1, TEXT, True, bytes.fromhex("f200110000"))


@ROLES
def test_control_frames_and_what_answers_them_are_plain(role: Role) -> None:
    connection = agreed(role)
    connection.send_ping(b"x" * 125)
    told(connection, frame(PING, b"y" * 125, mask=mask_to(role)))
    connection.send_close(4000, "z" * 100)
    close = (0, CLOSE, True, b"\x0f\xa0" + b"z" * 100)
    assert wire(connection) == [(0, PING, True, b"x" * 125), (0, PONG, True, b"y" * 125), close]


@ROLES
def test_fragments_have_rsv1_on_the_first_only(role: Role) -> None:
    connection = agreed(role, Deflate(window_bits=15, peer_window_bits=15, peer_context_takeover=True))
    pieces = ["", "é" * 300, "", "x", ""]
    for i, piece in enumerate(pieces):
        connection.send_fragment(piece, fin=i == len(pieces) - 1)
        connection.send_ping(b"between")
    frames = [each for each in wire(connection) if each[1] != PING]
    assert [(rsv, opcode, fin) for rsv, opcode, fin, _ in frames] == [
        (RSV1, TEXT, False), *[(0, CONT, False)] * 3, (0, CONT, True)
    ]  # fmt: skip
    assert Unpacker().unpack(b"".join(payload for *_, payload in frames)).decode() == "".join(pieces)
    connection.send_fragment("again", fin=False)
    with pytest.raises(UsageError):
        connection.send("amid")


def test_a_fragment_can_be_read_when_it_comes() -> None:
    """Each one is flushed: a listener has all of what was said so far."""
    here, there = agreed(Role.CLIENT, EVERYTHING, ""), agreed(Role.SERVER)
    here.send_fragment(b"a" * 1000, fin=False)
    there.receive(b"".join(here.data_to_send()))
    assert there.next_event() is Progress.FRAGMENT
    assert told(there) == []
    here.send_fragment(b"b", fin=True)
    assert told(there, b"".join(here.data_to_send())) == [b"a" * 1000 + b"b"]


def test_with_frames_delivered_as_they_come_there_is_no_compression() -> None:
    for role in Role:
        with pytest.raises(UsageError):
            Connection(role, Limits(), bytes, by_frame=True, compression=Deflate())
    assert opened(Role.SERVER).extensions == ""


# -- the window --------------------------------------------------------------------------------------------------------


@BITS
@pytest.mark.parametrize("level", [1, 4, 9])
@pytest.mark.parametrize("takeover", [False, True])
def test_a_peer_needs_no_larger_window_than_was_agreed(bits: int, level: int, takeover: bool) -> None:
    """Its zlib has 2 ** bits bytes and room for one at a time, so what refers further back is an error of its."""
    using = deflater(bits, takeover=takeover, level=level, memory_level=9)
    peer = Unpacker(bits, takeover=takeover)
    for seed in range(3):
        message = rich(12_000, seed)
        assert peer.unpack(whole(Compressible(Opcode.BINARY, message), using)) == message
    far = bytes(range(256)) * 3 + random.Random(bits).randbytes(max(0, (1 << bits) - 262))
    message = far + far[:200]
    made = whole(Compressible(Opcode.BINARY, message), using)
    assert (made if made is message else peer.unpack(made)) == message


def test_the_test_above_would_see_it() -> None:
    """A window of 512 is seen through by a peer of 256: unpacked one byte at a time, it fails."""
    import zlib

    packer = zlib.compressobj(9, zlib.DEFLATED, -10, 9)
    first = random.Random(5).randbytes(700)
    made = packer.compress(first + first[:100]) + packer.flush(zlib.Z_SYNC_FLUSH)
    assert Unpacker(10).unpack(made[:-4]) == first + first[:100]
    with pytest.raises(zlib.error):
        Unpacker(9).unpack(made[:-4])


@BITS
def test_the_window_is_used(bits: int) -> None:
    """Not all of it, but more than the next smaller one would allow."""
    distance = (1 << bits) - 300 if bits > 8 else 200
    noise = random.Random(bits).randbytes(distance)
    made = whole(Compressible(Opcode.BINARY, noise + noise[:150]), deflater(bits, level=9, memory_level=9))
    assert len(made) < distance + 60


# -- steps, and messages that are given up ---------------------------------------------------------------------------


@pytest.mark.parametrize("takeover", [False, True])
@pytest.mark.parametrize("size", [0, 1, STEP - 1, STEP, STEP + 1, 2 * STEP, 2 * STEP + 1, 100_000])
def test_one_step_takes_16_kib(size: int, takeover: bool) -> None:
    message = Compressible(Opcode.BINARY, b"tick" * (size // 4) + b"t" * (size % 4))
    assert len(message) == size
    using = deflater(takeover=takeover)
    steps = max(1, -(-size // STEP))
    assert [message.compress(using) for _ in range(steps - 1)] == [None] * (steps - 1)
    made = message.compress(using)
    assert made is not None
    assert (made if made is message.payload else Unpacker(step=999).unpack(made)) == message.payload


def test_those_who_compress_alike_share_the_work() -> None:
    first, second = deflater(12), deflater(12)
    assert first.key == second.key is not None
    message = Compressible(Opcode.BINARY, rich(40_000))
    assert message.compress(first) is None
    assert message.compress(second) is None, "goes on where the first one was"
    made = message.compress(first)
    assert made is not None
    assert Unpacker(12, step=999).unpack(made) == message.payload
    others = [deflater(11), deflater(12, level=9), deflater(12, memory_level=9)]
    assert len({first.key, *(each.key for each in others)}) == 4
    assert deflater(12, takeover=True).key is deflater(12, alone=True).key is None
    for each in [*others, deflater(12, takeover=True), deflater(12, alone=True)]:
        assert Unpacker(12, step=999).unpack(whole(message, each)) == message.payload


def test_who_masks_shares_nothing() -> None:
    """What a client sends is masked, and nobody else's: nothing is kept of it."""
    for role, shares in ((Role.SERVER, True), (Role.CLIENT, False)):
        using = agreed(role, NOTHING_KEPT, "; server_no_context_takeover").encoder.deflater
        assert using is not None
        assert (using.key is not None) is shares


def test_what_does_not_become_shorter_is_shared_too() -> None:
    noise = Compressible(Opcode.BINARY, random.Random(2).randbytes(5000))
    assert whole(noise, deflater()) is noise.payload
    assert noise.compress(deflater()) is noise.payload


steps = st.lists(
    st.tuples(st.sampled_from(["step", "step", "step", "drop", "fragment", "last"]), st.integers(0, 3)), max_size=40
)


@settings(max_examples=60, deadline=None)
@given(steps, st.booleans(), st.integers(8, 15))
@example([("step", 0), ("step", 1), ("step", 1), ("step", 1), ("step", 0), ("step", 0), ("step", 0)], True, 9)
@example([("fragment", 0), ("step", 0), ("drop", 0), ("last", 0)], True, 15)
def test_what_is_given_up_corrupts_nothing(script: list[tuple[str, int]], takeover: bool, bits: int) -> None:
    """Messages are begun, left, taken up again, dropped; only what is complete is sent, and read."""
    using = deflater(bits, takeover=takeover, level=6)
    peer = Unpacker(bits, takeover=takeover, step=64)
    sizes = [3 * STEP - 5, 3 * STEP, STEP + 1, 10]
    waiting = [Compressible(Opcode.BINARY, rich(size, number)) for number, size in enumerate(sizes)]
    said, sent, begun = b"", b"", False
    for what, number in script:
        if what in ("fragment", "last"):  # a message in fragments lets nobody else between its first and its last
            piece = rich(500, number)
            said += piece
            made = using.fragment(piece, fin=what == "last")
            sent += made
            begun = what == "fragment"
            if not begun:
                assert peer.unpack(sent) == said
                said = sent = b""
        elif begun:
            continue
        elif what == "drop":
            waiting[number] = Compressible(Opcode.BINARY, rich(sizes[number], number))
        else:
            message = waiting[number]
            complete = message.compress(using)
            if complete is not None and complete is not message.payload:
                assert peer.unpack(complete) == message.payload
                waiting[number] = Compressible(Opcode.BINARY, message.payload)


def test_a_message_given_up_is_not_referred_to() -> None:
    """With takeover, what follows it must be readable by who never saw it."""
    using, peer = deflater(takeover=True), Unpacker(takeover=True, step=64)
    first = Compressible(Opcode.BINARY, b"first" * 100)
    assert peer.unpack(whole(first, using)) == first.payload
    long = Compressible(Opcode.BINARY, rich(2 * STEP))
    assert long.compress(using) is None
    same = Compressible(Opcode.BINARY, long.payload[:500])
    assert peer.unpack(whole(same, using)) == same.payload
    assert peer.unpack(whole(long, using)) == long.payload
    again = Compressible(Opcode.BINARY, long.payload[-500:])
    made = whole(again, using)
    assert len(made) < 30, "and what was sent is referred to"
    assert peer.unpack(made) == again.payload


def test_a_silent_connection_without_takeover_holds_nothing() -> None:
    connection = agreed(Role.SERVER, NOTHING_KEPT, "; server_no_context_takeover")
    message = rich(5000)
    connection.send(message)
    connection.data_to_send()
    tracemalloc.start()
    try:
        connection.send(message)
        connection.data_to_send()
        assert tracemalloc.get_traced_memory()[0] < 2 * KIB
    finally:
        tracemalloc.stop()
    assert connection.encoder.deflater is not None
    assert connection.encoder.deflater._kept is None
