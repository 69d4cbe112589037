"""A session cookie, which the browser sends by itself. It does so for every page: so `origins` says whose pages may."""

import hashlib
import secrets
import time
from collections.abc import Callable

import tickws


class Sessions:
    """Who is logged in. Kept are digests: neither this memory nor the time of a look-up gives a session away.

    Args:
        name: of the cookie. Over https call it "__Host-session": then no other host can set it.
        secure: the cookie goes over TLS alone; False is for trying it out.
        seconds: how long a session lasts.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        name: str = "__Host-session",
        *,
        secure: bool = True,
        seconds: float = 24 * 3600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._attributes = "Path=/; HttpOnly; SameSite=Strict" + "; Secure" * secure
        self._seconds = seconds
        self._clock = clock
        self._users: dict[bytes, tuple[str, float]] = {}  # a session's digest: whose it is, and when it ends

    def begin(self, user: str) -> str:
        """Log `user` in; gives the value of a Set-Cookie header."""
        session, now = secrets.token_urlsafe(32), self._clock()
        self._users = {digest: entry for digest, entry in self._users.items() if now < entry[1]}
        self._users[self._digest(session)] = (user, now + self._seconds)
        return f"{self._name}={session}; {self._attributes}; Max-Age={self._seconds:.0f}"

    def end(self, request: tickws.Request) -> None:
        """Log out."""
        self._users.pop(self._digest(request.cookies.get(self._name, "")), None)

    def user(self, request: tickws.Request) -> str | None:
        """Who asks."""
        digest = self._digest(request.cookies.get(self._name, ""))
        user, ends = self._users.get(digest, ("", 0.0))
        return user if self._clock() < ends else None

    @staticmethod
    def _digest(session: str) -> bytes:
        return hashlib.sha256(session.encode()).digest()


sessions = Sessions("session", secure=False)


def authenticate(request: tickws.Request) -> str | tickws.Reject:
    """Who asks; for a game: `GameServer(authenticate=authenticate)`, whose `origins` are right by themselves."""
    return sessions.user(request) or tickws.Reject(401, "401 Unauthorized: log in first\n")


def on_request(request: tickws.Request) -> bool | tickws.Reject:
    """The same for a server alone, whose `origins` are a list, if they are not those of its own pages, as here."""
    if not request.same_origin:
        return tickws.Reject(403, f"403 Forbidden: {request.origin} is not this site\n")
    user = authenticate(request)
    if isinstance(user, tickws.Reject):
        return user
    request.data = user
    return True


def on_open(ws: tickws.WebSocket) -> None:
    ws.data = ws.request.data
    ws.send(f"welcome, {ws.data}")


def main() -> None:
    with tickws.WebSocketServer(port=8056, on_request=on_request, on_open=on_open) as server:
        # In real life your website sets this cookie, over https, when somebody logs in there.
        cookie = sessions.begin("ada").partition(";")[0]
        print(f"ws://127.0.0.1:{server.port}/ with the header Cookie: {cookie}", flush=True)
        while server.work(0.020):
            pass


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
