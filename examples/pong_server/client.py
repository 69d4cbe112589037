"""What a client in Python needs beside a `GameClient`: where to join, and its own paddle. Shared by window and bots."""

import math
import re
from collections import deque

from examples.pong_server.game import HEIGHT, PADDLE, PADDLE_SPEED

MEMORY = 0.4
"""Seconds that we know where we were: more than the server's word is old."""


class OwnPaddle:
    """Our own paddle as we see it: the way to the server and back is hidden from the hand that plays.

    It moves at once, by the server's own rule, and is led back softly where the server differs.
    """

    def __init__(self) -> None:
        self._y: float | None = None
        self._past: deque[tuple[float, float]] = deque()  # time, y

    def step(self, dy: float, shown: float, dt: float, now: float) -> float:
        """Let `dt` seconds pass with that input; `shown` is where the server says that we were, a moment ago."""
        if self._y is None:
            self._y = shown
            self._past.append((now, shown))
        y = min(max(self._y + dy * PADDLE_SPEED * dt, PADDLE / 2), HEIGHT - PADDLE / 2)
        self._past.append((now, y))
        while self._past[0][0] < now - MEMORY:
            self._past.popleft()
        ys = [past for _, past in self._past]  # if we have been there lately, all is well
        off = max(0.0, shown - max(ys)) + min(0.0, shown - min(ys))
        self._y = y + off * (1 - math.exp(-8 * dt))
        return self._y


def joining(url: str) -> str:
    """The WebSocket's URL for the page's: what the server prints may be given to a client as it is."""
    return re.sub("^http", "ws", url if "://" in url else f"http://{url}")


def said(reason: str) -> str:
    """Why a connection failed, in the words of these programs: a context is made by an option here."""
    return reason.replace("ssl_context=ssl.create_default_context(cafile=...)", "--ca FILE")


def is_secure(url: str) -> bool:
    """Whether that is by TLS."""
    return joining(url).startswith("wss:")
