"""The chat: who is in the room, and what was said. Here belongs all that happens when a page says something.

Every method is called inside `server.receive`, on the loop's own thread: there is nothing to lock.
"""

import itertools
import random
import re
from collections import deque
from dataclasses import dataclass

import tickws
from examples.pong_server.messages import NAME_LENGTH, Echo, Name, Say, decode, encode

HISTORY = 50
"""Lines that a newcomer gets to read."""
LINES_A_SECOND = 5
"""What one visitor may say, new names included; more than that is not passed on."""
LIMITS = tickws.Limits(message_bytes=4096)
"""Enough for the longest line in any script; who sends more is closed with 1009."""

MANNERS = ["Brave", "Calm", "Clever", "Eager", "Gentle", "Jolly", "Lucky", "Merry", "Nimble", "Quick", "Quiet", "Sunny"]
ANIMALS = ["Badger", "Falcon", "Fox", "Gecko", "Heron", "Lynx", "Marten", "Otter", "Owl", "Panda", "Raven", "Seal"]


@dataclass
class Visitor:
    """One page in the room; kept as its `ws.data`."""

    number: int
    name: str
    hue: int  # the colour of the name, in degrees
    second: int = 0  # in which `lines` were said
    lines: int = 0

    @property
    def who(self) -> dict[str, object]:
        """What the pages are told."""
        return {"number": self.number, "name": self.name, "hue": self.hue}


class Chat(tickws.Handler):
    """One room for everybody.

    Args:
        rate: ticks a second; `tick` is the chat's clock, and the loop sets it.
        chance: what names are drawn from.
    """

    server: tickws.WebSocketServer  # set by whoever makes both: each needs the other

    def __init__(self, rate: int, chance: random.Random) -> None:
        self.rate = rate
        self.tick = 0
        self._chance = chance
        self._room = f"{chance.getrandbits(64):016x}"  # so that a page can tell a restarted server
        self._numbers = itertools.count(1)
        self._history: deque[str] = deque(maxlen=HISTORY)

    def on_request(self, request: tickws.Request) -> tickws.Reject | bool:
        """Let in our own page, and programs that are no page at all."""
        host = request.headers["host"]
        if request.origin not in (None, f"http://{host}", f"https://{host}"):
            return tickws.Reject(403, "another site's page may not join\n")
        return request.path == "/ws"

    def on_open(self, ws: tickws.WebSocket) -> None:
        """Tell the newcomer what there is, and the others of the newcomer."""
        visitor = ws.data = self._visitor(ws.request.query)
        ws.send(encode("welcome", you=visitor.who, room=self._room, tick=self.tick, rate=self.rate))
        for other in self.server.connections:
            if other is not ws:
                ws.send(encode("here", who=other.data.who))
        for line in self._history:
            ws.send(line)
        self.server.broadcast(encode("joined", who=visitor.who))

    def on_close(self, ws: tickws.WebSocket, code: int, reason: str) -> None:
        """Tell those who stay."""
        self.server.broadcast(encode("left", who=ws.data.who))

    def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        """A page says something; who says what no page of ours would say is shown the door."""
        if isinstance(message, bytes):
            ws.close(tickws.CloseCode.UNSUPPORTED_DATA, "only text is understood here")
            return
        try:
            said = decode(message)
        except ValueError as error:
            ws.close(tickws.CloseCode.INVALID_PAYLOAD, str(error))
            return
        match said:
            case Echo():
                ws.send(message)
            case Say() if self._may_speak(ws):
                self._say(ws.data, said.text.strip())
            case Name() if self._may_speak(ws):
                self._rename(ws, _tidy(said.name))

    def _may_speak(self, ws: tickws.WebSocket) -> bool:
        """Count the lines of each second; the first one too many is answered with a notice."""
        visitor: Visitor = ws.data
        second = self.tick // self.rate
        if visitor.second != second:
            visitor.second, visitor.lines = second, 0
        visitor.lines += 1
        if visitor.lines == LINES_A_SECOND + 1:
            ws.send(encode("notice", text=f"Too fast: only {LINES_A_SECOND} lines a second are passed on."))
        return visitor.lines <= LINES_A_SECOND

    def _say(self, visitor: Visitor, text: str) -> None:
        if text:
            line = encode("line", name=visitor.name, hue=visitor.hue, text=text, tick=self.tick)
            self._history.append(line)
            self.server.broadcast(line)

    def _rename(self, ws: tickws.WebSocket, name: str) -> None:
        visitor: Visitor = ws.data
        before = visitor.name
        if not name:
            ws.send(encode("notice", text="A name is made of characters that can be seen."))
        elif self._taken(name, but_by=visitor):
            ws.send(encode("notice", text=f"There is a {name} in the room already."))
        elif name != before:
            visitor.name = name
            self.server.broadcast(encode("renamed", who=visitor.who, before=before))

    def _taken(self, name: str, but_by: Visitor | None = None) -> bool:
        others = (ws.data for ws in self.server.connections if ws.data not in (None, but_by))
        return name.casefold() in {other.name.casefold() for other in others}

    def _visitor(self, wishes: dict[str, str]) -> Visitor:
        """A new visitor; one whose page was here before asks for its old name and colour."""
        number = next(self._numbers)
        name, hue = _tidy(wishes.get("name", "")), wishes.get("hue", "")
        if not name or self._taken(name):
            name = self._new_name()
        golden = number * 137 % 360  # so that neighbours differ most
        return Visitor(number, name, int(hue) % 360 if re.fullmatch("[0-9]{1,3}", hue) else golden)

    def _new_name(self) -> str:
        pair = f"{self._chance.choice(MANNERS)} {self._chance.choice(ANIMALS)}"
        names = itertools.chain([pair], (f"{pair} {number}" for number in itertools.count(2)))
        return next(name for name in names if not self._taken(name))


def _tidy(name: str) -> str:
    """A name without surplus spaces; empty where it is none that can be shown."""
    name = " ".join(name.split())
    return name if name.isprintable() and len(name) <= NAME_LENGTH else ""
