"""Messages to DEFLATE and back (RFC 7692 section 7.2), on zlib, in steps of at most 16 KiB (and whole fragments).

In: `Inflater` gives what a part of a message stands for chunk by chunk, so that a limit is charged before more is made;
what was asked for is all that is ever held. Out: `Compressible` is a message on its way, compressed when it is
committed to a stream, and once for all connections that compress alike; `Deflater` is what one connection compresses
with. A message ends at the end of a block: whether one does is looked at, for zlib would wait in silence.
"""

from __future__ import annotations

import zlib
from collections.abc import Hashable
from typing import Any, Final

from tickws.errors import ProtocolFault
from tickws.protocol.extensions import Deflate, Terms
from tickws.protocol.opcodes import CloseCode

__all__ = ["CHUNK_BYTES", "Compressible", "Deflater", "Inflater"]

CHUNK_BYTES: Final = 16 * 1024
"""The most bytes that one step compresses, or makes of what is compressed."""

_TAIL: Final = b"\x00\x00\xff\xff"
"""The end of an empty block: what a sender leaves out, and a receiver puts back (sections 7.2.1 and 7.2.2)."""
_END: Final = b"\x01\x00\x00\xff\xff"
"""A last, empty block: a stream takes it where, and only where, another block may begin."""
_TAIL_END: Final = _TAIL + _END
_LEFT: Final = (b"", _END)
"""What is left of both behind a whole message: `_END` where the empty block of `_TAIL` has BFINAL itself."""


class Inflater:
    """What one peer compressed, message after message.

    Args:
        terms: what was agreed.
    """

    __slots__ = ("_bits", "_decompressor", "_ended", "_final", "_input", "_position", "_takeover", "more")

    def __init__(self, terms: Terms) -> None:
        self._bits = terms.peer_window_bits
        self._takeover = terms.peer_context_takeover
        self._decompressor: Any = None
        self._ended = False  # the last byte was that of a block with BFINAL
        self._input = b""
        self._position = 0
        self._final = False
        self.more = False
        """Whether the part that was fed may give more."""

    def feed(self, part: bytes, most: int, *, final: bool) -> bytes:
        """Take the next part of a message, when the one before has given all; `final`: it is the last.

        Returns:
            The part's first `chunk`.

        Raises:
            ProtocolFault: as `chunk`.
        """
        self._input = part
        self._position = 0
        self._final = final
        return self.chunk(most)

    def chunk(self, most: int) -> bytes:
        """The next bytes of the message, at most so many (1 or more); `more` tells whether to ask again.

        Raises:
            ProtocolFault: 1007, this is no DEFLATE, or the message ends amid a block.
        """
        try:
            if self._input:
                made = self._inflate(most)
            else:
                made = b""
                self.more = False
            if self._final and not self.more:
                self._end()
        except zlib.error:
            raise ProtocolFault(CloseCode.INVALID_PAYLOAD, "the message is not compressed as agreed") from None
        return made

    def _inflate(self, most: int) -> bytes:
        decompressor = self._decompressor
        if decompressor is None:
            decompressor = self._decompressor = zlib.decompressobj(-self._bits)
        data = self._input
        if self._position or len(data) > CHUNK_BYTES:
            data = data[self._position : self._position + CHUNK_BYTES]
        made: bytes = decompressor.decompress(data, most)
        self._ended = ended = decompressor.eof
        if ended:  # a block with BFINAL (section 7.2.3.4): what follows begins anew
            self._decompressor = None
        self._position += len(data) - len(decompressor.unused_data if ended else decompressor.unconsumed_tail)
        # zlib may hold more than it had room for
        self.more = self._position < len(self._input) or (len(made) == most and not ended)
        return made

    def _end(self) -> None:
        """The message has given all: it must be whole."""
        decompressor, self._input = self._decompressor, b""
        if self._ended:
            self._ended = False
            return
        if decompressor is not None and not self._takeover:
            self._decompressor = None
            if not decompressor.decompress(_TAIL_END, 1) and decompressor.eof and decompressor.unused_data in _LEFT:
                return
        elif decompressor is not None and not decompressor.decompress(_TAIL, 1):
            if decompressor.eof and not decompressor.unused_data:
                self._decompressor = None
                return
            probe = decompressor.copy()
            if not probe.decompress(_END, 1) and probe.eof and not probe.unused_data:
                return
        raise ProtocolFault(CloseCode.INVALID_PAYLOAD, "the compressed message ends too early")


