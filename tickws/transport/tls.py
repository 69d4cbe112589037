"""TLS 1.2 and 1.3 around a stream (RFC 5246, RFC 8446): handshake, records in and out, close_notify; on `ssl`.

Promises: each call is one step: a handshake's next flight, one record read, at most `WRITE_BYTES` encrypted, and only
when the socket has taken all before. Nothing is forgotten that no poller tells of: `pending` says that records are here
which were not read, or that a reply of TLS's own waits. A fault is an answer (`fault`, `lost`), never an exception.
Works on `ssl.MemoryBIO`, so a `Socket` of any network will do. Cost: beside the ciphers one copy each way.
"""

from __future__ import annotations

import logging
import ssl
from typing import Final
from weakref import WeakSet

from tickws.transport.network import Socket
from tickws.transport.steps import WRITE_BYTES
from tickws.transport.stream import Stream

__all__ = ["TlsStream", "prepare_context"]

logger = logging.getLogger("tickws")

RECORD_BYTES: Final = 16 * 1024
"""The most that a record holds (RFC 8446 section 5.1)."""
MOST_RECORDS: Final = 8
"""Records that are read in one step: as many as a link's turn has messages. OpenSSL would go through any number at once
of those that hold no data."""
_HEAD_BYTES: Final = 5
_LONGEST: Final = RECORD_BYTES + 2048  # with what the cipher adds, in TLS 1.2 (RFC 5246 section 6.2.3)
_warned: Final[WeakSet[ssl.SSLContext]] = WeakSet()  # each once: anybody can have it said
REPLY_BYTES: Final = 64 * 1024
"""Replies of TLS's own (key updates) that a peer may leave unread; one that leaves more is given up."""
WENT_AWAY: Final = "the peer went away during the TLS handshake"
_ALPN: Final = ["http/1.1"]
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
_USE_TLS: Final = b"400 Bad Request: this port speaks TLS; open it with https:// or wss://\n"
_HTTP_ANSWER: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(_USE_TLS), _USE_TLS)
)


