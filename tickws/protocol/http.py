"""HTTP/1.1 heads in and out, on h11 behind our own bounds (this file alone imports h11).

h11 takes 20,000 headers in one call, unfolds folded ones and accepts bare line feeds; so a head is collected, counted
and searched here first, and h11 sees only heads that are whole, small and plain. Bodies are written, never read: a
request that announces one is refused. Every answer but 101 says `Connection: close`: one request a connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

import h11

from tickws.errors import HTTPFault
from tickws.protocol.limits import Limits

__all__ = ["ClientHTTP", "HeadReader", "Headers", "ServerHTTP", "reason_phrase"]

RawHeaders = list[tuple[bytes, bytes]]
_END = b"\r\n\r\n"
_TLS_HANDSHAKE = 0x16


def reason_phrase(status: int) -> str:
    """The standard words for an HTTP status; empty for one that is none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


class Headers(Mapping[str, str]):
    """Header fields by name, in any case. Fields that came several times are joined, as RFC 9110 section 5.3 allows."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        joined: dict[str, str] = {}
        for raw_name, raw_value in fields:
            name, value = raw_name.decode("ascii").lower(), raw_value.decode("latin-1")
            separator = "; " if name == "cookie" else ", "
            joined[name] = joined[name] + separator + value if name in joined else value
        self._fields = joined

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({self._fields!r})"

    def tokens(self, name: str) -> list[str]:
        """The comma-separated elements of a field, in order; empty ones left out (RFC 9110 section 5.6.1)."""
        return [token for part in self.get(name, "").split(",") if (token := part.strip(" \t"))]


class HeadReader:
    """Collects the bytes of one HTTP head, up to its blank line, within bounds.

    Args:
        limits: `header_bytes` and `header_count` apply.
    """

    __slots__ = ("_buffer", "_limits")

    def __init__(self, limits: Limits) -> None:
        self._buffer = bytearray()
        self._limits = limits

    def receive(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Take what the network brought; give the head, blank line included, and the bytes behind it, once it is whole.

        Raises:
            HTTPFault: 431 over a bound; 400 where this is no HTTP, or has folded lines or bare line feeds.
        """
        buffer = self._buffer
        searched = max(0, len(buffer) - len(_END) + 1)
        buffer += data
        if buffer and buffer[0] == _TLS_HANDSHAKE:
            raise HTTPFault(400, "this port speaks ws:// and http://, not TLS (wss:// and https://)")
        end = buffer.find(_END, searched)
        size = len(buffer) if end < 0 else end + len(_END)
        if size > self._limits.header_bytes:
            raise HTTPFault(431, f"header above {self._limits.header_bytes} bytes", limit="header_bytes")
        if end < 0:
            return None
        head, rest = bytes(buffer[:size]), bytes(buffer[size:])
        buffer.clear()
        lines = head[: -len(_END)].split(b"\r\n")
        if len(lines) - 1 > self._limits.header_count:
            raise HTTPFault(431, f"more than {self._limits.header_count} header lines", limit="header_count")
        for line in lines:
            if b"\n" in line or b"\r" in line:
                raise HTTPFault(400, "bare line feed or carriage return in the header")
            if line[:1] in (b" ", b"\t"):  # RFC 9112 section 5.2: folded lines are refused
                raise HTTPFault(400, "folded header line")
        return head, rest


class ServerHTTP:
    """The server's side of one request."""

    __slots__ = ("_h11", "_head_only")

    def __init__(self, limits: Limits) -> None:
        self._head_only = False
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.header_bytes)

    def parse(self, head: bytes) -> tuple[str, str, bytes]:
        """Method, target and HTTP version of a whole head.

        Raises:
            HTTPFault: 400, it is malformed or announces a body.
        """
        self._h11.receive_data(head)
        try:
            event = self._h11.next_event()
        except h11.RemoteProtocolError:
            raise HTTPFault(400, "malformed request") from None
        assert isinstance(event, h11.Request), event  # h11 answers a whole head with nothing else
        self._head_only = event.method == b"HEAD"
        if event.method == b"CONNECT":
            raise HTTPFault(400, "CONNECT is for proxies")
        for name, value in event.headers:
            if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")):
                raise HTTPFault(400, "requests with a body are not served")
        return event.method.decode("ascii"), event.target.decode("ascii"), event.http_version

    def switch(self, headers: Iterable[tuple[str, str]]) -> bytes:
        """The 101 answer.

        Raises:
            ValueError: a header is no valid HTTP.
        """
        with _misuse():
            return (
                self._h11.send(
                    h11.InformationalResponse(status_code=101, reason=b"Switching Protocols", headers=list(headers))
                )
                or b""
            )

    def answer(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> list[bytes]:
        """A whole answer: head and body, as it is; to HEAD, and with 204 or 304, no body (RFC 9110 section 6.4.1).

        Raises:
            ValueError: the status or a header is no valid HTTP.
        """
        bodiless = status in (204, 304)
        length = [] if bodiless else [("Content-Length", str(len(body)))]
        fields = [*headers, *length, ("Connection", "close")]
        with _misuse():
            head = (
                self._h11.send(h11.Response(status_code=status, reason=reason_phrase(status).encode(), headers=fields))
                or b""
            )
            if bodiless or self._head_only or not body:
                return [head]
            self._h11.send_with_data_passthrough(h11.Data(data=body))
            return [head, body]


class ClientHTTP:
    """The client's side of one request."""

    __slots__ = ("_h11",)

    def __init__(self, limits: Limits) -> None:
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=limits.header_bytes)

    def request(self, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
        """A GET.

        Raises:
            ValueError: the target or a header is no valid HTTP.
        """
        with _misuse():
            head = self._h11.send(h11.Request(method="GET", target=target, headers=list(headers))) or b""
            return head + (self._h11.send(h11.EndOfMessage()) or b"")

    def parse(self, head: bytes) -> tuple[int, RawHeaders]:
        """Status and header fields of a whole head.

        Raises:
            HTTPFault: it is malformed.
        """
        self._h11.receive_data(head)
        try:
            event = self._h11.next_event()
        except h11.RemoteProtocolError:
            raise HTTPFault(502, "malformed answer") from None
        assert isinstance(event, (h11.InformationalResponse, h11.Response)), event
        return event.status_code, list(event.headers)


@contextmanager
def _misuse() -> Iterator[None]:
    """What h11 says of our caller's status, headers or target is the caller's ValueError."""
    try:
        yield
    except h11.LocalProtocolError as error:
        raise ValueError(str(error)) from None
