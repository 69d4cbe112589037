"""Messages and control frames to bytes, for one direction of one connection: the twin of `messages`.

Promises: what is encoded is valid in its place (a fragment names its kind or continues, RSV1 stands where it may), is
masked if a client says it, each frame with a key of its own, and is compressed only when it is committed to the stream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tickws.errors import UsageError
from tickws.protocol.codec import encode_frame
from tickws.protocol.deflate import Compressible, Deflater
from tickws.protocol.messages import Buffer, payload_of
from tickws.protocol.opcodes import Opcode

__all__ = ["MessageEncoder"]

RSV1: Final = 0x40
"""Set beside a message's first opcode where it is compressed (RFC 7692 section 6)."""


class MessageEncoder:
    """Encodes what one end says.

    Args:
        mask_source: gives so many random bytes, for a client's masking keys; None: a server, which does not mask.
    """

    __slots__ = ("_mask_source", "deflater", "fragmenting")

    def __init__(self, mask_source: Callable[[int], bytes] | None) -> None:
        self._mask_source = mask_source
        self.deflater: Deflater | None = None
        """Compresses, where that was agreed."""
        self.fragmenting: Opcode | None = None
        """What kind of message our unfinished fragments make."""

    def encode(self, message: str | Buffer) -> bytes:
        """One unfragmented message as it goes on the wire (section 5.6), plain; changes nothing, from any thread.

        What a server's connection encodes may go to any number of its others.

        Raises:
            TypeError: `message` is neither text nor bytes-like.
            ValueError: it is text that UTF-8 cannot carry (lone surrogates).
        """
        return self.frame(*payload_of(message))

    def prepare(self, message: str | Buffer) -> bytes | Compressible:
        """As `encode`, or what is to be compressed when it is sent: that may go to all who compress. From any thread.

        Raises:
            TypeError, ValueError: as `encode`.
        """
        opcode, payload = payload_of(message)
        return Compressible(opcode, payload) if self.compresses(len(payload)) else self.frame(opcode, payload)

    def compresses(self, size: int) -> bool:
        """Whether a message of so many bytes is to be compressed; from any thread."""
        return self.deflater is not None and size >= self.deflater.threshold_bytes

    def compress(self, message: Compressible) -> bytes | None:
        """One step of compressing a message: its frame, to be sent now; None: there are more steps to do.

        What is given up between two steps costs nothing but the time: it begins anew.
        """
        assert self.deflater is not None
        key = self.deflater.key
        frame = None if key is None else message.frames.get(key)
        if frame is None and (payload := message.compress(self.deflater)) is not None:
            frame = self.frame(message.opcode if payload is message.payload else message.opcode | RSV1, payload)
            if key is not None:
                message.frames[key] = frame
        return frame

    def forget(self) -> None:
        """What was made last may not have been sent: what is compressed next must not refer to it."""
        if self.deflater is not None:
            self.deflater.forget()

    def plain(self, message: Compressible) -> bytes:
        """A message's frame, uncompressed, which is allowed at any time (RFC 7692 section 6)."""
        return self.frame(message.opcode, message.payload)

    def fragment(self, fragment: str | Buffer, *, fin: bool) -> bytes:
        """The next fragment of a message (section 5.4): the first one names its kind, the last one has `fin`.

        Raises:
            UsageError: fragments of text and bytes are mixed.
            TypeError: `fragment` is neither text nor bytes-like.
            ValueError: as `encode`.
        """
        kind, payload = payload_of(fragment)
        if self.fragmenting not in (None, kind):
            raise UsageError("a message's fragments are all text or all bytes")
        opcode: int = kind if self.fragmenting is None else Opcode.CONTINUATION
        self.fragmenting = None if fin else kind
        if self.deflater is not None:
            payload = self.deflater.fragment(payload, fin=fin)
            opcode |= RSV1 if opcode else 0
        return self.frame(opcode, payload, fin)

    def frame(self, opcode: int, payload: bytes, fin: bool = True) -> bytes:
        """One frame."""
        return encode_frame(opcode, payload, fin, self._mask_source(4) if self._mask_source is not None else b"")