class TlsStream:
    """A `Stream` that is encrypted; used as one, after `secure` has said that the handshake is over.

    Args:
        raw: the connected socket's stream.
        context: as `prepare_context` has left it.
        server_hostname: at a client, the name that the certificate must be for; None: this is a server.

    Raises:
        ValueError: the name is none.
        ssl.SSLError: the context is for the other role.
    """

    __slots__ = (
        "_incoming",
        "_notified",
        "_outgoing",
        "_over",
        "_plain",
        "_plain_bytes",
        "_raw",
        "_whole",
        "_wire",
        "came",
        "fault",
        "fd",
        "fed",
        "lost",
        "pending",
        "tls",
        "unread",
        "unsent_bytes",
    )

    def __init__(self, raw: Stream, context: ssl.SSLContext, server_hostname: str | None = None) -> None:
        self._raw = raw
        self.fd = raw.fd
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls: ssl.SSLObject | None = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_hostname is None, server_hostname=server_hostname
        )
        self._notified = False  # close_notify has come
        self._over = False  # close_notify was said, or there is a fault: what comes is not read any more
        self._plain: list[bytes | memoryview] = []
        self._plain_bytes = 0
        self._wire = b""  # what came, and OpenSSL was not given yet
        self._whole = 0  # bytes of its first record, where that is whole
        self.came = 0
        """Bytes that the last `read` got from the network."""
        self.fed = 0
        """Bytes of the records that it gave to OpenSSL."""
        self.unsent_bytes = 0
        """Committed bytes that the kernel has not taken, and replies of TLS's own."""
        self.unread = False
        """Records are here that were not read."""
        self.pending = False
        """Something is left to do that no poller tells of: records to read, or replies to write."""
        self.lost = False
        """Whether the connection was found broken."""
        self.fault = ""
        """What the peer did wrong, in TLS."""

    @property
    def socket(self) -> Socket:
        """The socket itself."""
        return self._raw.socket

    # -- the handshake -----------------------------------------------------------------------------------------------

    def secure(self, most: int) -> bool:
        """The next step of the handshake, on at most `most` bytes; True: it is over. `fault` and `lost` tell of others.

        What is to be said waits in `unsent_bytes` for `write([])`.
        """
        data = None if self.unread else self._raw.read(most)
        if self._raw.lost:
            self.lost = True
            return False
        if data == b"":
            self._fail(WENT_AWAY)
            return False
        self._feed(data or b"")
        assert self.tls is not None
        try:
            self.tls.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            done = False
        except (ssl.SSLError, ValueError) as error:
            self._reject(error)
            return False
        self._look()
        return done

    def _reject(self, error: ssl.SSLError | ValueError) -> None:
        """The handshake has failed; an alert says so to the peer."""
        reason = getattr(error, "reason", None) or str(error)
        server_side = self.tls is not None and self.tls.server_side
        if server_side and reason == "HTTP_REQUEST":
            self._outgoing.read()
            self._outgoing.write(_HTTP_ANSWER)
            self._fail("plain HTTP came, where TLS is spoken")
        elif isinstance(error, ssl.SSLCertVerificationError):
            self._fail(_untrusted(error))
        elif not server_side and reason in _NO_TLS:
            self._fail("the server speaks no TLS there. Is it a ws:// server, or is the port another one?")
        else:
            if reason == "NO_SHARED_CIPHER" and self.tls is not None and self.tls.context not in _warned:
                _warned.add(self.tls.context)
                logger.warning(
                    "a TLS handshake found no cipher in common: is there a certificate in ssl_context "
                    "(load_cert_chain)? Otherwise it was an old client's"
                )
            self._fail(f"the TLS handshake failed: {reason}")

    def _fail(self, fault: str) -> None:
        """The end; what there is to say (an alert) is said at once, as far as it goes."""
        self.fault = fault
        self._over = True
        self._wire = b""
        self._whole = 0
        self._plain.clear()
        self._plain_bytes = 0
        self._raw.write([self._outgoing.read()])
        self._look()

    def _look(self) -> None:
        """See what is left to be done."""
        replies = self._outgoing.pending
        self.unread = not self._over and (self._incoming.pending > 0 or self._whole > 0)
        self.pending = self.unread or replies > 0
        self.unsent_bytes = self._plain_bytes + self._raw.unsent_bytes + replies
        if replies > REPLY_BYTES:
            self.lost = True

    # -- reading -----------------------------------------------------------------------------------------------------

    def _feed(self, data: bytes) -> None:
        """Take in what came; give OpenSSL the next few records, once it has read those that it has."""
        self.came, self.fed = len(data), 0
        wire = self._wire = self._wire + data if self._wire else data
        if self._incoming.pending:
            return
        end = count = 0
        while (size := _record_size(wire, end)) and count < MOST_RECORDS:
            end += size
            count += 1
        self._whole = size
        if end:
            self._incoming.write(wire[:end])
            self._wire = wire[end:]
            self.fed = end

    def read(self, most: int) -> bytes | None:
        """What the next records hold: empty at the end of the stream, None where none is whole (or `lost`).

        After `end`, or a `fault`, it is what came on the wire: fit to be thrown away.
        """
        raw = self._raw
        self.came = self.fed = 0
        if self._notified or self.lost:
            self.unread = self.pending = False
            return None if self.lost else b""
        data: bytes | None = b""
        if not self.unread:
            data = raw.read(most)
            if self._over:
                self.lost = raw.lost
                return data
            if not data:
                self.lost = raw.lost
                return data  # without close_notify: WebSocket has its own Close, and tells 1006 where that is missing
        self._feed(data or b"")
        waited = self._outgoing.pending  # our Finished may: who makes a false start (RFC 7918) does not wait for it
        plain = self._record()
        if self._incoming.pending or self._whole or self._outgoing.pending or self.pending:
            if plain and self._incoming.pending:
                plain = self._more_records(plain)
            self._look()
            if self._outgoing.pending > waited and self._asked_again():
                self._fail("a TLS handshake behind the handshake")
                self.lost = True
            if plain and (self._notified or self.lost):  # that comes next
                self.unread = self.pending = True
        return plain

    def _asked_again(self) -> bool:
        """Whether what OpenSSL wants to reply refuses another handshake: TLS 1.2 has nothing else to say by itself."""
        return self.tls is not None and self.tls.server_side and self.tls.version() != "TLSv1.3"

    def _record(self) -> bytes | None:
        """One record: empty for close_notify, None where none is whole."""
        assert self.tls is not None
        try:
            record = self.tls.read(RECORD_BYTES)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            record = b""
        except ssl.SSLError as error:
            self._fail(f"TLS failed: {error.reason or error}")
            self.lost = True
            return None
        self._notified = not record
        return record

    def _more_records(self, plain: bytes) -> bytes:
        """`plain` and what the next few records hold.

        Several messages, said in a record each, are heard in one turn, as those of others are.
        """
        found = [plain]
        size = len(plain)
        while size < RECORD_BYTES and self._incoming.pending and (record := self._record()):
            found.append(record)
            size += len(record)
        return b"".join(found)

    # -- writing -----------------------------------------------------------------------------------------------------

    def write(self, pieces: list[bytes]) -> int:
        """Commit `pieces`, and write what the kernel takes; gives the number of bytes encrypted.

        Afterwards `unsent_bytes` waits for the socket to be writable, and then for `write([])`.
        """
        raw = self._raw
        if self.lost:
            return 0
        if pieces and not self._over:
            self._plain += pieces
            self._plain_bytes += sum(map(len, pieces))
        replies = self._outgoing.read()
        if replies or raw.unsent_bytes:
            raw.write([replies] if replies else [])
        size = 0
        if self._plain and not raw.unsent_bytes and not raw.lost:
            size = self._encrypt()
            raw.write([self._outgoing.read()])
        self.lost = self.lost or raw.lost
        self.pending = self.unread
        self.unsent_bytes = self._plain_bytes + raw.unsent_bytes
        return size

    def _encrypt(self) -> int:
        """Encrypt the next pieces, of together at most `WRITE_BYTES`; gives their size."""
        plain = self._plain
        size = count = 0
        for piece in plain:
            if count and size + len(piece) > WRITE_BYTES:
                break
            size += len(piece)
            count += 1
        data: bytes | memoryview = plain[0] if count == 1 else b"".join(plain[:count])
        del plain[:count]
        if size > WRITE_BYTES:
            whole = memoryview(data)
            data = whole[:WRITE_BYTES]
            plain.insert(0, whole[WRITE_BYTES:])
            size = WRITE_BYTES
        self._plain_bytes -= size
        assert self.tls is not None
        try:
            self.tls.write(data)  # all of it: a MemoryBIO is never full
        except ssl.SSLError as error:
            self._fail(f"TLS failed: {error.reason or error}")
            self.lost = True
        return size

    @property
    def taken_less(self) -> int:
        """Of the bytes that `write` has given as encrypted, how many the kernel has not taken."""
        return self._raw.unsent_bytes

    def error(self) -> int:
        """How connecting ended: 0, or the system's error number."""
        return self._raw.error()

    def end(self) -> None:
        """Say close_notify, once, and end our half of the stream; again, where the kernel did not take that at once."""
        raw = self._raw
        if not self._over:
            self._over = True
            assert self.tls is not None
            try:
                self.tls.unwrap()
            except (ssl.SSLError, ValueError):
                pass  # it waits for the peer's
            raw.write([self._outgoing.read()])
            self.unread = self.pending = False
        self.unsent_bytes = raw.unsent_bytes
        if not raw.unsent_bytes:
            raw.end()
        self.lost = raw.lost

    def close(self) -> None:
        """Give the descriptor back. Unsent bytes are lost."""
        self._plain.clear()
        self._plain_bytes = self.unsent_bytes = 0
        self.unread = self.pending = False
        self._raw.close()