class Deflater:
    """How one connection compresses what it sends.

    Args:
        ours: level, memory level and threshold.
        terms: what was agreed.
        alone: nobody else can send what is made for it: it masks.
    """

    __slots__ = ("_amid", "_fragments", "_kept", "_level", "_memory_level", "_terms", "key", "threshold_bytes")

    def __init__(self, ours: Deflate, terms: Terms, *, alone: bool) -> None:
        self._level = ours.level
        self._memory_level = ours.memory_level
        self._terms = terms
        self._kept: Any = None  # zlib's compressor, with context takeover
        self._amid = False  # it has begun a message
        self._fragments: Any = None  # the compressor amid a message in fragments
        self.threshold_bytes = ours.threshold_bytes
        self.key: Hashable = None
        """Equal for those who can share what is compressed; None where nobody can."""
        if not alone and not terms.context_takeover:
            self.key = (ours.level, ours.memory_level, terms.window_bits)

    @property
    def takeover(self) -> bool:
        """Whether a message refers to those before it, so that what was compressed has to be sent."""
        return self._terms.context_takeover

    def begin(self) -> Any:
        """A message begins; gives zlib's compressor for it.

        One that was begun and not ended is given up: nothing may refer to what was never sent.
        """
        if self._kept is not None and not self._amid:
            self._amid = True
            return self._kept
        # Of 256 bytes zlib has no window, but with 512 it looks back 512 - 262 at most (deflate.h, MAX_DIST).
        bits = max(9, self._terms.window_bits)
        compressor = zlib.compressobj(self._level, zlib.DEFLATED, -bits, self._memory_level)
        if self.takeover:
            self._kept, self._amid = compressor, True
        return compressor

    def goes_on(self, compressor: Any) -> bool:
        """Whether the message that `compressor` was given for was not given up meanwhile."""
        return not self.takeover or compressor is self._kept

    def end(self, compressor: Any) -> bytes:
        """A message ends; gives its last bytes."""
        self._amid = False
        made: bytes = compressor.flush(zlib.Z_SYNC_FLUSH)
        return made

    def forget(self) -> None:
        """Refer to nothing that was compressed: it may not have been sent."""
        self._kept = None
        self._amid = False

    def fragment(self, payload: bytes, *, fin: bool) -> bytes:
        """The next fragment of a message that is compressed as it goes."""
        if self._fragments is None:
            self._fragments = self.begin()
        compressor = self._fragments
        made: bytes = compressor.compress(payload)
        if not fin:
            return made + bytes(compressor.flush(zlib.Z_SYNC_FLUSH))
        self._fragments = None
        return _without_tail(made + self.end(compressor))


class Compressible:
    """A message that is compressed when it is committed to a stream; many connections may hold the same one.

    Args:
        opcode: text or binary.
        payload: the message's bytes.
    """

    __slots__ = ("_begun", "frames", "opcode", "payload")

    def __init__(self, opcode: int, payload: bytes) -> None:
        self.opcode = opcode
        self.payload = payload
        self._begun: dict[Hashable, tuple[Any, int, list[bytes]]] = {}  # compressor, position, what it made
        self.frames: dict[Hashable, bytes] = {}
        """What it became, by `Deflater.key`: one frame for all of them."""

    def __len__(self) -> int:
        return len(self.payload)

    def compress(self, deflater: Deflater) -> bytes | None:
        """One step of at most `CHUNK_BYTES`: the compressed payload, or None where more steps are needed.

        What becomes no shorter is given as it is, `payload` itself, where nothing is taken over.
        """
        owner = deflater if deflater.key is None else deflater.key
        payload, size = self.payload, len(self.payload)
        begun = self._begun.pop(owner, None)
        if begun is None or not deflater.goes_on(begun[0]):
            begun = (deflater.begin(), 0, [])
        compressor, position, made = begun
        end = min(size, position + CHUNK_BYTES)
        made.append(compressor.compress(payload if end - position == size else memoryview(payload)[position:end]))
        if end < size:
            self._begun[owner] = (compressor, end, made)
            return None
        made.append(deflater.end(compressor))
        done = _without_tail(b"".join(made))
        return payload if len(done) >= size and not deflater.takeover else done


def _without_tail(made: bytes) -> bytes:
    """What a message's last frame carries; where the flush had nothing to add, the head of an empty block."""
    return made[: -len(_TAIL)] if made.endswith(_TAIL) else b"\x00"
