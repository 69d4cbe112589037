"""One connection as a state machine on bytes: handshake, messages, closing handshake, either role (Sans-I/O).

    receive(bytes) ──> next_event() ──> what it means       send_*, accept, reject ──> data_to_send() ──> bytes

Promises: a peer's fault never raises, it ends in one `Closed` (or, before the handshake's end, one `Failed`) and an
answer on the wire; `next_event` does the work of one message and no more, so that a caller can look at its clock in
between; what waits to be sent in answer to the peer is bounded, whatever the peer sends. Misuse raises `UsageError`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from enum import Enum

from tickws.errors import HTTPFault, ProtocolFault, UsageError
from tickws.protocol.deflate import Compressible, Deflater, Inflater
from tickws.protocol.encoder import MessageEncoder
from tickws.protocol.events import Closed, Event, Failed, Opened, Ping
from tickws.protocol.extensions import Deflate
from tickws.protocol.handshake import Accept, HeaderFields, Reject, Request, header_pairs
from tickws.protocol.limits import Limits
from tickws.protocol.messages import Buffer, CloseFrame, MessageDecoder, check_ping
from tickws.protocol.opcodes import CloseCode, Opcode, check_close
from tickws.protocol.opening import ClientOpening, ServerOpening, status_text

__all__ = ["Connection", "Role", "State"]

PENDING_PONGS = 64
"""Pongs kept for a peer that does not read them; of more, the newest (section 5.5.3 asks for the last one only)."""


class Role(Enum):
    """Which end of the connection we are; only a client masks (section 5.1)."""

    SERVER = "server"
    CLIENT = "client"


class State(Enum):
    """Where a connection stands (RFC 6455 sections 4 and 7.1)."""

    HANDSHAKE = "in its handshake"
    """Waiting for the peer's half of the opening handshake."""
    REQUESTED = "waiting for an answer to its request"
    """Server: a request was given out and wants `accept`, `reject` or `answer`."""
    OPEN = "open"
    CLOSING = "closing"
    """Our Close is sent, the peer's is not here yet; messages may still come."""
    CLOSED = "closed"
    """Nothing more is read. What `data_to_send` gives still goes out."""


