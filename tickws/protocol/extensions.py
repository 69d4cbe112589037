"""Which extensions are spoken: the header's grammar (RFC 6455 section 9.1), and permessage-deflate's terms (RFC 7692).

A server answers the first offer that it can keep; one with an unknown, doubled or impossible parameter is declined, and
the next is looked at (RFC 7692 section 7). A client takes an answer to what it offered, or fails. Terms are kept as
ours and the peer's, whoever is the server.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

__all__ = ["Deflate", "Terms", "accept_answer", "answer_offers", "make_offer", "parse_extensions"]

Parameters: TypeAlias = list[tuple[str, str | None]]
Extension: TypeAlias = tuple[str, Parameters]

NAME: Final = "permessage-deflate"
MOST_BITS: Final = 15
MOST_PARTS: Final = 64
"""Extensions and parameters in one header: browsers send two, and reading is a step that must not last."""
_LETTER = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_TOKEN = f"{_LETTER}+"
_PARAMETER = re.compile(rf';[ \t]*({_TOKEN})(?:[ \t]*=[ \t]*({_TOKEN}|"(?:\\?{_LETTER})+"))?[ \t]*')
_EXTENSION = re.compile(rf"[ \t]*({_TOKEN})[ \t]*((?:{_PARAMETER.pattern})*)")
_BITS = re.compile("[89]|1[0-5]")  # RFC 7692 section 7.1.2: a decimal without leading zeros, from 8 to 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Deflate:
    """What we agree to of permessage-deflate (RFC 7692), the compression of messages; for a server or a client.

    Without context takeover, each message is compressed by itself: a broadcast is compressed once for all, and a silent
    connection holds no memory for it. With it, small messages that are alike become much smaller, and each connection
    compresses alone. The peer may ask for less than is given here.

    Args:
        level: zlib's, from 1 (fast) to 9 (small).
        memory_level: zlib's, from 1 to 9. (5: websockets'.)
        window_bits: how far back our messages refer: 2 ** 8 to 2 ** 15 bytes. (12: websockets'.)
        peer_window_bits: the same for what the peer sends, where it can be told (section 7.1.2.2).
        context_takeover: whether our messages refer to earlier ones. Costs 2 ** (window_bits + 2) + 2 ** (memory_level
            + 9) bytes a connection.
        peer_context_takeover: whether the peer's may. Costs 2 ** peer_window_bits bytes a connection, and 7 KiB.
        threshold_bytes: shorter messages go plain.

    Raises:
        TypeError, ValueError: a number that is none, or is out of its range.
    """

    level: int = 1
    memory_level: int = 5
    window_bits: int = 12
    peer_window_bits: int = 12
    context_takeover: bool = False
    peer_context_takeover: bool = False
    threshold_bytes: int = 256

    def __post_init__(self) -> None:
        for name, least, most in (
            ("level", 1, 9),
            ("memory_level", 1, 9),
            ("window_bits", 8, MOST_BITS),
            ("peer_window_bits", 8, MOST_BITS),
            ("threshold_bytes", 0, None),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"Deflate.{name} is a whole number, not {value!r}")
            if value < least or (most is not None and value > most):
                raise ValueError(f"Deflate.{name} is at least {least}{f' and at most {most}' if most else ''}: {value}")
        for name in ("context_takeover", "peer_context_takeover"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"Deflate.{name} is True or False, not {getattr(self, name)!r}")


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed: `window_bits` and `context_takeover` are of what we send, the others of what the peer sends."""

    window_bits: int
    context_takeover: bool
    peer_window_bits: int
    peer_context_takeover: bool
    header: str
    """As it stands in the server's answer."""


def parse_extensions(header: str) -> list[Extension]:
    """The elements of a Sec-WebSocket-Extensions header, each a name and its parameters in order.

    Raises:
        ValueError: it breaks the grammar of RFC 6455 section 9.1 (a quoted value must be a token, too), or is too long.
    """
    if header.count(",") + header.count(";") > MOST_PARTS:
        raise ValueError(f"Sec-WebSocket-Extensions has more than {MOST_PARTS} parts")
    found: list[Extension] = []
    position, size = 0, len(header)
    while True:
        match = _EXTENSION.match(header, position)
        if match is not None:
            parameters: Parameters = [
                (name, value.strip('"').replace("\\", "") if value else None)
                for name, value in _PARAMETER.findall(match[2])
            ]
            found.append((match[1], parameters))
            position = match.end()
        else:  # RFC 9110 section 5.6.1: a list may have empty elements
            while position < size and header[position] in " \t":
                position += 1
        if position >= size and found:
            return found
        if position >= size or header[position] != ",":
            raise ValueError("Sec-WebSocket-Extensions is not a list of extensions")
        position += 1


def answer_offers(offers: Sequence[Extension], ours: Deflate) -> Terms | None:
    """Server: the terms for the first offer that can be kept; None where there is none (section 5.1)."""
    for name, parameters in offers:
        offer = _valid(parameters) if name == NAME else None
        if offer is None or offer.get("server_max_window_bits", "8") is None:  # section 7.1.2.1: it has a value
            continue
        asked = offer.get("client_max_window_bits")
        return _terms(
            named="server_max_window_bits" in offer,
            window_bits=min(ours.window_bits, int(offer.get("server_max_window_bits") or MOST_BITS)),
            context_takeover=ours.context_takeover and "server_no_context_takeover" not in offer,
            # it can be told of a bound only where it says that it knows them (section 7.1.2.2)
            peer_window_bits=min(ours.peer_window_bits, int(asked or MOST_BITS))
            if "client_max_window_bits" in offer
            else MOST_BITS,
            peer_context_takeover=ours.peer_context_takeover and "client_no_context_takeover" not in offer,
        )
    return None


def _terms(
    named: bool, window_bits: int, context_takeover: bool, peer_window_bits: int, peer_context_takeover: bool
) -> Terms:
    """A server's terms, with the header that states them; `named`: the client asked for a bound of our window."""
    header = NAME
    if not context_takeover:
        header += "; server_no_context_takeover"
    if not peer_context_takeover:
        header += "; client_no_context_takeover"
    if named or window_bits < MOST_BITS:  # who asks is told, even that it is the largest (section 7.1.2.1)
        header += f"; server_max_window_bits={window_bits}"
    if peer_window_bits < MOST_BITS:
        header += f"; client_max_window_bits={peer_window_bits}"
    return Terms(window_bits, context_takeover, peer_window_bits, peer_context_takeover, header)


def make_offer(ours: Deflate) -> str:
    """Client: the header that offers permessage-deflate (section 7.1)."""
    header = NAME
    if not ours.peer_context_takeover:
        header += "; server_no_context_takeover"
    if not ours.context_takeover:
        header += "; client_no_context_takeover"
    if ours.peer_window_bits < MOST_BITS:
        header += f"; server_max_window_bits={ours.peer_window_bits}"
    bits = f"={ours.window_bits}" if ours.window_bits < MOST_BITS else ""
    return f"{header}; client_max_window_bits{bits}"


def accept_answer(header: str | None, ours: Deflate | None) -> Terms | None:
    """Client: the terms that the server's header states; None where there is none, and it chose nothing.

    Raises:
        ValueError: it is no answer to what was offered (RFC 6455 section 4.1; RFC 7692 section 7).
    """
    if header is None:
        return None
    chosen = parse_extensions(header)
    if ours is None or len(chosen) != 1 or chosen[0][0] != NAME:
        raise ValueError("the server chose an extension that was not offered")
    answer = _valid(chosen[0][1])
    if answer is None or None in (answer.get("server_max_window_bits", ""), answer.get("client_max_window_bits", "")):
        raise ValueError(f"the server's terms make no sense: {header}")
    theirs = int(answer.get("server_max_window_bits") or MOST_BITS)
    if theirs > ours.peer_window_bits:
        raise ValueError(f"the server wants a larger window than was offered: {header}")
    if not ours.peer_context_takeover and "server_no_context_takeover" not in answer:
        raise ValueError("the server does not promise server_no_context_takeover, as it was asked to")
    return Terms(
        # what we offered is a hint, so its bound may lie above (section 7.1.2.2)
        window_bits=min(ours.window_bits, int(answer.get("client_max_window_bits") or MOST_BITS)),
        context_takeover=ours.context_takeover and "client_no_context_takeover" not in answer,
        peer_window_bits=theirs,
        peer_context_takeover="server_no_context_takeover" not in answer,
        header=header,
    )


def _valid(parameters: Parameters) -> dict[str, str | None] | None:
    """The parameters by name; None where one is unknown, doubled, or has a value that it cannot have (section 7.1)."""
    found: dict[str, str | None] = {}
    for name, value in parameters:
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            possible = value is None
        elif name in ("server_max_window_bits", "client_max_window_bits"):
            possible = value is None or _BITS.fullmatch(value) is not None
        else:
            possible = False
        if not possible or name in found:
            return None
        found[name] = value
    return found
