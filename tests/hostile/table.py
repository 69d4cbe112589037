"""A real game on its loop, under watch: honest players, attackers who speak its language or not, a program that errs.

What `arena` is for the server alone. A `GameClient` comes back by itself when it was dropped, as another player, so
what is said is compared player by player.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import tickws
from tests.game.helpers import SPEAKS, Move
from tests.hostile.attackers import Attacker
from tests.hostile.words import head
from tests.protocol.helpers import BINARY, counting_source, frame
from tickws.client.client import GameClient
from tickws.client.events import Connected, Disconnected, Dropped
from tickws.game.limits import GameLimits
from tickws.game.player import Player
from tickws.game.server import GameServer
from tickws.sync.events import MOST_EVENTS
from tickws.testing import Conditions, GameTable

__all__ = ["Oops", "Seat", "Siege"]

LIMITS = GameLimits(
    message_bytes=600, header_bytes=2000, queue_bytes=20_000, queue_messages=60, slice_messages=5, slice_bytes=2000,
    handshake_seconds=3.0, closing_seconds=1.0, dead_seconds=4.0, hello_seconds=2.0, slow_seconds=0.5,
    event_messages=24, event_bytes=4000, message_burst=8, rejected_messages=4,
)  # fmt: skip
PLAYERS, SPECTATORS = 4, 2


class Oops(Exception):
    """What the game raises."""


class Seat:
    """An honest client, and what passed between each of its players and the game."""

    def __init__(self, siege: Siege, role: str, conditions: Conditions) -> None:
        self.siege = siege
        network = siege.table.network
        before, network.conditions = network.conditions, conditions
        options: dict[str, Any] = {"role": role, "mask_source": counting_source()}
        self.client: GameClient[Any] = siege.table.join(**options)
        siege.table.clients.pop()  # it is turned here, so that it can stall
        network.conditions = before
        self.sent: dict[int, list[int]] = {}
        """What each of its players said."""
        self.heard: dict[int, list[int]] = {}
        """What was said to each of them."""
        self.stalled = self.left = self.over = False
        self.worked = siege.table.clock.now()
        self.number = 0
        self.lost: list[int] = []
        """Its players whose connection was lost."""
        self._player: int | None = None
        self.client.message("note", int)(self._note)
        self.client.bus.subscribe(Connected, self._connected)
        self.client.bus.subscribe(Dropped, lambda event: self._dropped(event.code, event.reason))
        self.client.bus.subscribe(Disconnected, lambda event: self._dropped(event.code, event.reason))

    def say(self) -> None:
        """Say one message more."""
        player = self.client.player
        if player is not None and self.client.send("chat", self.number):
            self.sent.setdefault(player, []).append(self.number)
            self.number += 1

    def turn(self) -> None:
        """A frame of its own."""
        if self.stalled or self.over:
            return
        self.worked = self.siege.table.clock.now()
        if self.client.connected and not self.client.spectator:
            self.client.send_input(Move(dy=0.5, serve=self.number % 3 == 0))
        self.over = not self.client.work()
        self.client.state()

    def leave(self) -> None:
        """Close."""
        self.left = True
        self.client.close()

    def _connected(self, event: Connected) -> None:
        if event.player in self.siege.owners:
            self.siege.fault(f"player {event.player} was given away twice")
        self.siege.owners[event.player] = self
        self._player = event.player

    def _note(self, payload: int) -> None:
        assert self._player is not None
        heard = self.heard.setdefault(self._player, [])
        said = self.siege.said.get(self._player, [])
        if len(heard) >= len(said) or said[len(heard)] != payload:
            self.siege.fault(f"player {self._player} heard {payload}, as number {len(heard)} of {len(said)}")
        heard.append(payload)

    def _dropped(self, code: int, reason: str) -> None:
        if self._player is not None:
            self.lost.append(self._player)
            if not (self.left or self.siege.excuses.get(self._player) or self.siege.closing):
                self.siege.fault(f"player {self._player} was lost with {code} {reason!r}, and nobody had a reason")
        self._player = None


class Siege:
    """The game, and everybody.

    Args:
        limits: fields of its `GameLimits` that are not as in `LIMITS`.
    """

    def __init__(self, **limits: Any) -> None:
        gc.collect(0)
        gc.disable()
        self._level = logging.getLogger("tickws").level
        logging.getLogger("tickws").setLevel(logging.CRITICAL + 1)
        self.table: GameTable[Any] = GameTable(
            Move, snapshot_rate=20, max_players=PLAYERS, spectators=SPECTATORS, limits=replace(LIMITS, **limits)
        )
        self.game: GameServer[Any] = self.table.game
        self.server = self.game.server
        self.network = self.table.network
        self.seats: list[Seat] = []
        self.attackers: list[Attacker] = []
        self.owners: dict[int, Seat] = {}
        """The honest clients, by the numbers of their players."""
        self.excuses: dict[int, str] = {}
        """Why a player may be lost."""
        self.said: dict[int, list[int]] = {}
        """What was said to each player."""
        self.heard: dict[int, list[int]] = {}
        """What the game was told by each."""
        self.here: dict[int, Player[Any]] = {}
        self.gone: set[int] = set()
        self.faults: list[str] = []
        self.failing: set[str] = set()
        """Where the game raises next."""
        self.closing = self.over = False
        loop, bus = self.table.loop, self.table.loop.bus
        bus.subscribe(tickws.PlayerJoined, self._joined)
        bus.subscribe(tickws.SpectatorJoined, self._joined)
        bus.subscribe(tickws.PlayerLeft, self._left)
        bus.subscribe(tickws.SpectatorLeft, self._left)
        self.game.message("chat", int)(self._chat)
        loop.system(self._simulate)

    # -- the game ----------------------------------------------------------------------------------------------------

    def fault(self, text: str) -> None:
        """A promise is broken."""
        self.faults.append(text)

    def _oops(self, where: str) -> None:
        if where in self.failing:
            self.failing.discard(where)
            raise Oops

    def _joined(self, event: Any) -> None:
        player = event.player
        if player.id in self.here or player.id in self.gone:
            self.fault(f"player {player.id} joins twice")
        self.here[player.id] = player
        self._oops("joined")

    def _left(self, event: Any) -> None:
        player = event.player
        if self.here.pop(player.id, None) is None:
            self.fault(f"player {player.id} leaves, and was not here")
        self.gone.add(player.id)
        self._oops("left")

    def _chat(self, player: Player[Any], payload: int) -> None:
        if player.id not in self.here or type(payload) is not int:
            self.fault(f"player {player.id}, who is not here, says {payload!r}")
        heard = self.heard.setdefault(player.id, [])
        seat = self.owners.get(player.id)
        if seat is not None:
            sent = seat.sent.get(player.id, [])
            if len(heard) >= len(sent) or sent[len(heard)] != payload:
                self.fault(f"player {player.id} said {payload}, as number {len(heard)} of {len(sent)}")
        heard.append(payload)
        self._oops("chat")

    def _simulate(self, tick: tickws.Tick) -> None:
        for player in self.game.players:
            frame = player.input(tick)
            if type(frame) is not Move or type(frame.dy) is not float or not -1 <= frame.dy <= 1:
                self.fault(f"the input {frame!r}")
        self._oops("system")
        self.game.publish({number: {"x": float(tick.number)} for number in range(3)})

    def pick(self, number: int) -> Player[Any] | None:
        """One of the players, by any number."""
        players = list(self.here.values())
        return players[number % len(players)] if players else None

    def tell(self, player: Player[Any], count: int) -> None:
        """Say something to a player, reliably."""
        said = self.said.setdefault(player.id, [])
        for _ in range(count):
            if not player.send("note", len(said)):
                self.excuses.setdefault(player.id, "too much waits for it")
                break
            said.append(len(said))

    def kick(self, player: Player[Any]) -> None:
        """Have somebody leave."""
        self.excuses.setdefault(player.id, "it was kicked")
        player.kick("enough")

    def close(self) -> None:
        """Close the game."""
        self.closing = True
        self.game.close(timeout=2.0)

    # -- the others --------------------------------------------------------------------------------------------------

    def join(self, role: str, conditions: Conditions) -> Seat:
        """An honest client comes."""
        seat = Seat(self, role, conditions)
        self.seats.append(seat)
        return seat

    def attack(self, conditions: Conditions, kind: int, number: int, *, speaks: bool) -> Attacker:
        """Somebody else comes, and asks for the game's language, or not."""
        attacker = Attacker(self, conditions)
        attacker.put_raw(head(kind, number, b"", *([SPEAKS] if speaks else [])))
        self.attackers.append(attacker)
        return attacker

    @staticmethod
    def speak(attacker: Attacker, *messages: bytes | str) -> None:
        """Say messages of the game's language, or such as look like it."""
        for message in messages:
            data = message.encode(errors="replace") if isinstance(message, str) else message
            attacker.put(frame(BINARY, data, mask=bytes(4)))

    # -- time, and what must be so -----------------------------------------------------------------------------------

    def frame(self) -> None:
        """One frame of everybody."""
        dead = self.table.clock.now() - LIMITS.dead_seconds + 0.5
        for number, seat in self.owners.items():
            if seat.stalled and seat.worked < dead and number not in seat.lost:
                self.excuses.setdefault(number, "it was silent")
        try:
            self.table.loop.frame()
        except Oops:
            pass
        for seat in self.seats:
            seat.turn()
        for attacker in self.attackers:
            attacker.turn()
        self.table.clock.advance(self.table.loop.dt)
        self.check()

    def check(self) -> None:
        """Raise for what is not as promised."""
        door: Any = self.game._door
        players = {player.id for player in (*self.game.players, *self.game.spectators)}
        if players != set(self.here):
            self.fault(f"players {players}, told of {set(self.here)}")
        for spectator, most in ((False, PLAYERS), (True, SPECTATORS)):
            seated = sum(each.seated and each.spectator is spectator for each in door.sessions.values())
            if door._taken[spectator] != seated or seated > most:
                self.fault(f"{door._taken[spectator]} seats are taken by {seated}, of {most}")
        for session in door.sessions.values():
            outgoing = session._outgoing
            if len(outgoing) > self.game.limits.event_messages or outgoing.bytes > self.game.limits.event_bytes:
                self.fault(f"{len(outgoing)} events of {outgoing.bytes} bytes wait")
            if session.player is not None and len(session.inbox._waiting) > MOST_EVENTS:
                self.fault(f"{len(session.inbox._waiting)} messages wait for the game")
            if session.buffer is not None and len(session.buffer._frames) > 400:
                self.fault(f"{len(session.buffer._frames)} input frames wait")
        if self.server._links.notices.failed:
            self.fault("a callback of the server has failed")
        assert not self.faults, "; ".join(self.faults[:3])

    def finish(self) -> None:
        """Whoever is honest is heard and hears to the end; then the game closes, and nothing is left."""
        try:
            self._settle()
            self._end()
        finally:
            logging.getLogger("tickws").setLevel(self._level)
            gc.enable()

    def _settle(self) -> None:
        self.failing.clear()
        for attacker in self.attackers:
            attacker.reads = False
            attacker._unsent = b""
        for seat in self.seats:
            seat.stalled = False
        self._until(self._settled, 1500, "somebody waits for ever")

    def _settled(self) -> bool:
        for number, seat in self.owners.items():
            if seat.client.player != number or self.excuses.get(number) or seat.left:
                continue
            if len(self.heard.get(number, [])) < len(seat.sent.get(number, [])):
                return False
            if len(seat.heard.get(number, [])) < len(self.said.get(number, [])):
                return False
        return True

    def _end(self) -> None:
        self.close()
        for seat in self.seats:
            seat.leave()
        self._until(lambda: self.server._finished and all(seat.over for seat in self.seats), 900, "close() has no end")
        for _ in range(3):
            self.frame()  # the bus tells of the last ones
        for attacker in self.attackers:
            attacker.close()
        counts = self.game.statistics()
        if self.here or counts.players or counts.spectators or counts.joined != counts.left:
            self.fault(f"{set(self.here)} are still here, of {counts.joined} {counts.left} left")
        if set(self.owners) - self.gone:
            self.fault(f"{set(self.owners) - self.gone} never left")
        self.table.loop.close()
        if self.network.sockets:
            self.fault(f"descriptors are left open: {list(self.network.sockets)}")
        assert not self.faults, "; ".join(self.faults[:3])

    def _until(self, condition: Callable[[], bool], frames: int, fault: str) -> None:
        for _ in range(frames):
            self.frame()
            if condition():
                return
        self.fault(fault)
        self.check()
