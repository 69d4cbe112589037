"""Where `websockets` and wsproto read compressed messages otherwise than tickws (RFC 7692), and what decides it.

They stand beside those of `differences`, which hold for compressed streams, too.
"""

from tests.protocol.differential.cases import Case, Difference, is_no_utf8
from tests.protocol.differential.compressed import RSV1, TAIL, Packer
from tests.protocol.differential.rig import Peer, Setup, Window
from tests.protocol.differential.wire import build
from tests.protocol.helpers import BINARY, CONT, MASK, PING, TEXT

OPEN = Setup(deflate=(Window(), Window()))
SMALL = Setup(limit=100, deflate=(Window(), Window()))
AMID = build(BINARY, b"", fin=False, rsv=RSV1, mask=MASK)
WORDS = b"tick tock tick tock"


def packed(data: bytes) -> bytes:
    return build(BINARY, data, rsv=RSV1, mask=MASK)


def finals() -> bytes:
    """Two messages, each in a block with BFINAL."""
    return b"".join(packed(Packer(Window()).pack(WORDS, "final")) for _ in range(2))


def amid_a_block(case: Case) -> bool:
    return case.ends[0] == "fault" and case.ends[1] != "fault" and case.compressed and case.inflated.amid


def cut_block(peer: Peer) -> Difference:
    return Difference(
        "a message may end amid a block",
        peer,
        "RFC 7692 sections 7.2.1 and 7.2.2",
        "what the sender leaves out are the last four bytes of an empty block, so that its message ends at the end of "
        "a block; of one that does not, the end is lost, and all that is taken over is garbled",
        amid_a_block,
        (OPEN, [packed(Packer(Window()).pack(WORDS)[:-3])]),
    )


def behind_a_last_block(case: Case) -> bool:
    return case.compressed and case.inflated.final


def last_block(peer: Peer) -> Difference:
    return Difference(
        "what is behind a block with BFINAL is lost",
        peer,
        "RFC 7692 section 7.2.3.4",
        "a sender may set BFINAL, and goes on with a new block, in the next message at the latest; theirs come empty",
        behind_a_last_block,
        (OPEN, [finals()]),
    )


def parted_by_control(case: Case) -> bool:
    """Whether a control frame came amid a compressed message, this or an earlier one: what it took over is amiss."""
    for message in case.messages:
        if message and message[0].rsv & RSV1:
            begun, goes_on = message[0].start, message is case.message or message[-1].start
            amid = [f for f in case.frames if f.control and f.start > begun and (goes_on is True or f.start < goes_on)]
            if amid:
                return True
    return False


def parted(opcode: int) -> bytes:
    """A compressed message with a control frame in it."""
    data = Packer(Window()).pack(WORDS)
    begun = build(opcode, data[:5], fin=False, rsv=RSV1, mask=MASK)
    return begun + build(PING, mask=MASK) + build(CONT, data[5:], mask=MASK)


def bomb(size: int, behind: bytes = b"") -> bytes:
    """Many zeros, and what is no DEFLATE behind them."""
    return packed(Packer(Window()).pack(bytes(size)) + behind)


def inflates_above(case: Case) -> bool:
    return case.codes[0] == 1009 and case.compressed and len(case.inflated.data) > case.setup.limit


VERDICTS = [
    cut_block("websockets"),
    cut_block("wsproto"),
    last_block("websockets"),
    last_block("wsproto"),
    Difference(
        "the compressed length is charged to the limit",
        "websockets",
        "RFC 7692 section 7.2.2; RFC 6455 section 7.4.1",
        "1009 is for messages that are too big, and this one is not: what does not compress becomes longer",
        lambda case: case.ends[0] != "fault" and case.codes[1] == 1009 and case.compressed,
        (SMALL, [packed(Packer(Window(), 0).pack(bytes(100)))]),
    ),
    Difference(
        "what inflates has no limit",
        "wsproto",
        "RFC 6455 sections 7.4.1 (1009) and 10.4",
        '"implementations [...] MUST protect themselves against exceeding those limits"; a bomb is taken whole',
        lambda case: inflates_above(case) and case.ends[1] != "fault" and not parted_by_control(case),
        (SMALL, [bomb(101)]),
    ),
    Difference(
        "behind a control frame a compressed message is taken for plain",
        "wsproto",
        "RFC 7692 section 6.1; RFC 6455 section 5.4",
        "RSV1 of its first frame is for the whole message, and a control frame is none of it",
        parted_by_control,
        (OPEN, [parted(BINARY)]),
    ),
]

CODES = [
    Difference(
        "what is no DEFLATE is a protocol error",
        "websockets",
        "RFC 6455 section 7.4.1",
        '1007 is for "data within a message that was not consistent with the type of the message"; RFC 7692 names none',
        lambda case: case.codes == (1007, 1002) and case.compressed and case.inflated.corrupt,
        (OPEN, [packed(b"\xff\xff\xff")]),
    ),
    Difference(
        "what inflates has no limit, and then there is another fault",
        "wsproto",
        "RFC 6455 sections 7.4.1 (1009) and 10.4",
        "ours stops at the limit; what is wrong behind it is never made",
        lambda case: inflates_above(case) and not parted_by_control(case),
        (SMALL, [bomb(300, TAIL + b"\xff")]),
    ),
    Difference(
        "behind a control frame a compressed message is taken for plain, and there is a fault",
        "wsproto",
        "RFC 7692 section 6.1; RFC 6455 section 5.4",
        "as above; what it takes for plain is no UTF-8, or what is wrong with it does not show",
        parted_by_control,
        (Setup(limit=10, deflate=(Window(), Window())), [parted(TEXT)]),
    ),
    Difference(
        "the limit goes before all that is wrong",
        "websockets",
        "RFC 6455 sections 7.4.1 and 8.1",
        "ours tells what it comes upon first: what is no DEFLATE or no UTF-8 before the limit is 1007",
        lambda case: (
            case.codes == (1007, 1009)
            and case.compressed
            and (case.inflated.corrupt or case.inflated.amid or (case.is_text and is_no_utf8(case.payload)))
        ),
        (SMALL, [build(TEXT, Packer(Window()).pack(b"\xff" * 101), rsv=RSV1, mask=MASK)]),
    ),
    Difference(
        "what comes where nothing compressed may come is inflated first",
        "websockets",
        "RFC 6455 sections 5.2 and 5.4; RFC 7692 section 6",
        "a frame that is not valid in its place is a protocol error, whatever is in it",
        lambda case: case.codes == (1002, 1009) and case.compressed and not case.too_long,
        (SMALL, [AMID + bomb(101)]),
    ),
    Difference(
        "what comes where nothing compressed may come is inflated first",
        "wsproto",
        "RFC 6455 sections 5.2 and 5.4; RFC 7692 section 6",
        "a frame that is not valid in its place is a protocol error, whatever is in it",
        lambda case: case.codes == (1002, 1007) and case.compressed and not parted_by_control(case),
        (OPEN, [AMID + packed(b"\xff\xff\xff")]),
    ),
]
