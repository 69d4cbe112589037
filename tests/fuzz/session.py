"""What the targets `messages` and `deflate` share: a connection that gets some bytes, and what it promises of them.

Nothing raises; an end comes exactly once and is the last event; work is bounded by what was sent; what is put on the
wire are frames that a peer takes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.protocol.helpers import BINARY, CLOSE, CONT, PING, PONG, TEXT, Sent, read_frames
from tickws.protocol.connection import PENDING_PONGS, Connection, Role, State
from tickws.protocol.deflate import CHUNK_BYTES
from tickws.protocol.events import Closed, Event, Failed, Frame, Ping, Pong, Progress

__all__ = ["Session", "hear", "read_wire"]

RSV1 = 0x40
OPCODES = (CONT, TEXT, BINARY, CLOSE, PING, PONG)


@dataclass
class Session:
    """A connection and what it has said so far.

    Args:
        connection: which is past its handshake, and has nothing to send.
        message_bytes: its limit.
    """

    connection: Connection
    message_bytes: int
    events: list[Event] = field(default_factory=list)
    wire: bytes = b""
    received: int = 0
    inflated: int = 0
    progress: dict[Progress, int] = field(default_factory=lambda: dict.fromkeys(Progress, 0))

    def receive(self, chunk: bytes) -> None:
        """Give the connection a chunk, and take all that comes of it."""
        self.received += len(chunk)
        self.connection.receive(chunk)
        self.pull()

    def pull(self) -> None:
        """Take all events that are there."""
        while (event := self.connection.next_event()) is not None:
            assert not self.over, f"{event!r} after the end"
            if isinstance(event, Progress):
                self.progress[event] += 1
            else:
                self.events.append(event)
                self.look_at(event)
            self.check_work()
        assert not self.connection.pending, "bytes are left that nobody has looked at"

    def look_at(self, event: Event) -> None:
        """One event is in its bounds."""
        assert not isinstance(event, Failed)
        if isinstance(event, (str, bytes)):
            size = len(event.encode()) if isinstance(event, str) else len(event)
            self.inflated += size
            assert size <= self.message_bytes, f"a message of {size} bytes"
        elif isinstance(event, Frame):
            assert len(event.payload) <= self.message_bytes
        elif isinstance(event, (Ping, Pong)):
            assert len(event.payload) <= 125
        elif isinstance(event, Closed):
            assert 1000 <= event.code <= 4999
            assert self.connection.state is State.CLOSED
            assert self.connection.close_expected()

    def check_work(self) -> None:
        """An event takes a frame, whose head has two bytes; a chunk inflated comes of a part, or is 16 KiB long."""
        steps = len(self.events) + self.progress[Progress.FRAGMENT]
        # A frame that comes in parts, and is compressed, makes a step of each; no part is empty.
        assert steps <= self.received + 1, f"{steps} events of {self.received} bytes"
        chunks = self.progress[Progress.INFLATED]
        most = (self.inflated + self.message_bytes) // CHUNK_BYTES + 2 * self.received + 1
        assert chunks <= most, f"{chunks} chunks of {self.received} bytes"

    @property
    def over(self) -> bool:
        """Whether the connection has ended."""
        return bool(self.events) and isinstance(self.events[-1], Closed)

    def drain(self) -> None:
        """Take what is to be sent."""
        self.wire += b"".join(self.connection.data_to_send())
        assert not self.connection.data_to_send(), "what is to be sent was given out twice"

    def finish(self) -> list[Sent]:
        """The peer goes away: there is an end, and only one. Gives the frames that went."""
        self.connection.receive_eof()
        self.pull()
        assert self.over, "there was no end"
        assert sum(isinstance(event, Closed) for event in self.events) == 1
        self.connection.receive(b"\x81\x00")
        assert self.connection.next_event() is None, "something came behind the end"
        self.drain()
        frames = read_wire(
            self.wire, masked=self.connection.role is Role.CLIENT, compressed=bool(self.connection.extensions)
        )
        opcodes = [frame.opcode for frame in frames]
        behind = set(opcodes[opcodes.index(CLOSE) + 1 :]) if CLOSE in opcodes else set()
        assert behind <= {PONG}, "something was sent behind a Close"
        return frames


def hear(session: Session, chunks: list[bytes], *, drain: bool) -> tuple[list[Event], list[Sent]]:
    """What comes of the chunks, and the frames that answer them; they are taken after each chunk, or at the end."""
    for chunk in chunks:
        session.receive(chunk)
        if drain:
            session.drain()
        if session.over:
            break
    frames = session.finish()
    pings = [event.payload for event in session.events if isinstance(event, Ping)]
    pongs = [frame.payload for frame in frames if frame.opcode == PONG]
    if drain and len(pings) <= PENDING_PONGS:
        assert pongs == pings, "a Ping was not answered"
    assert len(pongs) == min(len(pings), PENDING_PONGS) or drain, f"{len(pongs)} Pongs are held for a peer"
    return session.events, frames


def read_wire(data: bytes, *, masked: bool, compressed: bool) -> list[Sent]:
    """The frames in what was sent: whole ones, valid each for itself and in their order."""
    frames = read_frames(without_rsv1(data) if compressed else data)
    unfinished = False
    for frame in frames:
        assert frame.opcode in OPCODES
        assert frame.masked == masked or not frame.payload
        if frame.opcode >= CLOSE:
            assert frame.fin
            assert len(frame.payload) <= 125
        else:
            assert (frame.opcode == CONT) == unfinished, "messages are mixed"
            unfinished = not frame.fin
    return frames


def without_rsv1(data: bytes) -> bytes:
    """The same frames, but that the first byte of a text or a message of bytes does not say that it is compressed."""
    bare = bytearray(data)
    position = 0
    while position < len(bare):
        if bare[position] & 0x0F in (TEXT, BINARY):
            bare[position] &= ~RSV1
        size, header = bare[position + 1] & 0x7F, 2
        if size > 125:
            header = 4 if size == 126 else 10
            size = int.from_bytes(bare[position + 2 : position + header], "big")
        position += header + size + (4 if bare[position + 1] & 0x80 else 0)
    return bytes(bare)
