"""Frames on the wire (RFC 6455 section 5): header, mask, and which frame may follow which.

The hot file of the protocol: plain loops over `bytes`, no closures and no generators, so that Cython compiles it as it
stands. Promises: what `FrameDecoder` yields is valid in its place (reserved bits, opcodes, lengths, masking, the order
of fragments), faults are found at the first byte that shows them (a length's at its last), and nothing is held but an
unfinished header or control frame (at most 139 bytes) and what was not yet asked for. Cost: one slice and one XOR over
whole words.
"""

from __future__ import annotations

from tickws.errors import ProtocolFault

__all__ = ["FrameDecoder", "encode_frame", "encode_header", "unmask"]

PROTOCOL_ERROR = 1002
MESSAGE_TOO_BIG = 1009
CONTROL_BYTES = 125


def _fault_of(first: int, compression: bool) -> str:
    """What is wrong with the first byte of a frame, wherever it stands (section 5.2); empty for nothing.

    Where compression was agreed, a message's first frame may have RSV1 (RFC 7692 section 6).
    """
    opcode = first & 0x0F
    if first & (0x30 if compression and 0 < opcode < 8 else 0x70):
        return "reserved bits set"
    if 2 < opcode < 8 or opcode > 10:
        return "reserved opcode"
    if opcode >= 8 and first < 0x80:
        return "fragmented control frame"
    return ""


_FAULTS = tuple([_fault_of(first, False) for first in range(256)])
_FAULTS_COMPRESSED = tuple([_fault_of(first, True) for first in range(256)])


def unmask(payload: bytes, mask: bytes) -> bytes:
    """XOR `payload` with the four bytes of `mask`, repeated (section 5.3); its own inverse."""
    size = len(payload)
    repeated = (mask * ((size + 3) >> 2))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")).to_bytes(size, "little")


def encode_header(opcode: int, size: int, fin: bool, masked: bool) -> bytes:
    """The frame header up to its masking key, with the shortest form of the length (section 5.2)."""
    first = opcode | 0x80 if fin else opcode
    bit = 0x80 if masked else 0
    if size < 126:
        return bytes((first, bit | size))
    if size < 65536:
        return bytes((first, bit | 126, size >> 8, size & 0xFF))
    return bytes((first, bit | 127)) + size.to_bytes(8, "big")


def encode_frame(opcode: int, payload: bytes, fin: bool, mask: bytes) -> bytes:
    """One whole frame; an empty `mask` leaves it unmasked, as a server must (section 5.1)."""
    if mask:
        return encode_header(opcode, len(payload), fin, True) + mask + unmask(payload, mask)
    return encode_header(opcode, len(payload), fin, False) + payload


