"""Echoes that are wrong on purpose: `python -m tests.conformance.broken [URL] DEFECT`; a client where there is a URL.

They are those under test, spoiled; the runner's tests see that each defect is found.
"""

from __future__ import annotations

import codecs
import os
import sys

import tickws
from tests.conformance import echo_client, echo_server
from tests.conformance.echoes import echo
from tickws.protocol import messages
from tickws.transport.handler import OnMessage

__all__ = ["DEFECTS"]

CUT = 125


class LateDecoder(codecs.BufferedIncrementalDecoder):
    """Says that a text is no UTF-8 only at its end, which the suite calls NON-STRICT."""

    def _buffer_decode(self, data: bytes, errors: str, final: bool) -> tuple[str, int]:  # type: ignore[override]
        return (data.decode(), len(data)) if final else ("", 0)


def cuts(ws: tickws.WebSocket, message: str | bytes) -> None:
    """Loses what is behind the 125th character or byte."""
    ws.send(message[:CUT])


def retypes(ws: tickws.WebSocket, message: str | bytes) -> None:
    """Answers bytes with text."""
    ws.send(message if isinstance(message, str) else message.decode("latin-1"))


def leaves(ws: tickws.WebSocket, message: str | bytes) -> None:
    """Echoes, and closes, which nobody asked for."""
    ws.send(message)
    ws.close(1001)


def dies(ws: tickws.WebSocket, message: str | bytes) -> None:
    """Takes the whole process along."""
    os._exit(3)


DEFECTS: dict[str, OnMessage] = {
    "nothing": echo,
    "checks_late": echo,
    "cuts": cuts,
    "retypes": retypes,
    "leaves": leaves,
    "dies": dies,
}


if __name__ == "__main__":
    *url, name = sys.argv[1:]
    if name == "checks_late":
        vars(messages)["_UTF8"] = LateDecoder
    if url:
        echo_client.main(url[0], "off", DEFECTS[name])
    else:
        echo_server.serve("off", DEFECTS[name])
