"""The closing handshake and the end of the stream (RFC 6455 sections 5.5.1 and 7)."""

from collections.abc import Callable

import pytest

from tests.protocol.helpers import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    ROLES,
    TEXT,
    Heard,
    Sent,
    asked,
    close_payload,
    feed,
    frame,
    hear,
    mask_to,
    new,
    opened,
    other,
    pull,
    read_frames,
    request_head,
    sent,
)
from tickws.protocol.connection import Connection, Role, State
from tickws.protocol.events import Closed, Failed, Ping, Pong
from tickws.protocol.handshake import Request

VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
INVALID = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 65535]


def closing(role: Role, code: int = 4001, reason: str = "ours") -> Connection:
    """A connection that has said Close first."""
    connection = opened(role)
    connection.send_close(code, reason)
    connection.data_to_send()
    return connection


def close(role: Role, payload: bytes = b"") -> bytes:
    """A Close for `role`."""
    return frame(CLOSE, payload, mask=mask_to(role))


def joined(one: Connection, two: Connection) -> None:
    """Carry bytes until neither has any."""
    moved = True
    while moved:
        moved = False
        for source, target in ((one, two), (two, one)):
            for data in source.data_to_send():
                target.receive(data)
                moved = True


# The peer says Close first


@ROLES
@pytest.mark.parametrize("code", VALID)
@pytest.mark.parametrize("reason", ["", "bye", "Grüße", "x" * 123])
def test_the_peer_s_close_is_answered_with_its_code_and_reason(code: int, reason: str, role: Role) -> None:
    """Section 5.5.1: the answer typically echoes the status code. The reason too: a browser shows its page ours."""
    payload = close_payload(code, reason.encode())
    heard = feed(lambda: opened(role), close(role, payload), points=20)
    assert heard.events == [Closed(code, reason)]
    assert heard.frames == [Sent(CLOSE, payload, True, role is Role.CLIENT)]


@ROLES
def test_a_close_without_a_code_is_1005_and_answered_without_one(role: Role) -> None:
    """Section 7.1.5."""
    heard = feed(lambda: opened(role), close(role))
    assert heard.events == [Closed(1005, "")]
    assert heard.frames == [Sent(CLOSE, b"", True, role is Role.CLIENT)]


@ROLES
@pytest.mark.parametrize("code", INVALID)
def test_a_close_with_an_invalid_code_is_a_fault(code: int, role: Role) -> None:
    """Section 7.4."""
    heard = feed(lambda: opened(role), close(role, close_payload(code)))
    reason = f"invalid close code {code}"
    assert heard.events == [Closed(1002, reason, True)]
    assert heard.frames == [Sent(CLOSE, close_payload(1002, reason.encode()), True, role is Role.CLIENT)]


@ROLES
def test_whatever_follows_the_peer_s_close_is_ignored(role: Role) -> None:
    """Section 5.5.1; and nothing more is sent: no pong, no second Close."""
    mask = mask_to(role)
    after = frame(PING, b"?", mask=mask) + close(role, close_payload(1002)) + b"\xff\xff garbage"
    heard = feed(lambda: opened(role), close(role, close_payload(1000)) + after, eof=True)
    assert heard.events == [Closed(1000, "")]
    assert heard.frames == [Sent(CLOSE, close_payload(1000), True, role is Role.CLIENT)]


@ROLES
def test_pongs_that_were_owed_go_before_the_answer(role: Role) -> None:
    heard = feed(lambda: opened(role), frame(PING, b"?", mask=mask_to(role)) + close(role))
    assert [frame.opcode for frame in heard.frames] == [PONG, CLOSE]


# We say Close first


@ROLES
@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "bye"), (4999, "x" * 123)])
def test_our_close_ends_with_the_peer_s_and_keeps_our_code(code: int, reason: str, role: Role) -> None:
    """Section 7.1.6: whatever the peer answers, the Close that came first counts."""
    connection = opened(role)
    connection.send_close(code, reason)
    assert sent(connection) == [Sent(CLOSE, close_payload(code, reason.encode()), True, role is Role.CLIENT)]
    assert (connection.state, connection.close_expected()) == (State.CLOSING, False)
    assert connection.next_event() is None
    for answer in (b"", close_payload(code), close_payload(3000, b"other")):
        heard = feed(lambda: closing(role, code, reason), close(role, answer), eof=True, points=20)
        assert heard == Heard([Closed(code, reason)], b"")


@ROLES
@pytest.mark.parametrize(("code", "reason"), [(1005, ""), (1006, ""), (999, ""), (1000, "x" * 124)])
def test_a_close_that_cannot_be_sent_changes_nothing(code: int, reason: str, role: Role) -> None:
    connection = opened(role)
    with pytest.raises(ValueError, match="close"):
        connection.send_close(code, reason)
    assert connection.state is State.OPEN
    assert connection.data_to_send() == []


def test_our_close_is_1000_where_nothing_is_said() -> None:
    connection = opened(Role.SERVER)
    connection.send_close()
    assert sent(connection) == [Sent(CLOSE, close_payload(1000))]


