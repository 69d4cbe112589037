"""The opening handshake as a state machine on bytes, one class a role; `Connection` drops it when it is over.

In: the bytes of one HTTP head, within bounds. Out: the request or the server's answer, checked, and the bytes behind
the blank line, which are frames already. A peer's fault is an `HTTPFault`, which `Connection` turns into an answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from tickws.errors import HTTPFault, UsageError
from tickws.protocol.events import Opened
from tickws.protocol.extensions import Deflate, Terms, accept_answer, answer_offers, make_offer
from tickws.protocol.handshake import (
    Accept,
    HeaderFields,
    Request,
    check_response,
    check_target,
    check_upgrade,
    client_headers,
    is_target,
    server_headers,
)
from tickws.protocol.http import ClientHTTP, Headers, HeadReader, ServerHTTP, reason_phrase
from tickws.protocol.limits import Limits

__all__ = ["ClientOpening", "ServerOpening", "status_text"]


class ServerOpening:
    """Reads one request, gives the bytes of one answer.

    Args:
        compression: what to agree to.
    """

    __slots__ = ("_compression", "_head", "_http", "_key", "_limits", "rest", "terms")

    def __init__(self, limits: Limits, compression: Deflate | None = None) -> None:
        self._limits = limits
        self._head = HeadReader(limits)
        self._http: ServerHTTP | None = None
        self._key = ""
        self._compression = compression
        self.terms: Terms | None = None
        """What was agreed of compression."""
        self.rest = b""

    def receive(self, data: bytes) -> Request | None:
        """Take bytes; give the request once its head is whole and, if it asks for a WebSocket, valid.

        Raises:
            HTTPFault: it is not.
        """
        found = self._head.receive(data)
        if found is None:
            return None
        head, self.rest = found
        self._http = ServerHTTP(self._limits)
        method, target, version = self._http.parse(head)
        check_target(target)
        request = Request(method, target, head)
        if request.upgrade:
            self._key = check_upgrade(request, version)
        return request

    def accept(self, request: Request, answer: Accept, supported: Sequence[str]) -> tuple[bytes, str | None]:
        """The 101 answer, and the subprotocol in it.

        Raises:
            UsageError: the request asks for no WebSocket.
            ValueError: the subprotocol was not offered, or a header is no valid HTTP.
        """
        if not self._key:
            raise UsageError("a plain HTTP request cannot be accepted as a WebSocket")
        assert self._http is not None
        offered = request.subprotocols
        subprotocol = answer.subprotocol
        if subprotocol is None:
            subprotocol = next((name for name in offered if name in supported), None)
        elif subprotocol not in offered:
            raise ValueError(f"the client did not offer the subprotocol {subprotocol!r}, only {list(offered)!r}")
        if self._compression is not None:
            self.terms = answer_offers(request.extensions, self._compression)
        extensions = self.terms.header if self.terms else ""
        return self._http.switch(server_headers(self._key, subprotocol, answer.headers, extensions)), subprotocol

    def answer(self, status: int, headers: Sequence[tuple[str, str]], body: str | bytes) -> list[bytes]:
        """A plain HTTP answer, in pieces; text goes as text/plain unless `headers` say otherwise.

        Raises:
            ValueError: the status or a header is no valid HTTP.
        """
        http = self._http or ServerHTTP(self._limits)
        fields = list(headers)
        if not any(name.lower() == "content-type" for name, _ in fields):
            kind = "text/plain; charset=utf-8" if isinstance(body, str) else "application/octet-stream"
            fields.append(("Content-Type", kind))
        return http.answer(status, fields, body.encode() if isinstance(body, str) else body)


class ClientOpening:
    """Gives the bytes of one request, reads the server's answer.

    Args:
        key: the base64 of 16 random bytes (section 4.1, item 7).
        compression: what to offer.
    """

    __slots__ = ("_compression", "_head", "_http", "_key", "_subprotocols", "rest", "terms")

    def __init__(self, limits: Limits, key: str, compression: Deflate | None = None) -> None:
        self._head = HeadReader(limits)
        self._http = ClientHTTP(limits)
        self._key = key
        self._compression = compression
        self._subprotocols: tuple[str, ...] = ()
        self.terms: Terms | None = None
        """What was agreed of compression."""
        self.rest = b""

    def request(
        self, host: str, target: str, subprotocols: Sequence[str], origin: str | None, headers: HeaderFields
    ) -> bytes:
        """The request (section 4.1).

        Raises:
            ValueError: an argument is no valid HTTP, or a header is the handshake's own.
        """
        if not is_target(target):
            raise ValueError(f"the request target is a path, with or without a query, not {target!r}")
        self._subprotocols = tuple(subprotocols)
        offer = "" if self._compression is None else make_offer(self._compression)
        return self._http.request(target, client_headers(host, self._key, subprotocols, origin, headers, offer))

    def receive(self, data: bytes) -> Opened | None:
        """Take bytes; give the server's acceptance once it is whole and valid.

        Raises:
            HTTPFault: it is something else.
        """
        while (found := self._head.receive(data)) is not None:
            head, data = found
            status, fields = self._http.parse(head)
            if status == 101 or status >= 200:  # RFC 9110 section 15.2: interim answers may come first
                headers = Headers(fields)
                subprotocol = check_response(status, headers, self._key, self._subprotocols)
                try:
                    self.terms = accept_answer(headers.get("sec-websocket-extensions"), self._compression)
                except ValueError as error:
                    raise HTTPFault(status, str(error)) from None
                self.rest = data
                return Opened(subprotocol, headers)
        return None


def status_text(status: int, detail: str = "") -> str:
    """A plain-text body for a refusal."""
    line = f"{status} {reason_phrase(status)}".rstrip()
    return f"{line}: {detail}\n" if detail else f"{line}\n"
