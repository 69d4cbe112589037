"""One attacker: where it stands in its life, what it heard, and what its kind has done so far."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

from benchmarks.peer import split_frames
from benchmarks.siege.attacks import Attack
from benchmarks.siege.scripts import Order, Script

__all__ = ["Attacker", "Tally"]

CLOSE = 0x88
TLS_ALERT = b"\x15"


@dataclass(slots=True)
class Tally:
    """What the attackers of one kind have done."""

    attempts: int = 0
    """Connections begun."""
    unconnected: int = 0
    """Of those, for which this machine had no socket or port."""
    opened: int = 0
    """101s that they got."""
    acts: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    """How connections ended: a close code, an HTTP status, ..."""


class Attacker:
    """One of them, life after life."""

    __slots__ = (
        "acts", "attack", "begun", "deaf", "due", "held", "life", "number", "opened", "out", "script", "sock", "tls",
        "verdict", "waits", "watched",
    )  # fmt: skip

    def __init__(self, attack: Attack, number: int) -> None:
        self.attack = attack
        self.number = number
        self.life = number  # so that variants are spread
        self.tls = False
        self.sock: socket.socket | None = None
        self.script: Script | None = None
        self.out = memoryview(b"")
        self.acts = 0  # done when `out` is said
        self.held = b""
        self.begun = self.due = 0
        self.waits: Order | None = None
        self.watched = 0
        self.opened = self.deaf = False
        self.verdict = ""

    def hear(self, data: bytes, tally: Tally) -> None:
        """Understand as much of what the server says as tells how this will end."""
        self.held += data
        if not self.opened:
            if self.held.startswith(TLS_ALERT):
                self.verdict = "TLS alert"
            head, blank, rest = self.held.partition(b"\r\n\r\n")
            if not blank or not head.startswith(b"HTTP/1.1 "):
                return
            status = head[9:12].decode(errors="replace")
            if status != "101":
                self.verdict = f"HTTP {status}"
                return
            self.opened, self.held = True, rest
            tally.opened += 1
        frames, self.held = split_frames(self.held)
        for first, payload in frames:
            if first == CLOSE:
                self.verdict = f"close {int.from_bytes(payload[:2], 'big')}"
