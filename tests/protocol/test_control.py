"""Control frames and faults of an open connection (RFC 6455 sections 5.5 and 7.1.7)."""

import pytest

from tests.protocol.helpers import (
    BINARY,
    CLOSE,
    CONT,
    MASK,
    PING,
    PONG,
    ROLES,
    SMALL,
    TEXT,
    Heard,
    Sent,
    close_payload,
    feed,
    frame,
    hear,
    mask_to,
    opened,
    pull,
    sent,
)
from tickws.protocol.connection import PENDING_PONGS, Role, State
from tickws.protocol.events import Closed, Ping, Pong

# Pings and pongs (sections 5.5.2 and 5.5.3)


@ROLES
@pytest.mark.parametrize("payload", [b"", b"\xff", b"p" * 125])
def test_pings_are_answered_with_their_payload(payload: bytes, role: Role) -> None:
    heard = feed(lambda: opened(role), frame(PING, payload, mask=mask_to(role)))
    assert heard.events == [Ping(payload)]
    assert heard.frames == [Sent(PONG, payload, True, role is Role.CLIENT)]


@ROLES
def test_pings_amid_fragments_are_answered_at_once(role: Role) -> None:
    connection, mask = opened(role), mask_to(role)
    connection.receive(frame(TEXT, b"a", fin=False, mask=mask) + frame(PING, b"?", mask=mask))
    assert pull(connection) == [Ping(b"?")]
    assert [sent.payload for sent in sent(connection)] == [b"?"]
    connection.receive(frame(CONT, b"b", mask=mask))
    assert pull(connection) == ["ab"]


@ROLES
@pytest.mark.parametrize("payload", [b"", b"x", b"p" * 125])
def test_pongs_that_nobody_asked_for_are_ignored(payload: bytes, role: Role) -> None:
    """The original's fault 4."""
    mask = mask_to(role)
    heard = feed(lambda: opened(role), frame(PONG, payload, mask=mask) * 2 + frame(TEXT, mask=mask))
    assert (heard.events, heard.wire) == ([Pong(payload), Pong(payload), ""], b"")


@ROLES
@pytest.mark.parametrize("size", [0, 125])
def test_sends_pings(size: int, role: Role) -> None:
    connection = opened(role)
    connection.send_ping(bytes(size))
    assert sent(connection) == [Sent(PING, bytes(size), True, role is Role.CLIENT)]
    with pytest.raises(ValueError, match="ping payload of 126 bytes: at most 125"):
        connection.send_ping(bytes(126))
    assert connection.data_to_send() == []


def pings(count: int) -> bytes:
    return b"".join(frame(PING, b"%d" % number, mask=MASK) for number in range(count))


@pytest.mark.parametrize("count", [1, 63, 64, 65, 66, 1000])
def test_of_unread_pongs_the_newest_are_kept(count: int) -> None:
    heard = hear(opened(Role.SERVER), [pings(count)])
    assert len(heard.events) == count
    newest = range(max(0, count - PENDING_PONGS), count)
    assert [sent.payload for sent in heard.frames] == [b"%d" % number for number in newest]
    assert PENDING_PONGS == 64


def test_pongs_are_counted_from_the_last_data_to_send() -> None:
    connection = opened(Role.SERVER)
    for _ in range(3):
        connection.receive(pings(60))
        pull(connection)
        assert len(sent(connection)) == 60


def test_pongs_go_before_our_own_control_frames_and_after_our_messages() -> None:
    connection = opened(Role.SERVER)
    connection.receive(pings(1))
    pull(connection)
    connection.send("message")
    connection.send_ping(b"ours")
    connection.receive(pings(2))
    pull(connection)
    connection.send_close()
    payloads = [sent.payload for sent in sent(connection)]
    assert payloads == [b"message", b"0", b"ours", b"0", b"1", close_payload(1000)]


# Faults (section 7.1.7)


def faulty(role: Role) -> list[tuple[bytes, int]]:
    """Bytes that no peer of `role` may send, and the close code for each."""
    mask = mask_to(role)
    return [
        (frame(TEXT, b"x", mask=b"" if mask else MASK), 1002),
        (frame(TEXT, b"x", mask=mask, rsv=4), 1002),
        (frame(3, mask=mask), 1002),
        (frame(PING, fin=False, mask=mask), 1002),
        (frame(PING, bytes(126), mask=mask), 1002),
        (frame(CONT, mask=mask), 1002),
        (frame(TEXT, fin=False, mask=mask) * 2, 1002),
        (frame(CLOSE, b"x", mask=mask), 1002),
        (frame(CLOSE, close_payload(1005), mask=mask), 1002),
        (frame(CLOSE, close_payload(1000, b"\xff"), mask=mask), 1007),
        (frame(TEXT, b"\xff", mask=mask), 1007),
        (frame(BINARY, bytes(1001), mask=mask)[:8], 1009),
    ]


@ROLES
@pytest.mark.parametrize("by_frame", [False, True])
@pytest.mark.parametrize("index", range(12))
def test_a_fault_fails_the_connection_once_with_its_code(index: int, by_frame: bool, role: Role) -> None:
    """What came before it is heard, what comes behind it is not."""
    data, code = faulty(role)[index]
    mask = mask_to(role)
    after = b"" if code == 1009 else frame(TEXT, b"after", mask=mask) + frame(PING, mask=mask)
    before = frame(PING, b"before", mask=mask)
    heard = feed(lambda: opened(role, SMALL, by_frame=by_frame), before + data + after, eof=True, points=40)
    *early, closed = heard.events
    assert early[0] == Ping(b"before")
    assert isinstance(closed, Closed)
    assert (closed.code, closed.fault) == (code, True)
    pong, close = heard.frames
    assert pong.payload == b"before"
    assert (close.opcode, close.payload) == (CLOSE, close_payload(code, closed.reason.encode()))


@ROLES
@pytest.mark.parametrize("index", range(12))
def test_a_fault_is_the_end(index: int, role: Role) -> None:
    data, _ = faulty(role)[index]
    connection = opened(role, SMALL)
    assert (connection.state, connection.close_expected()) == (State.OPEN, False)
    connection.receive(data)
    pull(connection)
    assert (connection.state, connection.close_expected()) == (State.CLOSED, True)
    assert len(sent(connection)) == 1
    assert hear(connection, [frame(PING, b"more", mask=mask_to(role))], eof=True) == Heard([], b"")
