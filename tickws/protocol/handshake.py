"""The opening handshake (RFC 6455 sections 4.1 and 4.2), both sides, as functions on heads.

A server's request is checked against every clause of section 4.2.1 and answered by section 4.2.2; a client's answer
against every clause of section 4.1. What is wrong is an `HTTPFault` with the status to answer.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from tickws.errors import HTTPFault
from tickws.protocol.extensions import Extension, parse_extensions
from tickws.protocol.http import Headers

__all__ = [
    "Accept",
    "Reject",
    "Request",
    "accept_key",
    "check_response",
    "check_target",
    "check_tokens",
    "check_upgrade",
    "client_headers",
    "is_target",
    "server_headers",
]

VERSION = "13"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PRODUCT = re.compile(rf"{_TOKEN.pattern}(?:/{_TOKEN.pattern})?")  # RFC 9110 section 7.8
_TARGET = re.compile(r"(?:https?://[^/?#]+(?=[/?]|$)|(?=/))(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?", re.IGNORECASE)
_OURS = frozenset(
    {
        "connection",
        "content-length",
        "transfer-encoding",
        "upgrade",
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-protocol",
    }
)

HeaderFields = Mapping[str, str] | Sequence[tuple[str, str]]


def header_pairs(headers: HeaderFields) -> list[tuple[str, str]]:
    """Extra headers of a caller as pairs.

    Raises:
        ValueError: one of them is the handshake's own.
    """
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    for name, _ in pairs:
        if name.lower() in _OURS:
            raise ValueError(f"the header {name} is set by tickws")
    return pairs


@dataclass(frozen=True, slots=True)
class Accept:
    """Let a request in (an answer of `on_request`).

    Args:
        subprotocol: one of those that the client offered; None leaves the choice to the server's list.
        headers: further headers of the 101 answer.

    Raises:
        ValueError: a header is the handshake's own.
    """

    subprotocol: str | None = None
    headers: HeaderFields = ()

    def __post_init__(self) -> None:
        header_pairs(self.headers)


@dataclass(frozen=True, slots=True)
class Reject:
    """Turn a request away with an HTTP answer (an answer of `on_request`).

    Args:
        status: an HTTP status of 300 or more.
        body: text (served as text/plain) or bytes; empty: the status in words.
        headers: further headers.

    Raises:
        TypeError: the body is neither text nor bytes.
        ValueError: the status is none for a refusal, or a header is the server's own.
    """

    status: int = 404
    body: str | bytes = ""
    headers: HeaderFields = ()

    def __post_init__(self) -> None:
        if not isinstance(self.body, (str, bytes)):
            raise TypeError(f"the body of a refusal is str or bytes, not {type(self.body).__name__}")
        if not isinstance(self.status, int) or not 300 <= self.status <= 599:
            raise ValueError(f"a request is refused with a status from 300 to 599, not {self.status!r}")
        header_pairs(self.headers)


class Request:
    """An HTTP request as it came. Everything is parsed when asked for; kept is only the head itself.

    `remote_address` is what the transport says of the peer: (host, port), with IPv6 (host, port, flow, scope), of a
    unix socket mostly "", behind a trusted proxy (IP address, 0); or None. `secure`: whether the client came by TLS.
    """

    __slots__ = ("_head", "data", "method", "remote_address", "secure", "target")

    def __init__(self, method: str, target: str, head: bytes) -> None:
        self.method = method
        """The method, "GET" for every WebSocket."""
        self.target = target
        """The request target as sent."""
        self.remote_address: Any = None
        self.secure = False
        self.data: Any = None
        """Yours: what `on_request` has found out, for `on_open`, which finds it at `ws.request.data`."""
        self._head = head

    @property
    def path(self) -> str:
        """The path, percent-decoded, without the query."""
        return unquote(self._split()[0] or "/")

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of one that came several times, the last."""
        return dict(parse_qsl(self._split()[1] or "", keep_blank_values=True))

    @property
    def headers(self) -> Headers:
        """All header fields, by name in any case."""
        lines = self._head.split(b"\r\n")[1:-2]
        return Headers((name, value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines))

    @property
    def origin(self) -> str | None:
        """The Origin header (section 10.2): the page that opens this connection; None outside browsers."""
        return self.headers.get("origin")

    @property
    def same_origin(self) -> bool:
        """Whether the page that asks came from this very host and port, or no page does (RFC 6455 section 10.2).

        Who came by TLS has its page from there as well. The reverse is not asked for: a proxy may end the TLS and say
        nothing of it. A Host may name the port that its scheme implies, an Origin never does (RFC 6454 section 6.1).
        """
        origin = self.origin
        if origin is None:
            return True
        scheme, _, authority = origin.lower().partition("://")
        default_port = {"http": ":80", "https": ":443"}.get(scheme)
        if not authority or default_port is None or (self.secure and scheme != "https"):
            return False
        return self.headers.get("host", "").lower() in (authority, authority + default_port)

    @property
    def cookies(self) -> dict[str, str]:
        """Cookies by name (RFC 6265 section 5.4); of one that came several times, the first."""
        cookies: dict[str, str] = {}
        for pair in self.headers.get("cookie", "").split(";"):
            name, equals, value = pair.strip().partition("=")
            if equals:
                cookies.setdefault(name, value.strip('"'))
        return cookies

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """The subprotocols that the client offers, in its order of preference (section 1.9)."""
        return tuple(self.headers.tokens("sec-websocket-protocol"))

    @property
    def extensions(self) -> list[Extension]:
        """The extensions that the client offers, in its order, each a name and its parameters (section 9.1)."""
        header = self.headers.get("sec-websocket-extensions")
        return [] if header is None else parse_extensions(header)

    @property
    def upgrade(self) -> bool:
        """Whether this asks for a WebSocket: an Upgrade header that names it (section 4.2.1, item 3)."""
        return "websocket" in (token.lower() for token in self.headers.tokens("upgrade"))

    def _split(self) -> tuple[str | None, str | None]:
        match = _TARGET.fullmatch(self.target)
        assert match is not None, self.target  # checked before anybody saw this request
        return match["path"], match["query"]

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target}>"


