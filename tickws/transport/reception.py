"""What a server answers to a request: a file, a refusal, or the upgrade that was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from tickws.protocol.handshake import Accept, Reject, Request, check_tokens
from tickws.protocol.opening import status_text
from tickws.transport.files import File, Files
from tickws.transport.handler import Callbacks
from tickws.transport.link import Link
from tickws.transport.links import Links

__all__ = ["Allowed", "Reception", "check_origins", "matches"]

Allowed = str | re.Pattern[str] | None
"""An origin that may connect, a pattern of them, or None: who names no page."""
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^A-Z/?#@\s]+")
_IMPLIED = re.compile(r"http://.*:80|https://.*:443")


class Reception:
    """Answers requests.

    Args:
        links: the server's.
        server: the source of what `on_request` raises, see `ErrorPolicy`.
        subprotocols, origins, files: as the server's.

    Raises:
        TypeError, ValueError: as the server.
    """

    def __init__(
        self,
        links: Links,
        server: object,
        subprotocols: Sequence[str],
        origins: Iterable[Allowed] | None,
        files: Mapping[str, File] | None,
    ) -> None:
        if isinstance(subprotocols, str):
            raise TypeError(f"subprotocols is a sequence of names: ({subprotocols!r},)")
        check_tokens(subprotocols)
        if origins == "same":
            raise TypeError('origins="same" is a game\'s: refuse in on_request what is not request.same_origin')
        self._links = links
        self._server = server
        self._subprotocols = tuple(subprotocols)
        self._origins = None if origins is None else check_origins(origins)
        self._files = Files({} if files is None else files)
        self._mounts: dict[str, Callbacks] = {}

    def mount(self, path: str, callbacks: Callbacks, files: Mapping[str, File] | None) -> None:
        """Let other callbacks have the WebSockets of one path.

        Raises:
            ValueError: that is no path, or it is taken.
            FileNotFoundError: there is no such file.
        """
        if not path.startswith("/"):
            raise ValueError(f"a path begins with a slash, not {path!r}")
        if path in self._mounts:
            raise ValueError(f"something is mounted at {path!r} already")
        self._files.add({} if files is None else files)
        self._mounts[path] = callbacks

    def answer(self, link: Link, request: Request) -> None:
        """Answer a request; what the callback gets wrong is a 500, and goes where the error policy says."""
        if not request.upgrade:
            self._serve(link, request)
            return
        try:
            answer = self._judge(link, request)
            if link.released:  # the callback closed the server
                return
            if isinstance(answer, Reject):
                link.connection.reject(answer)
            else:
                subprotocols = () if request.path in self._mounts else self._subprotocols
                link.subprotocol = link.connection.accept(request, answer, subprotocols)
        except BaseException as error:
            if not link.released:
                self.refuse(link, 500)
            if not isinstance(error, Exception):
                raise
            self._links.notices.report(error, self._server)
            return
        if isinstance(answer, Reject):
            self._answered(link, answer.status)
        else:
            self._links.websocket(link)
            self._links.opening(link)

    def _judge(self, link: Link, request: Request) -> Accept | Reject:
        """Whether a WebSocket request is let in.

        Raises:
            TypeError: `on_request` gave no answer.
        """
        mounted = self._mounts.get(request.path)
        if (
            mounted is None
            and self._origins is not None
            and not any(map(partial(matches, request.origin), self._origins))
        ):
            return Reject(403, f"403 Forbidden: the origin {request.origin or '(none)'} may not connect\n")
        callbacks = link.callbacks = mounted or link.callbacks
        answer = True if callbacks.on_request is None else callbacks.on_request(request)
        if isinstance(answer, (Accept, Reject)):
            return answer
        if isinstance(answer, bool):
            return Accept() if answer else Reject(404)
        raise TypeError(f"on_request must return True, False, Accept(...) or Reject(...), not {answer!r}")

    def _serve(self, link: Link, request: Request) -> None:
        """Answer plain HTTP: one of the files, or why not."""
        if request.method not in ("GET", "HEAD"):
            self.refuse(link, 405, [("Allow", "GET, HEAD")], f"{request.method} is not served here")
            return
        found = self._files.get(request.path)
        if found is not None:
            headers, content = found
            link.connection.answer(200, headers, content)
            self._answered(link, 200)
        elif self._files:
            self.refuse(link, 404, detail="there is no such page")
        else:
            headers = [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
            scheme = "wss" if request.secure else "ws"
            self.refuse(link, 426, headers, f"this is a WebSocket server; open it with {scheme}://")

    def refuse(self, link: Link, status: int, headers: Sequence[tuple[str, str]] = (), detail: str = "") -> None:
        """Answer with an HTTP status, and what it means here."""
        link.connection.answer(status, headers, status_text(status, detail))
        self._answered(link, status)

    def _answered(self, link: Link, status: int) -> None:
        self._links.answered[status] += 1
        self._links.end(link)


def check_origins(origins: Iterable[Allowed]) -> tuple[Allowed, ...]:
    """What is allowed, as a tuple.

    Raises:
        TypeError: it is no collection, or something in it is neither text, a pattern of text, nor None.
        ValueError: no browser says that origin (RFC 6454 section 6.2).
    """
    if isinstance(origins, str):
        raise TypeError(f"origins is a collection: ({origins!r},)")
    allowed = tuple(origins)
    for origin in allowed:
        if isinstance(origin, str):
            if origin != "null" and (not _ORIGIN.fullmatch(origin) or _IMPLIED.fullmatch(origin)):
                raise ValueError(
                    f"no browser says the origin {origin!r}: it is scheme and host in small letters, and the port "
                    'where it is not the usual one, without a path: "https://game.example"'
                )
        elif origin is not None and not (isinstance(origin, re.Pattern) and isinstance(origin.pattern, str)):
            raise TypeError(f"an origin is text, a pattern of text, or None, not {origin!r}")
    return allowed


def matches(origin: str | None, allowed: Allowed) -> bool:
    """Whether an origin is the one allowed, or fits its pattern as a whole."""
    if isinstance(allowed, re.Pattern):
        return origin is not None and allowed.fullmatch(origin) is not None
    return origin == allowed
