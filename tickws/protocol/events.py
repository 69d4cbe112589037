"""What a connection tells its owner: the events that `Connection.next_event` gives.

A whole message is no class but its payload, a str or bytes: the commonest event costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from tickws.protocol.handshake import Request
from tickws.protocol.http import Headers
from tickws.protocol.opcodes import Opcode

__all__ = ["Closed", "Event", "Failed", "Frame", "Message", "Opened", "Ping", "Pong", "Progress"]

Message: TypeAlias = str | bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """A data frame as it came (section 5.2): a whole message where `fin` is True and `opcode` no continuation."""

    opcode: Opcode
    payload: bytes
    fin: bool


class Progress(Enum):
    """Work was done, and there is nothing to tell yet: ask again.

    A flood of fragments is thereby as many steps as it has frames, and none of them long.
    """

    FRAGMENT = "fragment"
    """A fragment was taken in, and its message is not complete (section 5.4)."""
    INFLATED = "inflated"
    """A chunk of a compressed message was inflated, and there is more of it (RFC 7692 section 7.2.2)."""


@dataclass(frozen=True, slots=True)
class Ping:
    """A Ping (section 5.5.2). The connection has answered it already."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Pong:
    """A Pong (section 5.5.3), asked for or not."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """Client: the server accepted."""

    subprotocol: str | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Failed:
    """The opening handshake failed. `status`: the HTTP answer given, by either side; None: the peer went away.

    `limit`: the field of `Limits` that the peer overstepped, where it did.
    """

    status: int | None
    reason: str
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """An open connection ended; comes once. `fault`: the peer broke a rule, and `code` is what we failed it with.

    Without a fault, code and reason are those of the Close that began the closing handshake, whoever sent it, and 1006
    where the peer went away without finishing it.
    """

    code: int
    reason: str
    fault: bool = False


Event: TypeAlias = Message | Frame | Progress | Ping | Pong | Request | Opened | Failed | Closed