def accept_key(key: str) -> str:
    """The Sec-WebSocket-Accept that answers `key` (section 4.2.2, item 5.4)."""
    return base64.b64encode(hashlib.sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()).decode("ascii")


def is_target(target: str) -> bool:
    """Whether `target` is a path with or without a query, or the same behind http://host."""
    return _TARGET.fullmatch(target) is not None


def check_target(target: str) -> None:
    """Check a request target: a path with or without a query, or the same behind http://host (section 4.2.1, item 1).

    Raises:
        HTTPFault: 400, it is neither, or has a fragment (section 3).
    """
    if not is_target(target):
        raise HTTPFault(400, "the request target is neither a path nor an http URL")


def check_upgrade(request: Request, http_version: bytes) -> str:
    """Check a client's opening handshake (section 4.2.1) and give its key.

    Raises:
        HTTPFault: 405 for another method than GET, 426 for another version than 13, else 400.
    """
    if request.method != "GET":
        raise HTTPFault(405, "a WebSocket handshake is a GET", (("Allow", "GET"),))
    headers = request.headers
    if http_version < b"1.1":
        raise HTTPFault(400, "a WebSocket handshake needs HTTP/1.1")
    if not headers.get("host"):  # h11 asks for one in HTTP/1.1 only, and takes an empty one
        raise HTTPFault(400, "the header Host is missing")
    if not all(map(_PRODUCT.fullmatch, headers.tokens("upgrade"))):
        raise HTTPFault(400, "the Upgrade header is malformed")
    if not _connection_upgrades(headers):
        raise HTTPFault(400, "the Connection header does not say Upgrade, or is malformed")
    version = _single(headers, "sec-websocket-version")
    if version != VERSION:
        raise HTTPFault(
            426,
            f"WebSocket version {VERSION} is spoken here, not {version[:20]}",
            (("Upgrade", "websocket"), ("Sec-WebSocket-Version", VERSION)),
        )
    key = _single(headers, "sec-websocket-key")
    try:
        nonce = base64.b64decode(key.encode("latin-1"), validate=True)
    except binascii.Error:
        nonce = b""
    if len(nonce) != 16:
        raise HTTPFault(400, "Sec-WebSocket-Key is not the base64 of 16 bytes")
    if "," in headers.get("origin", ""):
        raise HTTPFault(400, "more than one Origin header")
    if "sec-websocket-protocol" in headers:
        offered = request.subprotocols
        if not offered or len(set(offered)) != len(offered) or not all(map(_TOKEN.fullmatch, offered)):
            raise HTTPFault(400, "Sec-WebSocket-Protocol is not a list of distinct tokens")
    if "sec-websocket-extensions" in headers:
        try:
            parse_extensions(headers["sec-websocket-extensions"])
        except ValueError as error:  # section 9.1: whoever cannot read it MUST fail the connection
            raise HTTPFault(400, str(error)) from None
    return key