@ROLES
def test_while_closing_messages_are_heard_and_pings_answered(role: Role) -> None:
    mask = mask_to(role)
    data = frame(TEXT, b"a", mask=mask) + frame(PING, b"?", mask=mask) + frame(PONG, mask=mask)
    data += frame(BINARY, b"b", mask=mask) + close(role)
    heard = feed(lambda: closing(role), data)
    assert heard.events == ["a", Ping(b"?"), Pong(b""), b"b", Closed(4001, "ours")]
    assert [(each.opcode, each.payload) for each in read_frames(heard.wire)] == [(PONG, b"?")]


@ROLES
@pytest.mark.parametrize(
    ("opcode", "payload", "code"), [(3, b"", 1002), (TEXT, b"\xff", 1007), (CLOSE, b"x", 1002), (CLOSE, b"\0\0", 1002)]
)
def test_a_fault_while_closing_ends_it_without_a_second_close(
    opcode: int, payload: bytes, code: int, role: Role
) -> None:
    heard = feed(lambda: closing(role), frame(opcode, payload, mask=mask_to(role)) + close(role))
    (event,) = heard.events
    assert isinstance(event, Closed)
    assert (event.code, event.fault, heard.wire) == (code, True, b"")


# Both ends


@ROLES
def test_both_ends_see_the_code_and_the_reason_whoever_starts(role: Role) -> None:
    """The original's fault 7."""
    first, second = opened(role), opened(other(role))
    first.send_close(4000, "done")
    joined(first, second)
    assert pull(second) == [Closed(4000, "done")]
    joined(first, second)
    assert pull(first) == [Closed(4000, "done")]
    joined(first, second)
    assert (pull(first), pull(second)) == ([], [])
    assert first.close_expected()
    assert second.close_expected()


def test_both_at_once() -> None:
    """Section 7.1.6 allows the two ends to see different codes; each sees its own."""
    server, client = opened(Role.SERVER), opened(Role.CLIENT)
    server.send_close(4001, "server")
    client.send_close(4002, "client")
    joined(server, client)
    assert (pull(server), pull(client)) == ([Closed(4001, "server")], [Closed(4002, "client")])
    assert (server.data_to_send(), client.data_to_send()) == ([], [])


# The end of the stream (section 7.1.5: 1006 where no Close came)


@ROLES
@pytest.mark.parametrize("by_frame", [False, True])
def test_eof_while_open_is_1006_after_all_that_came_before(by_frame: bool, role: Role) -> None:
    mask = mask_to(role)
    pong = frame(PONG, mask=mask)
    assert feed(lambda: opened(role, by_frame=by_frame), pong, eof=True) == Heard([Pong(b""), Closed(1006, "")], b"")
    for size in range(1, len(frame(TEXT, b"abc", mask=mask))):
        unfinished = frame(TEXT, b"abc", mask=mask)[:size]
        heard = hear(opened(role, by_frame=by_frame), [pong + unfinished], eof=True)
        assert heard == Heard([Pong(b""), Closed(1006, "")], b"")


@ROLES
def test_eof_does_not_take_away_what_is_to_be_sent(role: Role) -> None:
    connection = opened(role)
    connection.send("last")
    connection.receive(frame(PING, b"?", mask=mask_to(role)))
    connection.receive_eof()
    assert pull(connection) == [Ping(b"?"), Closed(1006, "")]
    assert [frame.payload for frame in sent(connection)] == [b"last", b"?"]


@ROLES
def test_eof_while_closing(role: Role) -> None:
    assert feed(lambda: closing(role), close(role), eof=True).events == [Closed(4001, "ours")]
    assert hear(closing(role), [], eof=True) == Heard([Closed(1006, "")], b"")
    assert hear(closing(role), [close(role)[:-1]], eof=True).events == [Closed(1006, "")]


@ROLES
def test_eof_when_closed_is_nothing(role: Role) -> None:
    connection = opened(role)
    hear(connection, [close(role)])
    assert hear(connection, [], eof=True) == Heard([], b"")
    assert hear(connection, [b"more"], eof=True) == Heard([], b"")


@pytest.mark.parametrize("make", [lambda: new(Role.SERVER), lambda: new(Role.CLIENT), asked])
def test_eof_in_the_handshake_fails_it(make: Callable[[], Connection]) -> None:
    failed = Failed(None, "the peer went away during the handshake")
    for chunks in ([], [b"GET / HT"]):
        connection = make()
        connection.data_to_send()
        assert hear(connection, chunks, eof=True) == Heard([failed], b"")
        assert (connection.state, connection.close_expected()) == (State.CLOSED, True)


def test_eof_while_a_request_waits_is_heard_after_its_answer() -> None:
    for refuse in (True, False):
        connection = new(Role.SERVER)
        connection.receive(request_head())
        connection.receive_eof()
        request, *more = pull(connection)
        assert isinstance(request, Request)
        assert (more, connection.state) == ([], State.REQUESTED)
        if refuse:
            connection.answer(404, (), "no")
            assert pull(connection) == []
        else:
            connection.accept(request)
            assert pull(connection) == [Closed(1006, "")]