class Connection:
    """One end of one WebSocket connection, without I/O.

    Args:
        role: server or client.
        limits: bounds on what the peer may send.
        mask_source: gives so many random bytes (`os.urandom`): a client's masking keys and nonce (section 10.3).
        by_frame: deliver data as `Frame`s, unassembled; not together with compression.
        compression: what to agree to, or to offer; None: no compression.

    Raises:
        UsageError: `by_frame` with compression.
    """

    __slots__ = (
        "_by_frame",
        "_close",
        "_compression",
        "_eof",
        "_limits",
        "_mask_source",
        "_messages",
        "_opening",
        "_out",
        "_pongs",
        "_received",
        "encoder",
        "extensions",
        "role",
        "state",
    )

    def __init__(
        self,
        role: Role,
        limits: Limits,
        mask_source: Callable[[int], bytes],
        *,
        by_frame: bool = False,
        compression: Deflate | None = None,
    ) -> None:
        if by_frame and compression is not None:
            raise UsageError("frames are delivered as they came: without compression")
        self.role = role
        self.state = State.HANDSHAKE
        self._limits = limits
        self._mask_source = mask_source
        self._by_frame = by_frame
        self._compression = compression
        self.encoder = MessageEncoder(mask_source if role is Role.CLIENT else None)
        """Makes frames of what we say."""
        self.extensions = ""
        """What was agreed, as it stands in the server's answer."""
        self._opening: ServerOpening | ClientOpening | None = (
            ServerOpening(limits, compression) if role is Role.SERVER else None
        )
        self._messages: MessageDecoder | None = None
        self._received = b""  # handshake bytes that nobody has asked for yet
        self._eof = False
        self._out: list[bytes] = []
        self._pongs: list[bytes] = []
        self._close: CloseFrame | None = None  # the Close that we sent first

    # -- what came ---------------------------------------------------------------------------------------------------

    def receive(self, data: Buffer) -> None:
        """Take what the network brought; `data` is not kept. Bytes behind the end are ignored (section 7.1.7)."""
        if self._messages is not None:
            self._messages.receive(data if type(data) is bytes else bytes(data))
        elif self.state is not State.CLOSED:
            self._received += data

    def receive_eof(self) -> None:
        """The peer has ended its half of the stream. What came before is still to be had from `next_event`."""
        self._eof = True

    def ignore(self) -> None:
        """Whatever comes from now on is ignored: what the bytes came through has failed. What we have to say stays."""
        if self.state is not State.CLOSED:
            self._end()

    @property
    def pending(self) -> bool:
        """Whether bytes are here that nobody has looked at: `next_event` may have something without further bytes."""
        return bool(self._received) if self._messages is None else self._messages.more

    def next_event(self) -> Event | None:
        """What the next bytes mean: one event, or None where more bytes are needed first.

        A str or bytes is a whole message; Pings are answered already; `Progress` wants only to be asked again.
        """
        if self._messages is None:
            return self._next_of_opening() if self.state is State.HANDSHAKE else None
        try:
            event = self._messages.next()
        except ProtocolFault as fault:
            return self._fail(fault)
        if type(event) is bytes or type(event) is str:
            return event
        if event is None:
            return self._closed(CloseCode.ABNORMAL, "") if self._eof else None
        if isinstance(event, Ping):
            self._pong(event.payload)  # also behind our own Close (section 5.5.2: until theirs has come)
        elif isinstance(event, CloseFrame):
            return self._receive_close(event)
        return event

    def _next_of_opening(self) -> Event | None:
        data, self._received = self._received, b""
        try:
            event = self._opening.receive(data) if data and self._opening is not None else None
        except HTTPFault as fault:
            if isinstance(self._opening, ServerOpening):
                body = status_text(fault.status, fault.reason)
                self._out += self._opening.answer(fault.status, fault.headers, body)
            self._end()
            return Failed(fault.status, fault.reason, fault.limit)
        if isinstance(event, Opened):
            self._open()
        elif event is not None:
            self.state = State.REQUESTED
        elif self._eof:
            self._end()
            return Failed(None, "the peer went away during the handshake")
        return event

    def _receive_close(self, frame: CloseFrame) -> Closed:
        """The closing handshake's second half, or the whole of it (sections 5.5.1 and 7.1.5)."""
        if self._close is not None:
            return self._closed(self._close.code, self._close.reason)
        echo = b"" if frame.code == CloseCode.NO_STATUS else check_close(frame.code, frame.reason)
        self._put_control(Opcode.CLOSE, echo)  # the reason too: a browser shows its page ours, not its own
        return self._closed(frame.code, frame.reason)

    def _fail(self, fault: ProtocolFault) -> Closed:
        """Fail the connection (section 7.1.7): say why, where that can still be said, and read no more."""
        if self._close is None:
            self._put_control(Opcode.CLOSE, check_close(fault.close_code, fault.reason))
        return self._closed(fault.close_code, fault.reason, fault=True)

    def _closed(self, code: int, reason: str, *, fault: bool = False) -> Closed:
        self._end()
        return Closed(int(code), reason, fault)

    # -- the handshake -----------------------------------------------------------------------------------------------

    def accept(self, request: Request, answer: Accept | None = None, supported: Sequence[str] = ()) -> str | None:
        """Server: let a WebSocket request in (section 4.2.2); gives the subprotocol.

        Args:
            answer: where it names no subprotocol, the first that the client offers among `supported` is taken.

        Raises:
            UsageError: no request waits for an answer, or it asks for no WebSocket.
            ValueError: the subprotocol was not offered, or a header is no valid HTTP.
        """
        opening = self._requested()
        data, subprotocol = opening.accept(request, answer or Accept(), supported)
        self._out.append(data)
        self._open()
        return subprotocol

    def reject(self, answer: Reject) -> None:
        """Server: refuse a request.

        Raises:
            UsageError: no request waits for an answer.
            ValueError: a header is no valid HTTP.
        """
        self.answer(answer.status, header_pairs(answer.headers), answer.body or status_text(answer.status))

    def answer(self, status: int, headers: Sequence[tuple[str, str]], body: str | bytes) -> None:
        """Server: give a plain HTTP answer (text/plain, unless `headers` say otherwise), the last of its connection.

        Raises:
            UsageError: no request waits for an answer.
            ValueError: the status or a header is no valid HTTP.
        """
        self._out += self._requested().answer(status, headers, body)
        self._end()

    def _requested(self) -> ServerOpening:
        if self.state is not State.REQUESTED or not isinstance(self._opening, ServerOpening):
            raise UsageError(f"no request waits for an answer: the connection is {self.state.value}")
        return self._opening

    def request(
        self,
        host: str,
        target: str,
        *,
        subprotocols: Sequence[str] = (),
        origin: str | None = None,
        headers: HeaderFields = (),
    ) -> None:
        """Client: ask for a WebSocket (section 4.1).

        Args:
            host: the Host header: name, and port unless it is 80.
            target: path and query.
            subprotocols: names, the preferred one first.

        Raises:
            UsageError: not a client, or it has asked already.
            ValueError: an argument is no valid HTTP, or a header is the handshake's own.
        """
        if self.role is not Role.CLIENT or self._opening is not None or self.state is not State.HANDSHAKE:
            raise UsageError("only a client asks, and once")
        nonce = base64.b64encode(self._mask_source(16)).decode("ascii")
        opening = ClientOpening(self._limits, nonce, self._compression)
        self._out.append(opening.request(host, target, subprotocols, origin, headers))
        self._opening = opening

    def _open(self) -> None:
        """The handshake is over: bytes behind its blank line are frames."""
        assert self._opening is not None
        self.state = State.OPEN
        inflater = None
        terms = self._opening.terms
        if terms is not None:
            assert self._compression is not None
            inflater = Inflater(terms)
            self.encoder.deflater = Deflater(self._compression, terms, alone=self.role is Role.CLIENT)
            self.extensions = terms.header
        masked = self.role is Role.SERVER
        self._messages = MessageDecoder(masked, self._limits.message_bytes, self._by_frame, inflater)
        if rest := self._opening.rest + self._received:
            self._messages.receive(rest)
        self._opening, self._received = None, b""

    def _end(self) -> None:
        self.state = State.CLOSED
        self._opening = self._messages = None
        self._received = b""

    # -- what goes ---------------------------------------------------------------------------------------------------

    def send(self, message: str | Buffer) -> None:
        """Send one unfragmented message.

        Raises:
            UsageError: the connection is not open, or a fragmented message is unfinished.
            TypeError, ValueError: as `MessageEncoder.encode`.
        """
        self._must_be_open()
        if self.encoder.fragmenting is not None:
            raise UsageError("a fragmented message is unfinished (section 5.4: messages do not mix)")
        prepared = self.encoder.prepare(message)
        while isinstance(prepared, Compressible):
            prepared = self.encoder.compress(prepared) or prepared
        self._out.append(prepared)

    def send_fragment(self, fragment: str | Buffer, *, fin: bool) -> None:
        """Send the next fragment of a message.

        Raises:
            UsageError: the connection is not open, or fragments of text and bytes are mixed.
            TypeError, ValueError: as `MessageEncoder.encode`.
        """
        self._must_be_open()
        self._out.append(self.encoder.fragment(fragment, fin=fin))

    def send_ping(self, payload: Buffer = b"") -> None:
        """Send a Ping (section 5.5.2).

        Raises:
            UsageError: the connection is not open.
            ValueError: the payload is longer than 125 bytes.
        """
        self._must_be_open()
        self._put_control(Opcode.PING, check_ping(payload))

    def send_close(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Begin the closing handshake (section 7.1.2); messages may still come until the peer's Close.

        Raises:
            UsageError: the connection is not open.
            ValueError: the code may not be sent, or the reason is longer than 123 bytes.
        """
        self._must_be_open()
        self._put_control(Opcode.CLOSE, check_close(code, reason))
        self._close = CloseFrame(code, reason)
        self.state = State.CLOSING

    def data_to_send(self) -> list[bytes]:
        """What is to be put on the wire next, in order; given out once."""
        if not self._out and not self._pongs:
            return []
        out, self._out = self._out + self._pongs, []
        self._pongs.clear()
        return out

    def close_expected(self) -> bool:
        """Whether nothing more will be read: send what is left, end our half of the stream, wait for the peer's end."""
        return self.state is State.CLOSED

    def _must_be_open(self) -> None:
        if self.state is not State.OPEN:
            raise UsageError(f"nothing can be sent: the connection is {self.state.value}")

    def _pong(self, payload: bytes) -> None:
        if len(self._pongs) >= PENDING_PONGS:
            del self._pongs[0]
        self._pongs.append(self.encoder.frame(Opcode.PONG, payload))

    def _put_control(self, opcode: Opcode, payload: bytes) -> None:
        self._out += self._pongs  # Pongs answer what came before
        self._pongs.clear()
        self._out.append(self.encoder.frame(opcode, payload))
