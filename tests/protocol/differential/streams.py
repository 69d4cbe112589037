"""Streams of frames for hypothesis: valid ones, nearly valid ones, mutated and cut ones, and how they arrive."""

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.protocol.differential.rig import Setup
from tests.protocol.differential.wire import build, cut
from tests.protocol.helpers import BINARY, CLOSE, CONT, MASK, PING, PONG, TEXT, close_payload
from tickws.protocol.connection import Role

BYTEWISE = 150
"""Streams up to here also come byte by byte."""

masks = st.sampled_from([MASK, b"\0\0\0\0", b"\xff\0\xff\1"])
texts = st.text(st.sampled_from("aé€😀\ud7ff\ue000\U0010ffff"), max_size=12).map(str.encode)
bad_texts = st.sampled_from(
    [b"\x80", b"\xc0\xaf", b"a\xff", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80", b"\xf8"]
)
long_payloads = st.sampled_from([125, 126, 127, 128, 65535, 65536, 70000]).map(lambda size: b"a" * size)
binaries = st.binary(max_size=12)
codes = st.sampled_from(
    [0, 999, 1000, 1001, 1003, 1004, 1005, 1006, 1011, 1012, 1014, 1015, 1016, 2999, 3000, 4999, 5000]
)
close_payloads = st.one_of(
    st.just(b""),
    st.binary(max_size=1),
    st.builds(
        close_payload, st.sampled_from([1000, 1001, 3000, 4999]), st.one_of(texts, bad_texts, st.just(b"r" * 123))
    ),
    st.builds(close_payload, codes, st.one_of(texts, bad_texts)),
)


@st.composite
def controls(draw: st.DrawFn, mask: bytes) -> bytes:
    """Pings and pongs, mostly none."""
    payloads = draw(st.lists(st.binary(max_size=8) | st.just(b"p" * 125), max_size=2))
    return b"".join(build(draw(st.sampled_from([PING, PONG])), payload, mask=mask) for payload in payloads)


@st.composite
def messages(draw: st.DrawFn, mask: bytes, *, good: bool = False) -> bytes:
    """One message in fragments, cut anywhere, also in characters, with control frames between."""
    opcode = draw(st.sampled_from([TEXT, BINARY]))
    kinds = [texts if opcode == TEXT else binaries] * 6 + [long_payloads]
    payload = draw(st.one_of(*kinds, *([] if good else [bad_texts, texts.flatmap(lambda t: bad_texts.map(t.__add__))])))
    parts = cut(payload, draw(st.lists(st.integers(0, 70_000), max_size=3)))
    if not good and draw(st.integers(0, 15)) == 0:
        parts = parts[:-1]  # it never ends
    stream = b""
    for index, part in enumerate(parts):
        fin = index == len(parts) - 1
        stream += draw(controls(mask)) if index else b""
        stream += build(CONT if index else opcode, part, fin=fin, mask=mask)
    return stream


@st.composite
def odd_frames(draw: st.DrawFn, mask: bytes) -> bytes:
    """One frame with anything in it."""
    payload = draw(st.one_of(binaries, texts, st.sampled_from([b"o" * 126, b"o" * 300])))
    width = draw(st.sampled_from([None, None, 2, 8]))
    length = None
    if draw(st.integers(0, 5)) == 0:
        width, length = 8, draw(st.sampled_from([0, 5, 65535, 65536, 70_001, 2**31, 2**63 - 1, 2**63, 2**64 - 1]))
    return build(
        draw(st.integers(0, 15)),
        payload,
        fin=draw(st.booleans()),
        rsv=draw(st.sampled_from([0, 0, 0, 0, 1, 2, 4, 7])),
        mask=draw(st.sampled_from([mask, mask, mask, b"" if mask else MASK])),
        width=width,
        length=length,
    )


@st.composite
def streams(draw: st.DrawFn, role: Role) -> bytes:
    """Some messages and control frames, perhaps a Close, perhaps odd frames; perhaps mutated, perhaps cut short."""
    pieces = []
    for kind in draw(st.lists(st.sampled_from("mmmmmmppccox"), min_size=1, max_size=8)):
        mask = draw(masks) if role is Role.SERVER else b""
        if kind == "m":
            pieces.append(draw(messages(mask)))
        elif kind == "p":
            pieces.append(draw(controls(mask)))
        elif kind == "c":
            pieces.append(build(CLOSE, draw(close_payloads), mask=mask))
        elif kind == "o":
            pieces.append(draw(odd_frames(mask)))
        else:
            pieces.append(build(draw(st.sampled_from([CONT, TEXT, BINARY])), b"x", fin=draw(st.booleans()), mask=mask))
    return draw(spoiled(b"".join(pieces)))


@st.composite
def spoiled(draw: st.DrawFn, data: bytes) -> bytes:
    """The stream, in half of all cases as it is; else cut short, or with some bytes changed."""
    how = draw(st.sampled_from(["", "", "cut", "change"]))
    if how == "cut":
        return data[: draw(st.integers(0, len(data)))]
    if how == "change" and data:
        spoilt = bytearray(data)
        for place in draw(st.lists(st.integers(0, 10**6), min_size=1, max_size=3)):
            spoilt[place % min(len(data), 200)] ^= 1 << draw(st.integers(0, 7))
        return bytes(spoilt)
    return data


@st.composite
def arrivals(draw: st.DrawFn, data: bytes) -> Sequence[bytes]:
    """How a stream comes: whole, in pieces, or byte by byte."""
    if len(data) <= BYTEWISE and draw(st.integers(0, 3)) == 0:
        return [data[i : i + 1] for i in range(len(data))]
    return cut(data, draw(st.lists(st.integers(0, 2 * BYTEWISE) | st.integers(0, 10**6), max_size=5)))


setups = st.builds(Setup, st.sampled_from(Role), closing=st.sampled_from([False, False, False, True]))
"""Either role; some have said Close already."""
