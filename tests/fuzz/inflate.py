"""An inflater in plain Python (RFC 1951), to say what is right: nothing of zlib, nothing of tickws.

It sees what zlib hides: where a block ends. So it can tell a message that ends as RFC 7692 has it, with the head of an
empty block (section 7.2.1) or with a block that has BFINAL (section 7.2.3.4), from one that ends amid a block.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Corrupt", "Early", "Unknown", "inflate"]

TAIL = b"\x00\x00\xff\xff"
END_OF_BLOCK = 256
LENGTH_BITS = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0)
DISTANCE_BITS = (0, 0, 0, 0, *(bits for bits in range(1, 14) for _ in range(2)))
LENGTHS = (*(3 + sum(1 << bits for bits in LENGTH_BITS[:code]) for code in range(28)), 258)
DISTANCES = tuple(1 + sum(1 << bits for bits in DISTANCE_BITS[:code]) for code in range(30))
ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
MOST_BITS = 15


class Corrupt(Exception):
    """This is no DEFLATE."""


class Early(Exception):
    """It ends amid a block."""


class Unknown(Exception):
    """It is longer than was to be read, or refers farther back than was agreed, which zlib sees or does not."""


def inflate(message: bytes, window: bytes, bits: int, most: int) -> tuple[bytes, bytes]:
    """A message of RFC 7692 section 7.2.2, and all that the next one may refer to.

    Args:
        window: what earlier messages left.
        bits: how far back a distance may go: 2 ** bits.
        most: the longest that is read.

    Raises:
        Corrupt, Early, Unknown: it is none.
    """
    reader = Reader(message + TAIL, window, 1 << bits, most)
    while reader.left:
        if reader.block():  # the last of its stream (section 7.2.3.4): what follows is a new one
            reader.position += reader.left % 8
            reader.begin = len(reader.out)
            if reader.left == 8 * len(TAIL):
                break
    if not reader.left and not reader.tail_is_a_block:
        raise Early
    return bytes(reader.out[len(window) :]), bytes(reader.out[reader.begin :])


class Code:
    """A prefix code by the lengths of its symbols' codes (section 3.2.2).

    Raises:
        Corrupt: there are no such codes.
    """

    def __init__(self, lengths: Sequence[int], *, one_is_enough: bool = True) -> None:
        self.symbols: dict[tuple[int, int], int] = {}
        code = 0
        for length in range(1, MOST_BITS + 1):
            for symbol, its in enumerate(lengths):
                if its == length:
                    self.symbols[length, code] = symbol
                    code += 1
            if code > 1 << length:
                raise Corrupt
            code <<= 1
        # zlib takes a code that leaves some out only where it has a single symbol, of one bit, or none at all.
        if code < 1 << (MOST_BITS + 1) and self.symbols and not (one_is_enough and max(lengths) == 1):
            raise Corrupt


FIXED = Code([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8), Code([5] * 32)


class Reader:
    """The bits of one message, and what they make.

    Args:
        data: the message and its tail.
        window, reach, most: see `inflate`.
    """

    def __init__(self, data: bytes, window: bytes, reach: int, most: int) -> None:
        self.bits, self.position, self.end = int.from_bytes(data, "little"), 0, 8 * len(data)
        self.out = bytearray(window)
        self.tail_is_a_block = False
        self.begin = 0
        """Where in `out` the stream begins: nothing refers to what is before."""
        self.reach, self.most = reach, len(window) + most

    @property
    def left(self) -> int:
        """How many bits have not been read."""
        return self.end - self.position

    def take(self, count: int) -> int:
        """The next bits, the lowest first."""
        if count > self.left:
            raise Early
        value = self.bits >> self.position & ((1 << count) - 1)
        self.position += count
        return value

    def symbol(self, code: Code) -> int:
        """The next symbol."""
        value = 0
        for length in range(1, MOST_BITS + 1):
            value = value << 1 | self.take(1)
            found = code.symbols.get((length, value))
            if found is not None:
                return found
        raise Corrupt

    def grow(self, part: bytes) -> None:
        """Add to what was made."""
        self.out += part
        if len(self.out) > self.most:
            raise Unknown

    def block(self) -> bool:
        """Read a block (section 3.2.3); whether it is the last of its stream."""
        final, kind = self.take(1), self.take(2)
        if kind == 0:
            self.position += self.left % 8
            size, complement = self.take(16), self.take(16)
            if size != complement ^ 0xFFFF:
                raise Corrupt
            self.tail_is_a_block = not self.left
            self.grow(self.take(8 * size).to_bytes(size, "little"))
        elif kind == 3:
            raise Corrupt
        else:
            self.compressed(*(FIXED if kind == 1 else self.codes()))
        return bool(final)

    def codes(self) -> tuple[Code, Code]:
        """The codes of a block that brings its own (section 3.2.7)."""
        literals, distances, count = 257 + self.take(5), 1 + self.take(5), 4 + self.take(4)
        if literals > 286 or distances > 30:
            raise Corrupt
        of_lengths = [0] * len(ORDER)
        for place in ORDER[:count]:
            of_lengths[place] = self.take(3)
        code = Code(of_lengths, one_is_enough=False)
        lengths: list[int] = []
        while len(lengths) < literals + distances:
            symbol = self.symbol(code)
            if symbol < 16:
                lengths.append(symbol)
            elif symbol == 16:
                if not lengths:
                    raise Corrupt
                lengths += [lengths[-1]] * (3 + self.take(2))
            else:
                lengths += [0] * (3 + self.take(3) if symbol == 17 else 11 + self.take(7))
        if len(lengths) > literals + distances or not lengths[END_OF_BLOCK]:
            raise Corrupt
        return Code(lengths[:literals]), Code(lengths[literals:])

    def compressed(self, literals: Code, distances: Code) -> None:
        """The symbols of a block (section 3.2.5)."""
        while (symbol := self.symbol(literals)) != END_OF_BLOCK:
            if symbol < END_OF_BLOCK:
                self.grow(bytes([symbol]))
                continue
            if symbol >= 257 + len(LENGTHS):
                raise Corrupt
            length = LENGTHS[symbol - 257] + self.take(LENGTH_BITS[symbol - 257])
            symbol = self.symbol(distances)
            if symbol >= len(DISTANCES):
                raise Corrupt
            distance = DISTANCES[symbol] + self.take(DISTANCE_BITS[symbol])
            if distance > len(self.out) - self.begin:
                raise Corrupt
            if distance > self.reach:
                raise Unknown
            start = len(self.out) - distance
            piece = self.out[start : start + min(length, distance)]
            self.grow(bytes(piece * (length // len(piece) + 1))[:length])
