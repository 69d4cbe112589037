"""Frames as they lie on the wire: built with any fault wished for, and read by nobody's parser but this one.

`walk` gives the frames of a stream whatever is wrong with them, so that a difference can be recognised by what lies in
the bytes, and not by what a library says of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.protocol.helpers import naive_xor


@dataclass(frozen=True)
class Raw:
    """A frame as it lies there; `length` is what it announces, `payload` what of it has come, unmasked."""

    start: int
    end: int
    """Where it ends, or the stream does."""
    fin: bool
    rsv: int
    opcode: int
    masked: bool
    length: int
    minimal: bool
    missing: int
    """How many bytes have not come; of a header that is cut, as far as it can be told."""
    payload: bytes

    @property
    def control(self) -> bool:
        return self.opcode >= 8

    @property
    def whole(self) -> bool:
        return self.missing == 0


def walk(data: bytes) -> list[Raw]:
    """The frames of a stream; the last may be cut."""
    frames: list[Raw] = []
    at = 0
    while at < len(data):
        head = data[at : at + 2] + bytes(max(0, at + 2 - len(data)))
        short, has_mask = head[1] & 0x7F, head[1] >= 0x80
        wide = {126: 2, 127: 8}.get(short, 0)
        extended = data[at + 2 : at + 2 + wide]
        length = int.from_bytes(extended.ljust(wide, b"\0"), "big") if wide else short
        minimal = len(extended) < wide or not wide or length > (125 if wide == 2 else 0xFFFF)
        body = at + 2 + wide + 4 * has_mask
        mask = data[body - 4 : body] if has_mask and body <= len(data) else b""
        payload = data[body : body + length]
        end = body + length
        frames.append(
            Raw(
                at,
                min(end, len(data)),
                head[0] >= 0x80,
                head[0] >> 4 & 7,
                head[0] & 15,
                has_mask,
                length,
                minimal,
                max(0, end - len(data)),
                under(payload, mask),
            )
        )
        at = end
    return frames


def at_frame_ends(chunks: Sequence[bytes]) -> list[bytes]:
    """The chunks, cut at every frame's end as well."""
    ends = [frame.end for frame in walk(b"".join(chunks))]
    pieces: list[bytes] = []
    begin = 0
    for chunk in chunks:
        marks = [0, *(end - begin for end in ends if 0 < end - begin < len(chunk)), len(chunk)]
        pieces += [chunk[start:stop] for start, stop in pairwise(marks)]
        begin += len(chunk)
    return pieces


def under(payload: bytes, mask: bytes) -> bytes:
    """The payload under a mask (section 5.3); of a long one not octet by octet."""
    if not any(mask):
        return payload
    if len(payload) < 300:
        return naive_xor(payload, mask)
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def build(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes = b"",
    width: int | None = None,
    length: int | None = None,
) -> bytes:
    """A frame; `width`: the bytes of its length field (0, 2 or 8), the shortest where None; `length`: what it says."""
    size = len(payload) if length is None else length
    if width is None:
        width = 0 if size < 126 else 2 if size < 65536 else 8
    short = size if width == 0 else 126 if width == 2 else 127
    head = bytes((fin << 7 | rsv << 4 | opcode, (0x80 if mask else 0) | short))
    return head + (size.to_bytes(width, "big") if width else b"") + mask + under(payload, mask)


def cut(data: bytes, points: Sequence[int]) -> list[bytes]:
    """`data` in pieces, cut at the points."""
    marks = [0, *sorted(point % (len(data) + 1) for point in points), len(data)]
    return [data[start:stop] for start, stop in pairwise(marks)]


def head_of(chunks: Sequence[bytes], size: int) -> Iterator[bytes]:
    """The chunks as far as the first `size` bytes go."""
    for chunk in chunks:
        if size <= 0:
            return
        yield chunk[:size]
        size -= len(chunk)
