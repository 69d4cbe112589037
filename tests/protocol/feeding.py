"""Feeding the decoders themselves: `FrameDecoder` and `MessageDecoder`."""

from collections.abc import Iterable

import pytest

from tests.protocol.helpers import CONT, MASK, TEXT, cuts, frame
from tickws.errors import ProtocolFault
from tickws.protocol.codec import FrameDecoder
from tickws.protocol.events import Frame, Ping, Pong, Progress
from tickws.protocol.messages import CloseFrame, MessageDecoder

Item = str | bytes | Frame | Ping | Pong | CloseFrame


def decoder(*, masked: bool = False, limit: int = 1000, by_frame: bool = False) -> MessageDecoder:
    return MessageDecoder(masked, limit, by_frame)


def items(target: MessageDecoder, data: bytes) -> list[Item]:
    """All that `data` gives."""
    target.receive(data)
    found: list[Item] = []
    while (item := target.next()) is not None:
        if not isinstance(item, Progress):
            found.append(item)
    return found


def in_every_cut(data: bytes, *, by_frame: bool = False, masked: bool = False) -> list[Item]:
    """What `data` gives, the same in every cut."""
    outcomes = []
    for chunks in cuts(data):
        target = decoder(masked=masked, by_frame=by_frame)
        outcomes.append([item for chunk in chunks for item in items(target, chunk)])
        assert outcomes[-1] == outcomes[0], chunks
    return outcomes[0]


def message(parts: Iterable[bytes], opcode: int = TEXT, mask: bytes = b"", between: bytes = b"") -> bytes:
    """A message in fragments, with the bytes `between` them."""
    *most, last = parts
    opcodes = [opcode] + [CONT] * len(most)
    frames = [frame(opcodes[i], part, fin=False, mask=mask) for i, part in enumerate(most)]
    return between.join([*frames, frame(opcodes[-1], last, mask=mask)])


def faults(target: MessageDecoder, data: bytes) -> int:
    with pytest.raises(ProtocolFault) as fault:
        items(target, data)
    return fault.value.close_code


SIDES = [pytest.param(MASK, id="masked"), pytest.param(b"", id="unmasked")]
"""The mask of the peer's frames: a server's peers mask, a client's do not (section 5.1)."""

Whole = tuple[int, bytes, bool]


def parts(decoder: FrameDecoder, data: bytes) -> list[tuple[int, bytes, bool, bool]]:
    """All parts that `data` gives."""
    decoder.receive(data)
    found = []
    while decoder.next_part():
        found.append((decoder.opcode, decoder.payload, decoder.fin, decoder.ends))
    return found


def wholes(decoder: FrameDecoder, chunks: list[bytes]) -> list[Whole]:
    """The frames that the chunks give, put together from their parts."""
    found: list[Whole] = []
    held = b""
    for chunk in chunks:
        for opcode, payload, fin, ends in parts(decoder, chunk):
            held += payload
            if ends:
                found.append((opcode, held, fin))
                held = b""
    assert not held, "a frame has not ended"
    return found


def fault_in(decoder: FrameDecoder, data: bytes) -> tuple[int, str] | None:
    """The close code and the reason of the fault that `data` shows, if it shows one."""
    try:
        parts(decoder, data)
    except ProtocolFault as fault:
        return fault.close_code, fault.reason
    return None


def fault_of(data: bytes, mask: bytes, *, limit: int = 1000) -> tuple[int, int, str]:
    """How many bytes it takes to find the fault in `data`, its close code and reason; the whole must show the same."""
    whole = fault_in(FrameDecoder(bool(mask), limit, False), data)
    decoder = FrameDecoder(bool(mask), limit, False)
    for taken, byte in enumerate(data, start=1):
        if (fault := fault_in(decoder, bytes([byte]))) is not None:
            assert fault == whole
            return taken, *fault
    pytest.fail("no fault")
