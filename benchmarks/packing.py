"""permessage-deflate at a light client's end (RFC 7692), on zlib alone: a fault of tickws cannot hide at both ends.

It offers as browsers do, and as they do it compresses every message that it says, however short.
"""

from __future__ import annotations

import zlib
from typing import Any

__all__ = ["OFFER", "Packing"]

OFFER = "permessage-deflate; client_max_window_bits"
TAIL = b"\x00\x00\xff\xff"
"""The end of the empty block that a sender leaves out (section 7.2.1)."""
MEMORY_LEVEL = 5


class Packing:
    """What was agreed, and the contexts of both directions.

    Args:
        answer: the header's value in the server's answer.

    Raises:
        ValueError: it is no answer to `OFFER`.
    """

    __slots__ = ("_bits", "_compressor", "_decompressor", "_fresh", "_keeps", "_server_keeps")

    def __init__(self, answer: str) -> None:
        name, *parameters = (part.strip() for part in answer.split(";"))
        if name != "permessage-deflate":
            raise ValueError(f"an extension that was not offered: {answer}")
        of = dict(parameter.partition("=")[::2] for parameter in parameters)
        self._keeps = "client_no_context_takeover" not in of
        self._server_keeps = "server_no_context_takeover" not in of
        self._bits = int(of.get("server_max_window_bits", 15))
        ours = max(9, int(of.get("client_max_window_bits", 15)))  # zlib has no 8; nobody here is asked for it
        self._fresh = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -ours, MEMORY_LEVEL)
        self._compressor: Any = self._fresh
        self._decompressor: Any = None

    def pack(self, payload: bytes) -> bytes:
        """The next message that the client says."""
        compressor = self._compressor if self._keeps else self._fresh.copy()
        made: bytes = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
        return made.removesuffix(TAIL)

    def unpack(self, payload: bytes) -> bytes:
        """The next message that the server said.

        Raises:
            ValueError: it was not compressed as agreed.
        """
        if self._decompressor is None or not self._server_keeps:
            self._decompressor = zlib.decompressobj(-self._bits)
        try:
            made: bytes = self._decompressor.decompress(payload + TAIL)
        except zlib.error as error:
            raise ValueError(f"not compressed as agreed: {error}") from error
        return made
