"""Compressed streams for hypothesis, made with zlib alone; and what zlib makes of a stream, told apart from all three.

A sender may end blocks where it likes, set BFINAL, store, or leave the tail on: RFC 7692 sections 7.2.1 and 7.2.3.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.protocol.differential.rig import Setup, Window
from tests.protocol.differential.streams import bad_texts, controls, masks, odd_frames, spoiled, texts
from tests.protocol.differential.wire import Raw, build, cut
from tests.protocol.helpers import BINARY, CONT, TEXT
from tickws.protocol.connection import Role

TAIL = b"\x00\x00\xff\xff"
RSV1 = 4
WAYS = ["sync", "sync", "sync", "full", "blocks", "bare", "final"]


class Packer:
    """A sender's compressor; of a window of 256 bytes, zlib's of 512, which looks back no further than 250."""

    def __init__(self, window: Window, level: int = 6) -> None:
        self._window = window
        self._level = level
        self._kept: Any = None

    def pack(self, payload: bytes, way: str = "sync") -> bytes:
        """A message's payload, compressed in one of the `WAYS`."""
        packer = self._kept or zlib.compressobj(self._level, zlib.DEFLATED, -max(9, self._window.bits))
        self._kept = packer if self._window.takeover and way != "final" else None
        half = len(payload) // 2
        made = b""
        if way == "blocks":
            made = packer.compress(payload[:half]) + packer.flush(zlib.Z_SYNC_FLUSH)
            payload = payload[half:]
        made += packer.compress(payload)
        if way == "final":
            return bytes(made + packer.flush(zlib.Z_FINISH) + b"\0")
        made += packer.flush(zlib.Z_FULL_FLUSH if way == "full" else zlib.Z_SYNC_FLUSH)
        if way == "bare" or not made.endswith(TAIL):  # zlib flushes nothing where nothing came since the last flush
            return bytes(made) + b"\0"
        return bytes(made[: -len(TAIL)])


windows = st.builds(Window, st.integers(8, 15), st.booleans())
setups = st.builds(
    Setup, st.sampled_from(Role), st.just(200_000), st.tuples(windows, windows), st.sampled_from([False, False, True])
)
payloads = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"", b"a" * 50, b"tick" * 90, bytes(3000), bytes(range(256)) * 12]),
)


@st.composite
def said(draw: st.DrawFn) -> tuple[int, bytes]:
    """A message: its opcode and its bytes."""
    if draw(st.booleans()):
        return BINARY, draw(payloads)
    text = draw(texts)
    return TEXT, text * draw(st.sampled_from([1, 1, 40])) + (draw(bad_texts) if draw(st.integers(0, 7)) == 0 else b"")


@st.composite
def compressed_streams(draw: st.DrawFn, setup: Setup, *, odd: bool = True) -> bytes:
    """Messages, most of them compressed, in fragments, with control frames between; perhaps odd frames."""
    packer = Packer(setup.incoming, draw(st.sampled_from([0, 1, 6, 9])))
    ways = WAYS if odd else WAYS[:-1]
    # under a smaller window, zlib tells a reach that is too far by where its own buffer ends: no faults there
    odd = odd and setup.incoming.bits == 15
    pieces = []
    for kind in draw(st.lists(st.sampled_from("zzzzzmpx" if odd else "zzzm"), min_size=1, max_size=7)):
        mask = draw(masks) if setup.masked else b""
        if kind == "x":
            pieces.append(draw(odd_frames(mask)))
        elif kind == "p":
            pieces.append(draw(controls(mask)))
        else:
            opcode, payload = draw(said())
            rsv = RSV1 if kind == "z" else 0
            if rsv:
                payload = packer.pack(payload, draw(st.sampled_from(ways)))
            if odd and draw(st.integers(0, 11)) == 0:
                payload = payload[: draw(st.integers(0, len(payload)))]
            parts = cut(payload, draw(st.lists(st.integers(0, 10_000), max_size=3)))
            for index, part in enumerate(parts):
                if index and draw(st.booleans()):
                    pieces.append(draw(controls(mask)))
                again = rsv if index == 0 or (odd and draw(st.integers(0, 30)) == 0) else 0
                pieces.append(build(CONT if index else opcode, part, fin=index == len(parts) - 1, rsv=again, mask=mask))
    stream = b"".join(pieces)
    return draw(spoiled(stream)) if odd else stream


@dataclass(frozen=True)
class Inflated:
    """What zlib makes of a message, or of as much of it as came."""

    data: bytes
    corrupt: bool
    amid: bool
    """It ends, and not at a block's end; or in a block that takes the tail for its own."""
    final: bool
    """It, or one before it in the same stream, has a block with BFINAL."""


def inflate(messages: Iterable[list[Raw]], takeover: bool) -> Inflated:
    """The last of the messages (each: its frames), with those before it as its context."""
    zlib_object: Any = None
    result = Inflated(b"", False, False, False)
    final = False
    for frames in messages:
        if not frames[0].rsv & RSV1:
            continue
        data = b"".join(frame.payload for frame in frames)
        whole = frames[-1].fin and frames[-1].whole
        if zlib_object is None or not takeover:
            zlib_object = zlib.decompressobj(-15)
        made, tail_made, corrupt, ended, early = b"", b"", False, False, False
        try:
            for at in range(len(data)):  # what lies before a fault counts
                made += zlib_object.decompress(data[at : at + 1])
                ended = zlib_object.eof  # by a block with BFINAL; another stream begins
                if ended:
                    final, zlib_object = True, zlib.decompressobj(-15)
            for at in range(4 if whole and not ended else 0):
                early = early or zlib_object.eof  # a last block that ends within the tail
                tail_made += zlib_object.decompress(TAIL[at : at + 1])
        except zlib.error:
            corrupt = True
        amid = whole and not corrupt and (early or bool(tail_made) or not at_block_end(zlib_object))
        if zlib_object.eof:
            final, zlib_object = True, None
        result = Inflated(made + tail_made, corrupt, amid, final)
    return result


def at_block_end(zlib_object: Any) -> bool:
    """Whether another block may begin: one that is the last is taken for that."""
    probe = zlib_object.copy()
    try:
        probe.decompress(b"\x01\x00\x00\xff\xff")
    except zlib.error:
        return False
    return bool(probe.eof)
