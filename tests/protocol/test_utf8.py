"""Text is checked as it comes: what is wrong is found at its first wrong byte (section 8.1; Autobahn's group 6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.feeding import decoder, faults, in_every_cut, items, message
from tests.protocol.helpers import CONT, PING, TEXT, frame
from tickws.errors import ProtocolFault
from tickws.protocol.events import Frame

UTF8 = [
    [(0x00, 0x7F)],
    [(0xC2, 0xDF), (0x80, 0xBF)],
    [(0xE0, 0xE0), (0xA0, 0xBF), (0x80, 0xBF)],
    [(0xE1, 0xEC), (0x80, 0xBF), (0x80, 0xBF)],
    [(0xED, 0xED), (0x80, 0x9F), (0x80, 0xBF)],
    [(0xEE, 0xEF), (0x80, 0xBF), (0x80, 0xBF)],
    [(0xF0, 0xF0), (0x90, 0xBF), (0x80, 0xBF), (0x80, 0xBF)],
    [(0xF1, 0xF3), (0x80, 0xBF), (0x80, 0xBF), (0x80, 0xBF)],
    [(0xF4, 0xF4), (0x80, 0x8F), (0x80, 0xBF), (0x80, 0xBF)],
]
"""The grammar of RFC 3629 section 4: ranges of the bytes of one character."""


def first_wrong_byte(data: bytes) -> int | None:
    """The index of the first byte that shows that `data` begins no UTF-8 text."""
    begun = b""
    for index, byte in enumerate(data):
        begun += bytes([byte])
        fits = [p for p in UTF8 if all(low <= b <= high for b, (low, high) in zip(begun, p, strict=False))]
        if not fits:
            return index
        if len(begun) == len(fits[0]):
            begun = b""
    return None


WRONG = [
    ("continuation alone", b"\x80", 1),
    ("last continuation alone", b"\xbf", 1),
    ("overlong solidus of 2", b"\xc0\xaf", 1),
    ("overlong U+0000 of 2", b"\xc0\x80", 1),
    ("overlong U+007F", b"\xc1\xbf", 1),
    ("overlong solidus of 3", b"\xe0\x80\xaf", 2),
    ("overlong U+07FF", b"\xe0\x9f\xbf", 2),
    ("overlong solidus of 4", b"\xf0\x80\x80\xaf", 2),
    ("overlong U+FFFF", b"\xf0\x8f\xbf\xbf", 2),
    ("overlong of 5", b"\xf8\x80\x80\x80\xaf", 1),
    ("overlong of 6", b"\xfc\x80\x80\x80\x80\xaf", 1),
    ("surrogate D800", b"\xed\xa0\x80", 2),
    ("surrogate DB7F", b"\xed\xad\xbf", 2),
    ("surrogate DC00", b"\xed\xb0\x80", 2),
    ("surrogate DFFF", b"\xed\xbf\xbf", 2),
    ("surrogate pair", b"\xed\xa0\x80\xed\xb0\x80", 2),
    ("U+110000", b"\xf4\x90\x80\x80", 2),
    ("U+13FFFF", b"\xf4\xbf\xbf\xbf", 2),
    ("U+1FFFFF", b"\xf7\xbf\xbf\xbf", 1),
    ("U+200000", b"\xf8\x88\x80\x80\x80", 1),
    ("U+7FFFFFFF", b"\xfd\xbf\xbf\xbf\xbf\xbf", 1),
    ("FE", b"\xfe", 1),
    ("FF", b"\xff", 1),
    ("2 cut by ASCII", b"\xc3a", 2),
    ("3 cut by ASCII", b"\xe2\x82a", 3),
    ("4 cut by ASCII", b"\xf0\x9f\x98a", 4),
    ("3 cut by a start", b"\xe2\xc3\xa9", 2),
    ("4 cut by a start", b"\xf0\x9f\xf0\x9f\x98\x80", 3),
]
CUT_SHORT = [
    b"\xc3",
    b"\xe2",
    b"\xe2\x82",
    b"\xed",
    b"\xed\x9f",
    b"\xf0",
    b"\xf0\x9f",
    b"\xf0\x9f\x98",
    b"\xf4\x8f\xbf",
]
EDGES = "\0\x7f\x80\u07ff\u0800\ud7ff\ue000\ufffd\ufffe\uffff\U00010000\U0001fffe\U0010fffe\U0010ffff"


@pytest.mark.parametrize(("sequence", "needed"), [pytest.param(*row[1:], id=row[0]) for row in WRONG])
@pytest.mark.parametrize("by_frame", [False, True])
@pytest.mark.parametrize("fin", [False, True])
def test_wrong_utf8_is_found_at_its_first_wrong_byte(sequence: bytes, needed: int, by_frame: bool, fin: bool) -> None:
    start = "κόσμε".encode()
    text = start + sequence + b"edited"
    shown = len(start) + needed
    assert first_wrong_byte(text) == shown - 1, "the table and the grammar disagree"
    assert faults(decoder(by_frame=by_frame), frame(TEXT, text, fin=fin)) == 1007

    unfinished = frame(TEXT, text, fin=fin)[: 2 + shown]
    target = decoder(by_frame=by_frame)
    assert items(target, unfinished[:-1]) == []
    assert faults(target, unfinished[-1:]) == 1007

    assert faults(decoder(by_frame=by_frame), unfinished) == 1007

    byte_by_byte = decoder(by_frame=by_frame)
    for byte in unfinished[:-1]:
        assert items(byte_by_byte, bytes([byte])) == []
    assert faults(byte_by_byte, unfinished[-1:]) == 1007

    target = decoder(by_frame=by_frame)
    fragments = [frame(CONT if i else TEXT, text[i : i + 1], fin=False) for i in range(shown)]
    assert len(items(target, b"".join(fragments[:-1]))) == (shown - 1 if by_frame else 0)
    assert faults(target, fragments[-1]) == 1007


@pytest.mark.parametrize("sequence", CUT_SHORT)
@pytest.mark.parametrize("by_frame", [False, True])
def test_utf8_cut_short_is_found_at_the_end_of_the_message(sequence: bytes, by_frame: bool) -> None:
    assert faults(decoder(by_frame=by_frame), frame(TEXT, sequence)) == 1007
    *most, last = frame(TEXT, sequence)
    target = decoder(by_frame=by_frame)
    assert items(target, bytes(most)) == []
    assert faults(target, bytes([last])) == 1007
    target = decoder(by_frame=by_frame)
    items(target, frame(TEXT, sequence, fin=False) + frame(PING))
    assert faults(target, frame(CONT)) == 1007


def test_all_two_byte_starts_are_judged_at_their_second_byte() -> None:
    for start in range(0xC2, 0xF5):
        for second in range(256):
            data = bytes((start, second))
            target = decoder()
            assert items(target, frame(TEXT, data[:1], fin=False)) == []
            target.receive(frame(CONT, data[1:], fin=False))
            try:
                target.next()
            except ProtocolFault:
                assert first_wrong_byte(data) == 1, data
            else:
                assert first_wrong_byte(data) is None, data


@given(st.lists(st.sampled_from([*"aé€😀\ud7ff\ue000".encode(), 0xED, 0xA0, 0xC0, 0xF4, 0x90, 0xF5]), max_size=8))
def test_a_text_fails_where_the_grammar_says(data: list[int]) -> None:
    target = decoder()
    wrong = first_wrong_byte(bytes(data))
    target.receive(frame(TEXT, b"", fin=False))
    for index, byte in enumerate(data):
        chunk = frame(CONT, bytes([byte]), fin=False)
        if index == wrong:
            assert faults(target, chunk) == 1007
            return
        assert items(target, chunk) == []


@pytest.mark.parametrize("by_frame", [False, True])
@pytest.mark.parametrize("character", EDGES)
def test_valid_edge_code_points(character: str, by_frame: bool) -> None:
    data = character.encode()
    single = [bytes([byte]) for byte in data]
    got = in_every_cut(frame(TEXT, data) + message([b"", *single, b""]), by_frame=by_frame)
    if by_frame:
        assert b"".join(item.payload for item in got if isinstance(item, Frame)) == data * 2
    else:
        assert got == [character, character]
