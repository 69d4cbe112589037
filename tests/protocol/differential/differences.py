"""Where `websockets` and wsproto read a stream of frames otherwise than tickws: all that is known, and what decides it.

Entries of `VERDICTS` are about what is heard, what is answered, and whether there is a fault; those of `CODES` about
the close code where both find one. Ours is right in each: what is not stands in no table, and is mended.
"""

from collections.abc import Callable

from tests.protocol.differential.cases import Case, Difference, cut_surrogate, is_no_utf8
from tests.protocol.differential.rig import Peer, Setup
from tests.protocol.differential.wire import build
from tests.protocol.helpers import BINARY, CLOSE, MASK, PING, TEXT, close_payload

SERVER = Setup()
SMALL = Setup(limit=100)
CLOSING = Setup(closing=True)


def found_when_complete(case: Case) -> bool:
    return case.ends == ("fault", "waiting") and not case.frame.whole and case.completed().end.kind == "fault"


def late(peer: Peer, stream: bytes) -> Difference:
    return Difference(
        "a frame that cannot be valid is waited for",
        peer,
        "RFC 6455 sections 5.2 and 7.1.7",
        "nothing orders the wait; ours fails at the first byte that shows the fault, and reads no more of the frame",
        found_when_complete,
        (SERVER, [stream]),
    )


def close_with(*payloads: bytes) -> Callable[[Case], bool]:
    """What recognises a Close with one of the codes."""
    return lambda case: case.frame.opcode == CLOSE and case.frame.payload[:2] in payloads


VERDICTS = [
    late("websockets", build(PING, bytes(126), mask=MASK)[:10]),
    late("wsproto", build(TEXT, b"a", rsv=1, mask=MASK)[:1]),
    Difference(
        "a length need not have its shortest form",
        "websockets",
        "RFC 6455 section 5.2",
        '"the minimal number of bytes MUST be used to encode the length"',
        lambda case: case.ends[0] == "fault" and case.ends[1] != "fault" and not case.frame.minimal,
        (SERVER, [build(TEXT, b"a", width=2, mask=MASK)]),
    ),
    Difference(
        "a Close amid a fragmented message is a fault",
        "websockets",
        "RFC 6455 sections 5.4 and 5.5.1",
        '"Control frames (see Section 5.5) MAY be injected in the middle of a fragmented message", and Close is one',
        lambda case: case.ends == ("closed", "fault") and case.frame.opcode == CLOSE and bool(case.message),
        (SERVER, [build(TEXT, b"a", fin=False, mask=MASK) + build(CLOSE, close_payload(1000), mask=MASK)]),
    ),
    Difference(
        "a control frame is charged to the message's limit",
        "websockets",
        "RFC 6455 sections 5.4 and 5.5",
        "a control frame is no part of the message it comes amid of, and is bounded by itself, to 125 bytes",
        lambda case: case.ends[0] != "fault" and case.codes[1] == 1009 and case.frame.control and case.too_long,
        (
            SMALL,
            [build(BINARY, bytes(90), fin=False, mask=MASK) + build(PING, bytes(11), mask=MASK)],
        ),
    ),
    Difference(
        "text is not looked at before its message is whole",
        "websockets",
        "RFC 6455 section 8.1",
        '"When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a '
        'valid UTF-8 stream, that endpoint MUST Fail the connection": ours finds it at the first wrong byte',
        lambda case: case.ends == ("fault", "waiting") and case.is_text and is_no_utf8(case.payload),
        (SERVER, [build(TEXT, b"\xff", fin=False, mask=MASK)]),
    ),
    Difference(
        "half a surrogate is waited for",
        "wsproto",
        "RFC 6455 section 8.1; RFC 3629 section 4",
        "no UTF-8 has ED A0; ours finds it there, Python's decoder with the next byte",
        lambda case: case.ends == ("fault", "waiting") and case.is_text and cut_surrogate(case.payload),
        (SERVER, [build(TEXT, b"\xed\xa0", fin=False, mask=MASK)]),
    ),
    Difference(
        "messages have no limit",
        "wsproto",
        "RFC 6455 sections 7.4.1 (1009) and 10.4",
        '"implementations [...] MUST protect themselves against exceeding those limits"; wsproto leaves it to its user',
        lambda case: case.codes[0] == 1009 and case.ends[1] != "fault" and case.too_long and not case.compressed,
        (SMALL, [build(BINARY, bytes(101), mask=MASK)]),
    ),
    Difference(
        "1014 is no close code",
        "wsproto",
        "RFC 6455 sections 7.4.2 and 11.7",
        "1000 to 2999 are what the IANA registry defines, and it has 1014, Bad Gateway",
        lambda case: case.ends == ("closed", "fault") and close_with(close_payload(1014))(case),
        (SERVER, [build(CLOSE, close_payload(1014), mask=MASK)]),
    ),
    Difference(
        "a Ping behind our own Close is not answered",
        "wsproto",
        "RFC 6455 section 5.5.2",
        '"Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already received a '
        'Close frame": sent is not received',
        lambda case: (
            case.setup.closing and case.frame.opcode == PING and len(case.mine.answers) > len(case.theirs.answers)
        ),
        (CLOSING, [build(PING, b"?", mask=MASK)]),
    ),
]

CODES = [
    Difference(
        "a frame above the limit is that, whatever else is wrong with it",
        "websockets",
        "RFC 6455 sections 5.2, 5.5 and 7.4.1",
        "1009 is for a message that is too big to process; this is no message at all, but broken, or a control frame",
        lambda case: case.codes[0] != 1009 and case.codes[1] == 1009 and case.too_long,
        (SERVER, [build(TEXT, b"", width=8, length=2**63, mask=MASK)]),
    ),
    Difference(
        "a length need not have its shortest form, and then there is another fault",
        "websockets",
        "RFC 6455 section 5.2",
        "the frame is no frame, so that its payload is not looked at",
        lambda case: case.codes[0] == 1002 and not case.frame.minimal,
        (SERVER, [build(TEXT, b"\xff", width=2, mask=MASK)]),
    ),
    Difference(
        "the reason of a Close is looked at before its code",
        "websockets",
        "RFC 6455 sections 5.5.1 and 7.4.2",
        "nothing orders it; what may not be sent at all needs no reason",
        lambda case: (
            case.codes == (1002, 1007) and case.frame.opcode == CLOSE and is_no_utf8(case.frame.payload[2:], final=True)
        ),
        (SERVER, [build(CLOSE, close_payload(1005, b"\xff"), mask=MASK)]),
    ),
    Difference(
        "1014 is no close code, and then its reason is broken",
        "wsproto",
        "RFC 6455 sections 7.4.2 and 8.1",
        "the code is in the IANA registry; the reason is no UTF-8: 1007",
        lambda case: case.codes == (1007, 1002) and close_with(close_payload(1014))(case),
        (SERVER, [build(CLOSE, close_payload(1014, b"\xff"), mask=MASK)]),
    ),
    Difference(
        "messages have no limit, and then there is another fault",
        "wsproto",
        "RFC 6455 sections 7.4.1 (1009) and 10.4",
        "what is announced too long is refused when it is announced",
        lambda case: case.codes[0] == 1009 and case.too_long and not case.compressed,
        (SMALL, [build(TEXT, b"\xff" * 101, mask=MASK)]),
    ),
]