def server_headers(
    key: str, subprotocol: str | None, extra: HeaderFields, extensions: str = ""
) -> list[tuple[str, str]]:
    """The headers of the 101 answer (section 4.2.2, item 5)."""
    headers = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept_key(key))]
    if subprotocol is not None:
        headers.append(("Sec-WebSocket-Protocol", subprotocol))
    if extensions:
        headers.append(("Sec-WebSocket-Extensions", extensions))
    return headers + header_pairs(extra)


def client_headers(
    host: str,
    key: str,
    subprotocols: Sequence[str],
    origin: str | None,
    extra: HeaderFields,
    extensions: str = "",
) -> list[tuple[str, str]]:
    """The headers of a client's request (section 4.1).

    Raises:
        ValueError: the subprotocols are not distinct tokens, or a header is the handshake's own.
    """
    if isinstance(subprotocols, str) or len(set(subprotocols)) != len(subprotocols):
        raise ValueError(f"subprotocols must be a sequence of distinct names, not {subprotocols!r}")
    check_tokens(subprotocols)
    headers = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", VERSION),
    ]
    if subprotocols:
        headers.append(("Sec-WebSocket-Protocol", ", ".join(subprotocols)))
    if extensions:
        headers.append(("Sec-WebSocket-Extensions", extensions))
    if origin is not None:
        headers.append(("Origin", origin))
    pairs = header_pairs(extra)
    taken = {name.lower() for name, _ in headers}
    for name, _ in pairs:
        if name.lower() in taken:
            raise ValueError(f"the header {name} is set by tickws")
    return headers + pairs


def check_tokens(subprotocols: Iterable[str]) -> None:
    """Raise ValueError for a subprotocol name that HTTP cannot carry (section 4.1, item 10)."""
    for name in subprotocols:
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is no subprotocol name: letters, digits and !#$%&'*+-.^_`|~ only")


def check_response(status: int, headers: Headers, key: str, subprotocols: Sequence[str]) -> str | None:
    """Check a server's answer (section 4.1, "the client MUST validate") and give the subprotocol it chose.

    Raises:
        HTTPFault: it is no acceptance of what was asked; carries the status.
    """
    if status != 101:
        raise HTTPFault(status, f"the server answered with HTTP status {status}")
    if headers.get("upgrade", "").lower() != "websocket":
        raise HTTPFault(status, "the answer's Upgrade header is not websocket")
    if not _connection_upgrades(headers):
        raise HTTPFault(status, "the answer's Connection header does not say Upgrade, or is malformed")
    if headers.get("sec-websocket-accept") != accept_key(key):
        raise HTTPFault(status, "the answer's Sec-WebSocket-Accept does not match")
    chosen = headers.get("sec-websocket-protocol")
    if chosen is not None and chosen not in subprotocols:
        raise HTTPFault(status, f"the server chose the subprotocol {chosen!r}, which was not offered")
    return chosen


def _connection_upgrades(headers: Headers) -> bool:
    """Whether the Connection header is a list of tokens, Upgrade among them (RFC 9110 section 7.6.1)."""
    tokens = headers.tokens("connection")
    return all(map(_TOKEN.fullmatch, tokens)) and "upgrade" in map(str.lower, tokens)


def _single(headers: Headers, name: str) -> str:
    """A header that must come exactly once (section 11.3: "MUST NOT appear more than once")."""
    value = headers.get(name)
    if value is None:
        raise HTTPFault(400, f"the header {name.title()} is missing")
    if "," in value:
        raise HTTPFault(400, f"more than one {name.title()} header")
    return value
