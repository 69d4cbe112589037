"""The target `messages`: an open `Connection`, either role, with whole messages or frame by frame.

Nothing may raise, whatever the peer sends. Half of the inputs are a peer's bytes; half are a script, in which the peer
sends frames and we send, ping, fragment and close between them: what we send comes whole to a peer of ours.
"""

from __future__ import annotations

from typing import Any

from tests.fuzz.session import Session, hear
from tests.fuzz.target import Plan, Target, plan
from tests.protocol.helpers import BINARY, CLOSE, CONT, MASK, PING, PONG, TEXT, counting_source, frame, opened, other
from tickws.protocol.connection import Connection, Role, State
from tickws.protocol.deflate import CHUNK_BYTES
from tickws.protocol.events import Closed, Ping, Pong
from tickws.protocol.limits import Limits

__all__ = ["TARGET", "Script"]

CLIENT, BY_FRAME, SMALL, SCRIPT, DRAIN = 1, 2, 4, 8, 16
"""The flags: we are the client; frames are delivered as they come; messages are short; the input is a script; what we
send is taken after each chunk."""

LIMITS = (Limits(), Limits(message_bytes=200))
KINDS = (TEXT, BINARY, CONT, PING, PONG, CLOSE)
CODES = (1000, 1001, 1011, 3000, 4999)


def run(data: bytes) -> None:
    """One input."""
    given = plan(data)
    role = Role.CLIENT if given.flags & CLIENT else Role.SERVER
    limits = LIMITS[bool(given.flags & SMALL)]

    def make() -> Session:
        by_frame = bool(given.flags & BY_FRAME)
        connection = opened(role, limits, by_frame=by_frame, mask_source=counting_source())
        return Session(connection, limits.message_bytes)

    if given.flags & SCRIPT:
        script = Script(make(), opened(other(role)), given)
        script.play()
        return
    drain = bool(given.flags & DRAIN)
    events, frames = hear(make(), [given.sent], drain=drain)
    split_events, split_frames = hear(make(), given.chunks, drain=drain)
    assert events == split_events, f"whole: {events!r}, split: {split_events!r}"
    if not drain:
        assert frames == split_frames, f"whole: {frames!r}, split: {split_frames!r}"


class Script:
    """Both ends, step by step.

    Args:
        session: our end.
        peer: takes what we send; it is another one than sends to us.
        given: each step has a byte that says what, one that says how much, and so many more.
    """

    def __init__(self, session: Session, peer: Connection, given: Plan) -> None:
        self.session = session
        self.peer = peer
        self.given = given
        self.sent: list[str | bytes | Ping] = []
        self.fragments: list[Any] = []
        self.code: int | None = None

    def play(self) -> None:
        """All steps, and the end."""
        data, position = self.given.sent, 0
        while position + 1 < len(data) and not self.session.over:
            what, size = data[position], data[position + 1]
            body = data[position + 2 : position + 2 + size]
            position += 2 + len(body)
            if what & 0x0F < 9:
                self.hear(what, body)
            elif self.session.connection.state is State.OPEN:
                self.say(what, body)
            if self.given.flags & DRAIN:
                self.session.drain()
        self.session.finish()
        self.check_sent()

    def hear(self, what: int, body: bytes) -> None:
        """The peer sends a frame, mostly a valid one; or bytes that are none."""
        kind = what & 0x0F
        mask = MASK if self.session.connection.role is Role.SERVER else b""
        if kind < len(KINDS):
            opcode = KINDS[kind]
            sent = frame(opcode, body[:125] if opcode >= CLOSE else body, fin=opcode >= CLOSE or what < 0x80, mask=mask)
        elif kind == len(KINDS):
            sent = frame(CLOSE, CODES[what >> 4 & 3].to_bytes(2, "big") + body[:123], mask=mask)
        elif kind == len(KINDS) + 1:  # long ones: in several parts, over the bound
            sent = frame(what >> 4 & 3, body * (what >> 6) * 8, fin=what < 0x80, mask=mask)
        else:
            sent = body
        self.session.receive(sent)

    def say(self, what: int, body: bytes) -> None:
        """We send something that may be sent now."""
        connection = self.session.connection
        kind, fin = what & 0x0F, what < 0x80
        message: str | bytes = body if what & 0x40 else body.decode(errors="replace")
        if what & 0x20:
            message = message * (CHUNK_BYTES // 100)
        if kind == 9 and not self.fragments:
            connection.send(message)
            self.sent.append(message)
        elif kind in (10, 11, 12):
            self.fragment(message, fin=fin)
        elif kind == 13:
            connection.send_ping(body[:125])
            self.sent.append(Ping(body[:125]))
        elif kind == 14:
            self.code = CODES[what >> 4 & 3]
            connection.send_close(self.code, body[:60].decode(errors="ignore"))
        elif kind == 15:
            connection.receive_eof()
            self.session.pull()

    def fragment(self, part: str | bytes, *, fin: bool) -> None:
        """The next fragment of a message; its kind is the first one's."""
        if self.fragments and isinstance(self.fragments[0], str) != isinstance(part, str):
            part = part.encode() if isinstance(part, str) else part.decode(errors="replace")
        self.fragments.append(part)
        self.session.connection.send_fragment(part, fin=fin)
        if fin:
            self.sent.append(type(part)().join(self.fragments))
            self.fragments = []

    def check_sent(self) -> None:
        """A peer gets what we sent, in order, and ends without a fault."""
        assert self.session.connection.state is State.CLOSED
        theirs = Session(self.peer, Limits().message_bytes)
        if self.session.wire:
            theirs.receive(self.session.wire)
        if not theirs.over:
            theirs.finish()
        *events, end = theirs.events
        assert isinstance(end, Closed)
        assert not end.fault, f"a peer of ours finds a fault: {end!r}"
        if self.code is not None:
            assert end.code == self.code
        got = [event for event in events if not isinstance(event, Pong)]
        assert got == self.sent, "what a peer gets is not what was sent"


TARGET = Target(
    "messages",
    run,
    files=("protocol/connection.py", "protocol/messages.py", "protocol/encoder.py", "protocol/opcodes.py"),
    packages=("tickws.protocol", "tickws.errors"),
    most_bytes=1024,
)
