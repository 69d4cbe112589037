"""Every close code, on the wire and as an argument, and every length of a Close (RFC 6455 sections 5.5 and 7.4)."""

import pytest

from tests.protocol.helpers import CLOSE, MASK, ROLES, close_payload, frame, hear, mask_to, opened, sent
from tickws.errors import ProtocolFault
from tickws.protocol.connection import Role, State
from tickws.protocol.events import Closed
from tickws.protocol.messages import CloseFrame, MessageDecoder

REGISTERED = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014}
"""Sections 7.4.1 and 11.7, with what IANA has added since."""

ARGUMENTS = (
    *range(-2, 1020),
    *range(1099, 5003, 50),
    *range(2995, 3005),
    *range(4995, 5005),
    9999,
    65535,
    65536,
    2**32 + 1000,
)


def may_be_said(code: int) -> bool:
    return code in REGISTERED or 3000 <= code <= 4999


@pytest.mark.parametrize("mask", [b"", MASK], ids=["server's", "client's"])
def test_every_code_on_the_wire(mask: bytes) -> None:
    """65,536 of them: those that may be said are told, all others are 1002."""
    told: dict[int, object] = {}
    for code in range(65536):
        decoder = MessageDecoder(bool(mask), 1000, False)
        decoder.receive(frame(CLOSE, close_payload(code, b"why"), mask=mask))
        try:
            told[code] = decoder.next()
        except ProtocolFault as fault:
            told[code] = fault.close_code
    assert told == {code: CloseFrame(code, "why") if may_be_said(code) else 1002 for code in range(65536)}


@ROLES
def test_every_code_as_an_argument(role: Role) -> None:
    refused: set[int] = set()
    for code in ARGUMENTS:
        connection = opened(role)
        try:
            connection.send_close(code)
        except ValueError:
            refused.add(code)
            assert (connection.state, connection.data_to_send()) == (State.OPEN, [])
        else:
            assert [each.payload for each in sent(connection)] == [close_payload(code)]
    assert refused == {code for code in ARGUMENTS if not may_be_said(code)}


@ROLES
@pytest.mark.parametrize("size", [0, 1, 2, 3, 124, 125, 126, 127])
def test_every_length(size: int, role: Role) -> None:
    """None and two to 125 bytes are a Close; one is no code, and more than 125 no control frame."""
    data = frame(CLOSE, (close_payload(4000) + b"x" * 125)[:size], mask=mask_to(role))
    heard = hear(opened(role), [data])
    (event,) = heard.events
    assert isinstance(event, Closed)
    if size == 1 or size > 125:
        assert (event.code, event.fault) == (1002, True)
    else:
        assert event == (Closed(4000, "x" * (size - 2)) if size else Closed(1005, ""))
    (answer,) = heard.frames
    assert answer.opcode == CLOSE
    assert answer.payload[:2] == (b"" if not size else close_payload(event.code))


@ROLES
@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("rsv", [0, 1, 2, 4])
def test_a_close_is_one_whole_plain_frame(rsv: int, fin: bool, role: Role) -> None:
    """Sections 5.2 and 5.4: neither fragmented nor with reserved bits."""
    heard = hear(opened(role), [frame(CLOSE, close_payload(4000), fin=fin, rsv=rsv, mask=mask_to(role))])
    (event,) = heard.events
    assert isinstance(event, Closed)
    assert event.code == (4000 if fin and not rsv else 1002)
