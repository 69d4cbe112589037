"""What may be called in which state: a complete table of roles, states and calls. Misuse raises and changes nothing."""

from collections.abc import Callable

import pytest

from tests.protocol.helpers import DEFAULTS, MASK, asked, close_payload, frame, new, opened, request_head
from tickws.errors import UsageError
from tickws.protocol.connection import Connection, Role, State
from tickws.protocol.handshake import Reject, Request

REQUEST = Request("GET", "/chat", request_head())


def requested() -> Connection:
    connection = new(Role.SERVER)
    connection.receive(request_head())
    assert connection.next_event() is not None
    return connection


def closing(role: Role) -> Connection:
    connection = opened(role)
    connection.send_close()
    return connection


def closed(role: Role) -> Connection:
    connection = opened(role)
    connection.receive(frame(8, close_payload(1000), mask=MASK if role is Role.SERVER else b""))
    assert connection.next_event() is not None
    return connection


def failed(connection: Connection) -> Connection:
    connection.receive_eof()
    assert connection.next_event() is not None
    return connection


def answered() -> Connection:
    connection = requested()
    connection.answer(404, (), "no")
    return connection


CALLS: dict[str, Callable[[Connection], object]] = {
    "accept": lambda connection: connection.accept(REQUEST),
    "reject": lambda connection: connection.reject(Reject()),
    "answer": lambda connection: connection.answer(200, (), "hello"),
    "request": lambda connection: connection.request("a", "/"),
    "send": lambda connection: connection.send("hello"),
    "send_fragment": lambda connection: connection.send_fragment("hello", fin=True),
    "send_ping": lambda connection: connection.send_ping(b"hello"),
    "send_close": lambda connection: connection.send_close(),
}
ALWAYS: dict[str, Callable[[Connection], object]] = {
    "receive": lambda connection: connection.receive(b""),
    "receive_eof": lambda connection: connection.receive_eof(),
    "next_event": lambda connection: connection.next_event(),
    "encoder": lambda connection: connection.encoder.encode("hello"),
    "extensions": lambda connection: connection.extensions,
    "data_to_send": lambda connection: connection.data_to_send(),
    "pending": lambda connection: connection.pending,
    "close_expected": lambda connection: connection.close_expected(),
}
"""Calls that no state forbids."""

ANSWERS = {"accept", "reject", "answer"}
SENDS = {"send", "send_fragment", "send_ping", "send_close"}

TABLE: dict[str, tuple[Callable[[], Connection], Role, State, set[str]]] = {
    "server, fresh": (lambda: new(Role.SERVER), Role.SERVER, State.HANDSHAKE, set()),
    "server, requested": (requested, Role.SERVER, State.REQUESTED, ANSWERS),
    "server, open": (lambda: opened(Role.SERVER), Role.SERVER, State.OPEN, SENDS),
    "server, closing": (lambda: closing(Role.SERVER), Role.SERVER, State.CLOSING, set()),
    "server, closed": (lambda: closed(Role.SERVER), Role.SERVER, State.CLOSED, set()),
    "server, answered": (answered, Role.SERVER, State.CLOSED, set()),
    "server, failed": (lambda: failed(new(Role.SERVER)), Role.SERVER, State.CLOSED, set()),
    "client, fresh": (lambda: new(Role.CLIENT), Role.CLIENT, State.HANDSHAKE, {"request"}),
    "client, asked": (asked, Role.CLIENT, State.HANDSHAKE, set()),
    "client, open": (lambda: opened(Role.CLIENT), Role.CLIENT, State.OPEN, SENDS),
    "client, closing": (lambda: closing(Role.CLIENT), Role.CLIENT, State.CLOSING, set()),
    "client, closed": (lambda: closed(Role.CLIENT), Role.CLIENT, State.CLOSED, set()),
    "client, failed before it asked": (lambda: failed(new(Role.CLIENT)), Role.CLIENT, State.CLOSED, set()),
    "client, failed": (lambda: failed(asked()), Role.CLIENT, State.CLOSED, set()),
}
"""How to come there, where that is, and which of CALLS are allowed."""

ROWS = pytest.mark.parametrize("row", TABLE)


def test_the_table_is_complete() -> None:
    public = {name for name in dir(Connection) if not name.startswith("_")} - {
        "role",
        "state",
        "ignore",
    }  # which `test_ignoring` has
    assert CALLS.keys() | ALWAYS.keys() == public
    reached = {(role, state) for _, role, state, _ in TABLE.values()}
    assert reached == {(role, state) for role in Role for state in State} - {(Role.CLIENT, State.REQUESTED)}


@ROWS
def test_a_row_stands_where_it_says(row: str) -> None:
    make, role, state, _ = TABLE[row]
    connection = make()
    assert (connection.role, connection.state) == (role, state)
    assert connection.close_expected() is (state is State.CLOSED)


@ROWS
@pytest.mark.parametrize("call", CALLS)
def test_calls_out_of_place_raise_and_change_nothing(call: str, row: str) -> None:
    make, _, state, allowed = TABLE[row]
    connection, untouched = make(), make()
    if call in allowed:
        CALLS[call](connection)
        assert b"".join(connection.data_to_send()) > b"".join(untouched.data_to_send())
        return
    with pytest.raises(UsageError) as error:
        CALLS[call](connection)
    assert state.value in str(error.value) or call == "request"
    assert connection.state is state
    assert connection.data_to_send() == untouched.data_to_send()
    assert connection.next_event() == untouched.next_event()


@ROWS
@pytest.mark.parametrize("call", ALWAYS)
def test_calls_that_no_state_forbids(call: str, row: str) -> None:
    make, _, state, _ = TABLE[row]
    connection = make()
    ALWAYS[call](connection)
    assert connection.state is state


def test_a_server_s_connection_made_from_the_same_request_is_not_shared() -> None:
    """Each accepts its own, once."""
    first, second = requested(), requested()
    first.accept(REQUEST)
    second.accept(REQUEST)
    with pytest.raises(UsageError, match="the connection is open"):
        first.accept(REQUEST)


def test_encoding_needs_no_open_connection() -> None:
    connection = Connection(Role.SERVER, DEFAULTS, bytes)
    assert connection.encoder.encode("hi") == frame(1, b"hi")
