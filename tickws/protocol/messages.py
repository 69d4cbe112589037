"""Messages to frames, and parts of frames to messages: assembly, inflating, fail-fast UTF-8, frame delivery, Close.

Promises: a text is checked byte by byte as it comes (RFC 6455 section 8.1: a fault is found before the message ends);
an unfinished message costs its bytes and nothing per fragment, so a flood of tiny or empty ones pins no memory; what is
compressed is inflated chunk by chunk, and no further than the limit.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tickws.errors import ProtocolFault
from tickws.protocol.codec import FrameDecoder
from tickws.protocol.deflate import CHUNK_BYTES, Inflater
from tickws.protocol.events import Frame, Ping, Pong, Progress
from tickws.protocol.opcodes import CloseCode, Opcode, is_wire_close_code

__all__ = ["Buffer", "CloseFrame", "MessageDecoder", "check_ping", "payload_of"]

Buffer: TypeAlias = bytes | bytearray | memoryview
"""What a binary message may be given as."""

_UTF8 = codecs.getincrementaldecoder("utf-8")
_OPCODES = {int(opcode): opcode for opcode in Opcode}


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """A Close (section 5.5.1); 1005 stands for one without a code."""

    code: int
    reason: str


class MessageDecoder:
    """Bytes to messages and control frames, for one direction of one connection.

    Args:
        masked: whether the peer must mask.
        limit: the most bytes of a message (of a frame, where `by_frame`).
        by_frame: deliver data frame by frame, unassembled.
        inflater: for what is compressed, where that was agreed.
    """

    __slots__ = ("_buffer", "_by_frame", "_decoder", "_inflater", "_limit", "_opcode", "_text", "receive")

    def __init__(self, masked: bool, limit: int, by_frame: bool, inflater: Inflater | None = None) -> None:
        self._decoder = FrameDecoder(masked, limit, by_frame, inflater is not None)
        self._inflater = inflater
        self._limit = limit
        self._by_frame = by_frame
        self._buffer: bytearray | None = None  # of the unfinished message, or frame
        self._opcode = 0  # of the unfinished message
        self._text: codecs.IncrementalDecoder | None = None
        self.receive = self._decoder.receive

    @property
    def more(self) -> bool:
        """Whether received bytes are left that may hold something."""
        return self._decoder.more or (self._inflater is not None and self._inflater.more)

    def next(self) -> str | bytes | Frame | Progress | Ping | Pong | CloseFrame | None:
        """The next message or control frame; None where more bytes are needed first.

        Raises:
            ProtocolFault: the peer broke RFC 6455; the decoder is of no further use.
        """
        decoder = self._decoder
        inflater = self._inflater
        if inflater is not None and inflater.more:
            return self._inflate(inflater, None)
        while decoder.more and decoder.next_part():
            opcode = decoder.opcode
            payload = decoder.payload
            decoder.payload = b""  # a silent connection does not keep its last message
            if opcode >= 8:
                return _control(opcode, payload)
            if decoder.compressed:
                assert inflater is not None
                return self._inflate(inflater, payload)
            if self._by_frame:
                frame = self._next_frame(opcode, payload, decoder.fin, decoder.ends)
                if frame is not None:
                    return frame
            elif self._buffer is None and decoder.ends and decoder.fin:
                if opcode == 2:
                    return payload
                return _text(payload)
            else:
                self._add(opcode, payload)
                if decoder.ends:
                    return self._message() if decoder.fin else Progress.FRAGMENT
        return None

    def _inflate(self, inflater: Inflater, part: bytes | None) -> str | bytes | Progress:
        """One chunk of a compressed message (RFC 7692 section 7.2.2): the limit is charged before more is made.

        It is the first chunk of `part`, or, where that is None, the next one of the part before.
        """
        decoder = self._decoder
        room = self._limit if self._buffer is None else self._limit - len(self._buffer)
        most = CHUNK_BYTES if room >= CHUNK_BYTES else room + 1
        final = decoder.ends and decoder.fin
        chunk = inflater.chunk(most) if part is None else inflater.feed(part, most, final=final)
        if len(chunk) > room:
            self._add(decoder.opcode, chunk[:room])  # text that is wrong before the limit is wrong, wherever it is cut
            raise ProtocolFault(CloseCode.MESSAGE_TOO_BIG, f"message above {self._limit} bytes")
        if final and not inflater.more:
            if self._buffer is None:
                return chunk if decoder.opcode == 2 else _text(chunk)
            self._add(decoder.opcode, chunk)
            return self._message()
        self._add(decoder.opcode, chunk)
        return Progress.INFLATED if inflater.more else Progress.FRAGMENT

    def _add(self, opcode: int, part: bytes) -> None:
        """Add a part to the unfinished message."""
        if self._buffer is None:
            self._buffer = bytearray()
            self._opcode = opcode
            self._text = _UTF8() if opcode == Opcode.TEXT else None
        if self._text is not None:
            self._check(part, final=False)
        self._buffer += part

    def _message(self) -> str | bytes:
        """The message that is now complete."""
        buffer, self._buffer = self._buffer, None
        assert buffer is not None
        if self._opcode == Opcode.BINARY:
            return bytes(buffer)
        self._check(b"", final=True)
        self._text = None
        return buffer.decode()

    def _next_frame(self, opcode: int, part: bytes, fin: bool, ends: bool) -> Frame | None:
        """The frame that this part completes, if it does (section 5.4: control frames may come between, not within)."""
        if opcode != Opcode.CONTINUATION and self._buffer is None:
            self._text = _UTF8() if opcode == Opcode.TEXT else None
        if self._text is not None:
            self._check(part, final=fin and ends)
        if not ends:
            if self._buffer is None:
                self._buffer = bytearray()
            self._buffer += part
            return None
        if self._buffer is not None:
            self._buffer += part
            part = bytes(self._buffer)
            self._buffer = None
        return Frame(_OPCODES[opcode], part, fin)

    def _check(self, part: bytes, *, final: bool) -> None:
        assert self._text is not None
        try:
            self._text.decode(part, final)
        except UnicodeDecodeError:
            raise ProtocolFault(CloseCode.INVALID_PAYLOAD, "text is not UTF-8") from None
        waiting = self._text.getstate()[0]
        if waiting[:1] == b"\xed" and waiting[1:] >= b"\xa0":  # a surrogate: Python sees it one byte late
            raise ProtocolFault(CloseCode.INVALID_PAYLOAD, "text is not UTF-8")


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise ProtocolFault(CloseCode.INVALID_PAYLOAD, "text is not UTF-8") from None


def _control(opcode: int, payload: bytes) -> Ping | Pong | CloseFrame:
    if opcode == Opcode.PING:
        return Ping(payload)
    if opcode == Opcode.PONG:
        return Pong(payload)
    if not payload:
        return CloseFrame(CloseCode.NO_STATUS, "")
    if len(payload) == 1:
        raise ProtocolFault(CloseCode.PROTOCOL_ERROR, "close frame of one byte")
    code = int.from_bytes(payload[:2], "big")
    if not is_wire_close_code(code):
        raise ProtocolFault(CloseCode.PROTOCOL_ERROR, f"invalid close code {code}")
    return CloseFrame(code, _text(payload[2:]))


def payload_of(message: str | Buffer) -> tuple[Literal[Opcode.TEXT, Opcode.BINARY], bytes]:
    """The opcode and the bytes of a message.

    Raises:
        TypeError: it is neither text nor bytes-like.
        ValueError: it is text that UTF-8 cannot carry (lone surrogates).
    """
    if isinstance(message, bytes):
        return Opcode.BINARY, message
    if isinstance(message, str):
        return Opcode.TEXT, message.encode()
    try:
        return Opcode.BINARY, bytes(memoryview(message))
    except TypeError:
        raise TypeError(f"a message is str or bytes-like, not {type(message).__name__}") from None


def check_ping(payload: Buffer) -> bytes:
    """The payload of a Ping.

    Raises:
        TypeError: it is not bytes-like.
        ValueError: it is longer than 125 bytes.
    """
    data = bytes(memoryview(payload))  # first: the length of a memoryview need not be in bytes
    if len(data) > 125:
        raise ValueError(f"ping payload of {len(data)} bytes: at most 125 (section 5.5)")
    return data