def prepare_context(context: ssl.SSLContext, server_hostname: str | None = None) -> None:
    """Check that a context can be used, and set what a WebSocket begins with: ALPN "http/1.1", no renegotiation.

    Args:
        server_hostname: at a client, the server's name; None: this is a server.

    Raises:
        TypeError: it is no `ssl.SSLContext`.
        ValueError: it is for the other role, or the name is none.
    """
    if not isinstance(context, ssl.SSLContext):
        raise TypeError(f"ssl_context is an ssl.SSLContext, not {context!r}")
    try:
        context.wrap_bio(
            ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=server_hostname is None, server_hostname=server_hostname
        )
    except ssl.SSLError as error:
        made = "PROTOCOL_TLS_SERVER" if server_hostname is None else "PROTOCOL_TLS_CLIENT"
        raise ValueError(f"this ssl_context is for the other role: ssl.SSLContext(ssl.{made}) is needed") from error
    context.set_alpn_protocols(_ALPN)
    context.options |= ssl.OP_NO_RENEGOTIATION


def _record_size(wire: bytes, at: int) -> int:
    """Bytes of the record that begins there (RFC 8446 section 5.1); 0: it is not whole.

    Of what is no record it is all that there is: OpenSSL shall see it.
    """
    left = len(wire) - at
    if left < _HEAD_BYTES:
        return 0
    size = _HEAD_BYTES + (wire[at + 3] << 8 | wire[at + 4])
    if not 20 <= wire[at] <= 24 or wire[at + 1] != 3 or size > _HEAD_BYTES + _LONGEST:
        return left
    return size if size <= left else 0


def _untrusted(error: ssl.SSLCertVerificationError) -> str:
    """What a client can do about a certificate."""
    message = error.verify_message.rstrip(".")
    if error.verify_code in (9, 10):  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
        return f"{message}. Renew it at the server, if the clock of this machine is right"
    if error.verify_code == 62 or "mismatch" in message:  # X509_V_ERR_HOSTNAME_MISMATCH
        return f"the certificate is another host's: {message}. Use the name that it was made for in the URL"
    return (
        f"the certificate is not trusted: {message}. Where it is one of your own: "
        "ssl_context=ssl.create_default_context(cafile=...)"
    )
