"""The door of a game: which requests become players, which watch, which are turned away; and who is inside.

Everything is decided before the upgrade, while HTTP can still say why. A seat is taken from then on.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias

from tickws.errors import check_callback
from tickws.game.limits import GameLimits
from tickws.game.session import Session
from tickws.protocol.handshake import Accept, Reject, Request
from tickws.protocol.opcodes import CloseCode, cut_reason
from tickws.sync.wire import SUBPROTOCOL
from tickws.transport.handler import Answer, Handler
from tickws.transport.reception import check_origins, matches
from tickws.transport.server import WebSocketServer
from tickws.transport.websocket import WebSocket

__all__ = ["Authenticate", "Door", "Origins", "server_for"]

logger = logging.getLogger("tickws")

MOST_TOLD: Final = 16
"""Reasons for a refusal that are warned of, each once."""

Authenticate: TypeAlias = Callable[[Request], object]
Origins: TypeAlias = Iterable[str | re.Pattern[str] | None] | Literal["same"] | None


class Door(Handler):
    """Lets clients in, and holds the sessions of those who are.

    Args:
        enter: makes the session of a connection that was let in: (ws, spectator, user).
        leave: told of a session whose connection is closed: (session, code, reason).
        max_players, spectators: the seats; None: any number.
        authenticate: see `GameServer`.
        origins: see `GameServer`.
    """

    def __init__(
        self,
        enter: Callable[[WebSocket, bool, Any], Session],
        leave: Callable[[Session, int, str], None],
        max_players: int | None,
        spectators: int | None,
        authenticate: Authenticate | None,
        origins: Origins,
    ) -> None:
        for name, seats in (("max_players", max_players), ("spectators", spectators)):
            if seats is not None and (isinstance(seats, bool) or not isinstance(seats, int)):
                raise TypeError(f"{name} is a whole number or None, not {seats!r}")
            if seats is not None and seats < (name == "max_players"):
                raise ValueError(f"{name} cannot be {seats!r}")
        if authenticate is not None:
            check_callback("authenticate", authenticate, ("request",))
        if isinstance(origins, str) and origins != "same":
            raise TypeError(f'origins is "same", None or a collection: ({origins!r},)')
        self._enter = enter
        self._leave = leave
        self._seats = {False: max_players, True: spectators}
        self._taken = {False: 0, True: 0}
        self._authenticate = authenticate
        self._origins = origins if origins is None or origins == "same" else check_origins(origins)
        self._told: set[str] = set()  # why somebody was refused
        self._admitted: tuple[bool, Any] = (False, None)  # of the request whose WebSocket opens next, in the same step
        self.sessions: dict[WebSocket, Session] = {}
        """Everybody inside, in the order of their coming; also those who have not said hello."""
        self.turned_away: Counter[int] = Counter()
        """Requests that were refused, by HTTP status."""

    def on_request(self, request: Request) -> Answer:
        """Whether a request is let in."""
        answer = self._judge(request)
        if isinstance(answer, Reject):
            self.turned_away[answer.status] += 1
        return answer

    def _judge(self, request: Request) -> Accept | Reject:
        if SUBPROTOCOL not in request.subprotocols:
            offered = ", ".join(request.subprotocols) or "none"
            return Reject(400, f"400 Bad Request: this game speaks the subprotocol {SUBPROTOCOL}; offered: {offered}\n")
        if not self._origin_fits(request):
            return Reject(403, f"403 Forbidden: the origin {request.origin or '(none)'} may not play here\n")
        spectator = self._seat(request.query.get("role") == "spectator")
        if spectator is None:
            return Reject(503, "503 Service Unavailable: the game is full\n", [("Retry-After", "5")])
        user = True if self._authenticate is None else self._authenticate(request)
        if isinstance(user, Reject):
            return user
        if isinstance(user, Awaitable):
            raise TypeError(f"authenticate answers at once; it gave {user!r}, which is to be awaited")
        if user is None or user is False:
            return Reject(401, "401 Unauthorized: who are you?\n", [("WWW-Authenticate", "Bearer")])  # RFC 9110, 15.5.2
        self._admitted = (spectator, user)
        return Accept(SUBPROTOCOL)

    def _origin_fits(self, request: Request) -> bool:
        if self._origins is None:
            return True
        if self._origins == "same":
            return request.same_origin
        return any(matches(request.origin, allowed) for allowed in self._origins)

    def _seat(self, watch: bool) -> bool | None:
        """Whether the next one plays (False) or watches (True); None: there is no seat."""
        for spectator in (False, True):
            seats = self._seats[spectator]
            if (spectator or not watch) and (seats is None or self._taken[spectator] < seats):
                return spectator
        return None

    def on_open(self, ws: WebSocket) -> None:
        """A client was let in, and has its seat."""
        spectator, user = self._admitted
        self._admitted = (False, None)
        self._taken[spectator] += 1
        ws.data = self.sessions[ws] = self._enter(ws, spectator, user)

    def on_message(self, ws: WebSocket, message: str | bytes) -> None:
        """Something was said."""
        ws.data.receive(message)

    def on_close(self, ws: WebSocket, code: int, reason: str) -> None:
        """A client is gone; its seat is free."""
        session = self.sessions.pop(ws)
        self.vacate(session)
        self._leave(session, code, reason)

    def on_slow(self, ws: WebSocket, seconds: float) -> None:
        """A client's socket does not take what it is sent."""
        ws.data.stalled(seconds)

    def refuse(self, session: Session, reason: str) -> None:
        """Close a session that will not play; each reason is warned of once, so that nobody fills the log."""
        first = reason not in self._told and len(self._told) < MOST_TOLD
        if first:
            self._told.add(reason)
        logger.log(logging.WARNING if first else logging.DEBUG, "%r: refused: %s", session.ws.remote_address, reason)
        session.close(CloseCode.POLICY_VIOLATION, cut_reason(reason))

    def vacate(self, session: Session) -> None:
        """The session is over, and its seat is free."""
        if session.seated:
            session.seated = False
            self._taken[session.spectator] -= 1


def server_for(server: WebSocketServer | None, limits: GameLimits, options: Mapping[str, Any]) -> WebSocketServer:
    """The server that is given, or one of a game's own.

    Raises:
        TypeError: there is one, and it is given options.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if server is None:
        return WebSocketServer(on_request=lambda request: False, limits=limits, **given)
    if given:
        raise TypeError(f"the server that is given has its own {', '.join(given)}")
    return server
