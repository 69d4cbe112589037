"""One player of the soak's load: numbered inputs out, numbered snapshots in."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.payloads import FIRST, INPUT_NUMBER_AT, Tally, make_input, snapshot_number
from benchmarks.peer import BINARY, MASK, Peer, masked

__all__ = ["Player", "PlayerResult"]


@dataclass(frozen=True, slots=True)
class PlayerResult:
    """One player's part of a run."""

    sent: int
    """Inputs."""
    received: int
    """Snapshots."""
    missing: int
    """Snapshots whose number was skipped."""
    disordered: int
    """Snapshots whose number was not above the one before."""
    close_code: int | None
    """The server's; 1006 without a Close; None: the connection still stood when the run ended."""
    fault: str
    """What the server sent that it must not; empty for nothing."""


class Player(Peer):
    """Its input is a masked frame that is made once, and then gets its number."""

    __slots__ = ("_head", "_key", "_tail", "inputs", "snapshots")

    def __init__(self, name: int, host: str) -> None:
        super().__init__(f"/?player={name}", host)
        self.inputs = 0
        """How many were said."""
        self.snapshots = Tally()
        frame = masked(BINARY, make_input(FIRST))
        at = 2 + len(MASK) + INPUT_NUMBER_AT
        self._head, self._tail = frame[:at], frame[at + 4 :]
        self._key = FIRST ^ int.from_bytes(frame[at : at + 4], "big")

    def play(self) -> None:
        """Say the next input."""
        number = (FIRST + self.inputs) ^ self._key
        self.out += self._head + number.to_bytes(4, "big") + self._tail
        self.inputs += 1

    def heard(self, payload: bytes) -> None:
        """A snapshot came."""
        self.snapshots.take(snapshot_number(payload))

    def result(self, *, over: bool) -> PlayerResult:
        """The player's part; `over` tells whether the connection has ended."""
        tally = self.snapshots
        return PlayerResult(
            self.inputs, tally.received, tally.missing, tally.disordered, self.ended(over=over), self.fault
        )
