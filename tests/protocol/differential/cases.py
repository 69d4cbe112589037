"""One stream through ours and a peer, and where the two part: what the tables of differences are asked about."""

import codecs
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tests.protocol.differential.compressed import RSV1, Inflated, inflate
from tests.protocol.differential.rig import PEERS, PLENTY, Outcome, Peer, Setup, ours
from tests.protocol.differential.wire import Raw, head_of, walk
from tests.protocol.helpers import TEXT


@dataclass(frozen=True)
class Case:
    """Bytes as they came, and what ours and a peer made of them.

    The properties below are of the point where the two part: the stream as far as the first frame behind which they
    differ.
    """

    peer: Peer
    setup: Setup
    chunks: Sequence[bytes]
    eof: bool = False

    def run(self, size: int | None = None) -> tuple[Outcome, Outcome]:
        """The outcomes, of the first `size` bytes only (and no end of the stream)."""
        chunks = self.chunks if size is None else list(head_of(self.chunks, size))
        eof = self.eof and size is None
        return ours(self.setup, chunks, eof), PEERS[self.peer](self.setup, chunks, eof)

    @cached_property
    def frames(self) -> list[Raw]:
        """The frames up to the one in question, this one the last."""
        frames = walk(b"".join(self.chunks))
        for index, frame in enumerate(frames):
            mine, theirs = self.run(frame.end)
            if differ(mine, theirs):
                return frames[: index + 1]
        raise AssertionError(f"they differ at the stream's end alone: {self.run()}")

    @cached_property
    def outcomes(self) -> tuple[Outcome, Outcome]:
        """What came of the stream up to the frame in question."""
        return self.run(self.frame.end)

    @property
    def mine(self) -> Outcome:
        return self.outcomes[0]

    @property
    def theirs(self) -> Outcome:
        return self.outcomes[1]

    @property
    def ends(self) -> tuple[str, str]:
        """How it stands for ours and for the peer's."""
        return self.mine.end.kind, self.theirs.end.kind

    @property
    def codes(self) -> tuple[int, int]:
        """The codes of ours and of the peer's."""
        return self.mine.end.code, self.theirs.end.code

    @property
    def of_code_only(self) -> bool:
        """Whether both find a fault, and name it differently."""
        return self.mine.verdict == self.theirs.verdict

    @property
    def frame(self) -> Raw:
        """The frame behind which they differ."""
        return self.frames[-1]

    @cached_property
    def messages(self) -> list[list[Raw]]:
        """The messages, each its data frames; the last is that which the frame in question is of, or comes amid of."""
        return messages_of(self.frames)

    @property
    def message(self) -> list[Raw]:
        """The data frames of the message that the frame in question is of, or comes amid of."""
        return self.messages[-1]

    @property
    def compressed(self) -> bool:
        """Whether that message is."""
        return self.setup.deflate is not None and bool(self.message) and bool(self.message[0].rsv & RSV1)

    @cached_property
    def inflated(self) -> Inflated:
        """What zlib makes of that message; of one that is not compressed, of the one before it."""
        return inflate([frames for frames in self.messages if frames], self.setup.incoming.takeover)

    @property
    def before(self) -> int:
        """The bytes of that message that came before the frame."""
        return sum(frame.length for frame in self.message if frame is not self.frame)

    @property
    def too_long(self) -> bool:
        """Whether the frame is longer than the limit leaves room for."""
        return self.frame.length > self.setup.limit - self.before

    @property
    def payload(self) -> bytes:
        """What has come of that message, inflated."""
        if self.compressed:
            return self.inflated.data
        return b"".join(frame.payload for frame in self.message)

    @property
    def is_text(self) -> bool:
        return bool(self.message) and self.message[0].opcode == TEXT

    def completed(self) -> Outcome:
        """What the peer says when the rest of the frame comes too: a length in its right form, and zeros."""
        data = b"".join(head_of(self.chunks, self.frame.end))
        head = data[self.frame.start :]
        if len(head) > 1 and head[1] & 0x7F > 125:
            data += b"\xff" * ({126: 4, 127: 10}[head[1] & 0x7F] - len(head))
        for _ in range(3):  # its length may have to come first
            missing = walk(data)[-1].missing
            data += bytes(min(missing, 10 if missing > PLENTY else missing))
        return PEERS[self.peer](self.setup, [data], False)


def messages_of(frames: Sequence[Raw]) -> list[list[Raw]]:
    """The data frames, by message; the last frame is of the last message, or amid it."""
    found: list[list[Raw]] = [[]]
    for frame in frames:
        if not frame.control:
            found[-1].append(frame)
            if frame.fin and frame is not frames[-1]:
                found.append([])
    return found


def differ(mine: Outcome, theirs: Outcome) -> bool:
    """Whether two outcomes differ, in verdict or in the code of a fault."""
    return mine.verdict != theirs.verdict or mine.end != theirs.end


def is_no_utf8(data: bytes, *, final: bool = False) -> bool:
    """Whether no UTF-8 begins so; `final`: is so."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(data, final)
    except UnicodeDecodeError:
        return True
    return cut_surrogate(data)


def cut_surrogate(data: bytes) -> bool:
    """Whether it ends in the first two bytes of a surrogate, which Python waits for the third of."""
    return data[-2:-1] == b"\xed" and data[-1:] >= b"\xa0"


@dataclass(frozen=True)
class Difference:
    """A difference that is known: who differs and how, what decides it and why ours is right."""

    name: str
    peer: Peer
    clause: str
    why: str
    applies: Callable[[Case], bool]
    example: tuple[Setup, Sequence[bytes]]

    def case(self) -> Case:
        """The example."""
        return Case(self.peer, *self.example)


def settle(case: Case, verdicts: Sequence[Difference], codes: Sequence[Difference]) -> list[str]:
    """The names of the listed differences that explain the case; none where nothing differs.

    Raises:
        AssertionError: nothing that is listed explains it.
    """
    mine, theirs = case.run()
    if not differ(mine, theirs):
        return []
    names = list(explain(case, codes if case.of_code_only else verdicts))
    assert names, (
        f"{case.peer} differs, and the table does not say so.\n{case.setup}, {case.frame}\nstream {case.chunks!r}\n"
        f"ours   {case.mine}\ntheirs {case.theirs}"
    )
    return names


def explain(case: Case, table: Sequence[Difference]) -> Iterator[str]:
    """The names of the entries that apply."""
    return (entry.name for entry in table if entry.peer == case.peer and entry.applies(case))
