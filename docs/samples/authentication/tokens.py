"""Signed tokens that say who somebody is: valid for some seconds, and once. Whoever knows the secret can make them."""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable

SKEW = 5.0  # seconds by which the clock of whoever makes tokens may be ahead of ours
LONGEST = 1024  # characters; ours are shorter


class BadToken(Exception):
    """Why a token is not taken. Tells nothing that its bearer does not know."""


class Tokens:
    """Makes tokens and redeems them; the two may be in two processes, which share the secret.

    Args:
        secret: 32 random bytes or more: `secrets.token_bytes(32)`; for this purpose alone.
        seconds: how long a token is valid.
        clock: seconds since 1970.
    """

    def __init__(self, secret: bytes, *, seconds: float = 30.0, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._seconds = seconds
        self._clock = clock
        self._used: dict[str, float] = {}  # tokens, and when they expire

    def issue(self, user: str) -> str:
        """A token for `user`, of letters, digits, "-", "_" and one "."."""
        claims = [user, self._clock(), secrets.token_hex(8)]
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        return f"{body}.{self._sign(body)}"

    def redeem(self, token: str) -> str:
        """Whom the token names; from now on it is used.

        Raises:
            BadToken: it is not ours, or not valid now, or was used before.
        """
        if not token:
            raise BadToken("a token is missing")
        if len(token) > LONGEST:
            raise BadToken("the token is too long")
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._sign(body).encode(), signature.encode()):  # bytes: str must be ASCII there
            raise BadToken("the token is not ours")  # and nobody has decoded a byte of it
        user, issued, _ = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        now, expires = self._clock(), issued + self._seconds
        if now < issued - SKEW:
            raise BadToken("the token is not valid yet: do the clocks agree?")
        if now >= expires:
            raise BadToken("the token has expired")
        for used in [used for used, end in self._used.items() if end <= now]:
            del self._used[used]
        if token in self._used:
            raise BadToken("the token was used before")
        self._used[token] = expires
        return str(user)

    def _sign(self, body: str) -> str:
        digest = hmac.digest(self._secret, body.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