class FrameDecoder:
    """Bytes to parts of frames.

    A part is a whole frame where all of it has arrived. Of a longer data frame it is what has arrived so far, so that
    text can be checked, and bytes be charged, as they come; control frames are never parted. After `next_part()` said
    True, `opcode` and `fin` are those of its frame, `payload` is the part, unmasked, and `ends` tells whether it is the
    last of its frame. `more` tells whether received bytes are left, `compressed` whether the message's first frame has
    RSV1.

    Args:
        masked: whether the peer must mask its frames: a server's decoder says True (section 5.1).
        limit: the most bytes of a message, all of its fragments together; of a frame, where `by_frame`. What is
            compressed is not charged: it counts when it is inflated.
        compression: whether messages may be compressed.
    """

    __slots__ = (
        "_by_frame",
        "_data",
        "_faults",
        "_in_message",
        "_limit",
        "_mask",
        "_masked",
        "_pos",
        "_remaining",
        "_total",
        "compressed",
        "ends",
        "fin",
        "more",
        "opcode",
        "payload",
    )

    def __init__(self, masked: bool, limit: int, by_frame: bool, compression: bool = False) -> None:
        self._masked = masked
        self._limit = limit
        self._by_frame = by_frame
        self._faults = _FAULTS_COMPRESSED if compression else _FAULTS
        self._data = b""
        self._pos = 0
        self._mask = b""
        self._remaining = 0  # bytes of the data frame at hand that have not arrived yet
        self._in_message = False  # a fragmented message is unfinished
        self._total = 0  # bytes of that message announced so far
        self.compressed = False
        self.opcode = 0
        self.fin = False
        self.ends = False
        self.payload = b""
        self.more = False

    def receive(self, data: bytes) -> None:
        """Take what the network brought."""
        if self._pos == len(self._data):
            self._data = data
        else:
            self._data = self._data[self._pos :] + data
        self._pos = 0
        self.more = True

    def next_part(self) -> bool:
        """Move to the next part; False where more bytes are needed first.

        Raises:
            ProtocolFault: the peer broke section 5; the decoder is of no further use.
        """
        data = self._data
        pos = self._pos
        available = len(data) - pos
        if self._remaining:
            return self._next_of_frame(data, pos, available)
        if not available:
            return self._wait(pos)
        first = data[pos]
        opcode = first & 0x0F
        if self._faults[first]:
            raise ProtocolFault(PROTOCOL_ERROR, self._faults[first])
        if opcode < 8 and (opcode == 0) != self._in_message:
            raise ProtocolFault(PROTOCOL_ERROR, "continuation of nothing" if opcode == 0 else "message not finished")
        if available < 2:
            return self._wait(pos)
        second = data[pos + 1]
        length = second & 0x7F
        if (second >= 0x80) != self._masked:
            raise ProtocolFault(PROTOCOL_ERROR, "frame not masked" if self._masked else "frame masked by a server")
        if opcode >= 8 and length > CONTROL_BYTES:
            raise ProtocolFault(PROTOCOL_ERROR, "control frame too long")

        header = 2
        if length >= 126:
            header = 4 if length == 126 else 10
            if available < header:
                return self._wait(pos)
            if length == 127 and data[pos + 2] >= 0x80:
                raise ProtocolFault(PROTOCOL_ERROR, "length above 63 bits")
            extended = int.from_bytes(data[pos + 2 : pos + header], "big")
            if extended < 126 or (length == 127 and extended < 65536):
                raise ProtocolFault(PROTOCOL_ERROR, "length not in its shortest form")
            length = extended
        before = self._total if opcode == 0 and not self._by_frame else 0
        compressed = first & 0x40 != 0 or (opcode == 0 and self.compressed)
        if opcode < 8 and length > self._limit - before and not compressed:
            raise ProtocolFault(MESSAGE_TOO_BIG, f"message above {self._limit} bytes")
        if self._masked:
            header += 4
        if available < header or (opcode >= 8 and available - header < length):
            return self._wait(pos)

        # From here on the header is consumed.
        start = pos + header
        if self._masked:
            self._mask = data[start - 4 : start]
        self.opcode = opcode
        self.fin = first >= 0x80
        if opcode < 8:
            self._total = before + length
            self.compressed = compressed
            self._in_message = first < 0x80
        if available - header >= length:
            end = start + length
            payload = data[start:end]
            self.payload = unmask(payload, self._mask) if self._masked and length else payload
            self.ends = True
            self._consume(end)
            return True
        self._remaining = length
        return self._next_of_frame(data, start, available - header)

    def _next_of_frame(self, data: bytes, pos: int, available: int) -> bool:
        """The next part of a data frame that has not arrived whole."""
        if not available:
            return self._wait(pos)
        size = available if available < self._remaining else self._remaining
        part = data[pos : pos + size]
        self._consume(pos + size)
        self._remaining -= size
        self.ends = self._remaining == 0
        if self._masked:
            self.payload = unmask(part, self._mask)
            turn = size & 3
            self._mask = self._mask[turn:] + self._mask[:turn]
        else:
            self.payload = part
        return True

    def _consume(self, end: int) -> None:
        """Go on at `end`; what is used up is not kept."""
        if end < len(self._data):
            self._pos = end
        else:
            self._data = b""
            self._pos = 0
            self.more = False

    def _wait(self, pos: int) -> bool:
        """Keep only what was not consumed: a part of a header must not pin the whole read that it came with."""
        self._data = self._data[pos:]
        self._pos = 0
        self.more = False
        return False
