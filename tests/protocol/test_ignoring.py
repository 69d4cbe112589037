"""`Connection.ignore`: from then on nothing is heard, in whatever state; what we have to say is said."""

import pytest

from tests.protocol.helpers import ROLES, TEXT, asked, frame, mask_to, new, opened, pull, request_head, sent
from tickws.protocol.connection import Role, State


@pytest.mark.parametrize("before", [b"", b"GET / HT"])
def test_a_request_is_not_heard(before: bytes) -> None:
    connection = new(Role.SERVER)
    connection.receive(before)
    connection.ignore()
    connection.receive(request_head())
    assert pull(connection) == []
    assert connection.state is State.CLOSED
    assert sent(connection) == []


def test_nor_an_answer() -> None:
    connection = asked()
    connection.ignore()
    connection.receive(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    assert pull(connection) == []
    assert connection.state is State.CLOSED


@ROLES
def test_nor_messages_and_our_last_words_stay(role: Role) -> None:
    connection = opened(role)
    connection.send_close(4000, "ours")
    connection.ignore()
    connection.receive(frame(TEXT, b"x", mask=mask_to(role)))
    assert pull(connection) == []
    assert len(sent(connection)) == 1


@ROLES
def test_twice_is_once(role: Role) -> None:
    connection = opened(role)
    connection.ignore()
    connection.ignore()
    connection.receive_eof()
    assert pull(connection) == []
    assert connection.state is State.CLOSED
