"""An open connection and its messages: every length, limits, masks, fragments (RFC 6455 sections 5.1 to 5.6)."""

import array
from collections.abc import Callable

import pytest

from tests.protocol.helpers import (
    BINARY,
    CLOSE,
    CONT,
    LENGTHS,
    MASK,
    PING,
    PONG,
    ROLES,
    SMALL,
    TEXT,
    Sent,
    close_payload,
    feed,
    frame,
    mask_to,
    new,
    opened,
    other,
    pull,
    read_frames,
    request_head,
    sent,
)
from tickws.errors import UsageError
from tickws.protocol.connection import Connection, Role
from tickws.protocol.events import Closed, Frame, Ping, Pong, Progress
from tickws.protocol.handshake import Request
from tickws.protocol.limits import Limits
from tickws.protocol.messages import Buffer, payload_of
from tickws.protocol.opcodes import Opcode


def text_of(size: int) -> str:
    """A text of so many bytes, most of its characters two of them."""
    return "é" * (size // 2) + "x" * (size % 2)


def binary_of(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


MAKERS: list[Callable[[int], str | bytes]] = [text_of, binary_of]


# Messages


@ROLES
@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("size", LENGTHS)
def test_every_length_in_both_directions_and_every_cut(
    size: int, make: Callable[[int], str | bytes], role: Role
) -> None:
    message = make(size)
    sender = opened(other(role))
    sender.send(message)
    wire = b"".join(sender.data_to_send())
    data = message.encode() if isinstance(message, str) else message
    opcode = TEXT if isinstance(message, str) else BINARY
    assert read_frames(wire) == [Sent(opcode, data, True, masked=role is Role.SERVER)]
    assert feed(lambda: opened(role), wire, points=60 if size < 1000 else 10).events == [message]


@ROLES
@pytest.mark.parametrize("make", MAKERS)
def test_limit_for_what_comes(make: Callable[[int], str | bytes], role: Role) -> None:
    peer = opened(other(role))
    fits = peer.encoder.encode(make(1000))
    assert feed(lambda: opened(role, SMALL), fits, points=20).events == [make(1000)]
    for size in (1001, 1002):
        wire = peer.encoder.encode(make(size))
        for data in (wire, wire[:4]):  # the announcement is enough
            heard = feed(lambda: opened(role, SMALL), data, points=20)
            assert heard.events == [Closed(1009, "message above 1000 bytes", True)]
            assert heard.frames == [
                Sent(CLOSE, close_payload(1009, b"message above 1000 bytes"), True, role is Role.CLIENT)
            ]


@ROLES
@pytest.mark.parametrize("make", MAKERS)
def test_no_limit_for_what_goes(make: Callable[[int], str | bytes], role: Role) -> None:
    """`message_bytes` is for what a peer sends us: a game that takes 4 KiB may send larger snapshots."""
    connection = opened(role, SMALL)
    connection.send(make(1001))
    connection.send_fragment(make(1001), fin=True)
    assert [len(frame.payload) for frame in sent(connection)] == [len(payload_of(make(1001))[1])] * 2


@ROLES
def test_limit_counts_all_fragments_of_a_message(role: Role) -> None:
    mask = mask_to(role)
    start = frame(TEXT, b"x" * 600, fin=False, mask=mask) + frame(CONT, b"y" * 400, fin=False, mask=mask)
    whole = feed(lambda: opened(role, SMALL), start + frame(CONT, mask=mask), points=20)
    assert whole.events == ["x" * 600 + "y" * 400]
    over = frame(CONT, b"z", fin=False, mask=mask)[:2]
    assert feed(lambda: opened(role, SMALL), start + over, points=20).events[0] == Closed(
        1009, "message above 1000 bytes", True
    )
    frames = feed(lambda: opened(role, SMALL, by_frame=True), start + frame(CONT, b"z", mask=mask), points=20)
    assert frames.events == [
        Frame(Opcode.TEXT, b"x" * 600, False),
        Frame(Opcode.CONTINUATION, b"y" * 400, False),
        Frame(Opcode.CONTINUATION, b"z", True),
    ]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_takes_any_bytes_and_keeps_none(kind: Callable[[bytearray], Buffer]) -> None:
    message, wire = bytearray(b"payload"), bytearray(frame(TEXT, b"Hello", mask=MASK))
    connection = opened(Role.SERVER)
    connection.send(kind(message))
    connection.send_ping(kind(message))
    connection.receive(kind(wire))
    message[:], wire[:] = bytes(7), bytes(len(wire))
    assert sent(connection) == [Sent(BINARY, b"payload"), Sent(PING, b"payload")]
    assert pull(connection) == ["Hello"]
    fresh, head = new(Role.SERVER), bytearray(request_head())
    fresh.receive(kind(head))
    head[:] = bytes(len(head))
    assert isinstance(fresh.next_event(), Request)


def test_a_memoryview_counts_by_its_bytes() -> None:
    connection = opened(Role.SERVER, SMALL)
    numbers = memoryview(array.array("I", range(100)))
    with pytest.raises(ValueError, match="ping payload of 400 bytes"):
        connection.send_ping(numbers)
    connection.send(numbers)
    assert sent(connection) == [Sent(BINARY, numbers.tobytes())]


@pytest.mark.parametrize("message", [None, 1, ["a"], {"a": 1}, object()])
def test_other_messages_are_type_errors(message: object) -> None:
    connection = opened(Role.SERVER)
    for call in (connection.send, connection.encoder.encode, lambda m: connection.send_fragment(m, fin=True)):
        with pytest.raises(TypeError, match=f"str or bytes-like, not {type(message).__name__}"):
            call(message)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="surrogates not allowed"):
        connection.send("\ud800")
    assert connection.data_to_send() == []


def test_one_event_at_a_time() -> None:
    connection = opened(Role.SERVER)
    connection.receive(b"".join(frame(opcode, b"ab", mask=MASK) for opcode in (TEXT, PING, PONG, BINARY)))
    assert [connection.next_event() for _ in range(5)] == ["ab", Ping(b"ab"), Pong(b"ab"), b"ab", None]


def test_messages_come_assembled_unless_frames_are_asked_for() -> None:
    connection = Connection(Role.SERVER, Limits(), bytes)
    connection.receive(request_head() + frame(TEXT, b"a", fin=False, mask=MASK) + frame(CONT, b"b", mask=MASK))
    request = connection.next_event()
    assert isinstance(request, Request)
    connection.accept(request)
    assert pull(connection) == ["ab"]


def test_one_fragment_at_a_time() -> None:
    """A flood of fragments is as many steps: the clock can be read between them."""
    connection = opened(Role.SERVER)
    flood = frame(TEXT, fin=False, mask=MASK) + frame(CONT, fin=False, mask=MASK) * 999 + frame(CONT, b"x", mask=MASK)
    connection.receive(flood)
    assert [connection.next_event() for _ in range(1000)] == [Progress.FRAGMENT] * 1000
    assert [connection.next_event(), connection.next_event()] == ["x", None]


def test_data_to_send_gives_once() -> None:
    connection = opened(Role.SERVER)
    assert connection.data_to_send() == []
    connection.send("a")
    connection.send("b")
    assert connection.data_to_send() == [frame(TEXT, b"a"), frame(TEXT, b"b")]
    assert connection.data_to_send() == []


def test_encode_changes_nothing_and_serves_all_of_a_server_s_connections() -> None:
    connection = opened(Role.SERVER)
    assert connection.encoder.encode("Hello") == frame(TEXT, b"Hello")
    assert connection.encoder.encode(b"Hello") == frame(BINARY, b"Hello")
    connection.send_fragment("a", fin=False)
    assert connection.encoder.encode("Hello") == frame(TEXT, b"Hello")
    assert sent(connection) == [Sent(TEXT, b"a", False)]


# Masks (section 5.3)


def test_a_client_masks_each_frame_anew() -> None:
    """Section 5.3: a fresh key for each frame, from the source that was given."""
    keys: list[bytes] = []

    def source(size: int) -> bytes:
        keys.append(bytes([len(keys)]) * size)
        return keys[-1]

    connection = opened(Role.CLIENT, mask_source=source)
    connection.receive(frame(PING, b"p"))
    pull(connection)
    connection.send("a")
    connection.send_fragment(b"b", fin=False)
    connection.send_ping(b"c")
    encoded = connection.encoder.encode("d")
    connection.send_close()
    frames = [*connection.data_to_send(), encoded]
    assert all(read_frames(data)[0].masked for data in frames)
    nonce, *masks = keys
    assert len(nonce) == 16
    assert sorted(data[2:6] for data in frames) == masks
    assert len(set(masks)) == 6


def test_a_server_never_masks_nor_asks_for_chance() -> None:
    def source(size: int) -> bytes:
        pytest.fail("a server wants no masks")

    connection = opened(Role.SERVER, mask_source=source)
    connection.receive(frame(PING, b"p", mask=MASK))
    pull(connection)
    connection.send("a")
    connection.send_close()
    assert [frame.masked for frame in sent(connection)] == [False] * 3


# Fragments (section 5.4)


@ROLES
def test_sends_fragments(role: Role) -> None:
    connection = opened(role)
    masked = role is Role.CLIENT
    fragments: list[tuple[str | bytes, bool]] = [("a", False), ("", False), ("é", True)]
    fragments += [(b"b", False), (b"", True), ("c", True)]
    for fragment, fin in fragments:
        connection.send_fragment(fragment, fin=fin)
    assert sent(connection) == [
        Sent(TEXT, b"a", False, masked),
        Sent(CONT, b"", False, masked),
        Sent(CONT, "é".encode(), True, masked),
        Sent(BINARY, b"b", False, masked),
        Sent(CONT, b"", True, masked),
        Sent(TEXT, b"c", True, masked),
    ]


def test_only_control_frames_come_between_fragments() -> None:
    connection = opened(Role.SERVER)
    connection.send_fragment("a", fin=False)
    with pytest.raises(UsageError, match="messages do not mix"):
        connection.send("b")
    for fin in (True, False):
        with pytest.raises(UsageError, match="all text or all bytes"):
            connection.send_fragment(b"b", fin=fin)
    connection.send_ping(b"?")
    connection.send_fragment("c", fin=True)
    connection.send("d")
    connection.send_fragment(b"e", fin=False)
    connection.send_close()
    frames = [(sent.opcode, sent.fin) for sent in sent(connection)]
    assert frames == [(TEXT, False), (PING, True), (CONT, True), (TEXT, True), (BINARY, False), (CLOSE, True)]


# What is here and was not looked at


@pytest.mark.parametrize("role", Role)
def test_pending_says_whether_there_may_be_more_without_further_bytes(role: Role) -> None:
    connection = opened(role)
    assert not connection.pending
    message = frame(1, b"hello", mask=mask_to(role))
    connection.receive(message + message + message[:-1])
    for more in (True, True):
        assert connection.pending == more
        assert connection.next_event() == "hello"
    assert connection.next_event() is None
    assert not connection.pending, "a piece of a message waits for further bytes"
    connection.receive(message[-1:])
    assert connection.pending
    assert connection.next_event() == "hello"
    assert not connection.pending
    assert connection.next_event() is None


def test_pending_before_the_handshake_is_over() -> None:
    connection = new(Role.SERVER)
    assert not connection.pending
    head = request_head()
    connection.receive(head[:20])
    assert connection.next_event() is None
    connection.receive(head[20:] + frame(1, b"first words", mask=mask_to(Role.SERVER)))
    asks = connection.next_event()
    assert isinstance(asks, Request)
    connection.accept(asks)
    assert connection.pending
    assert connection.next_event() == "first words"
    assert not connection.pending


@pytest.mark.parametrize("role", Role)
def test_nothing_is_pending_behind_the_end(role: Role) -> None:
    connection = opened(role)
    connection.receive(frame(8, close_payload(1000), mask=mask_to(role)) + frame(1, b"late", mask=mask_to(role)))
    assert connection.pending
    assert isinstance(connection.next_event(), Closed)
    assert connection.next_event() is None
