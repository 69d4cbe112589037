"""A thousand attackers in one process: sockets that never wait, each led by the script of its life."""

from __future__ import annotations

import heapq
import selectors
import socket
import ssl
import struct
from collections import Counter
from time import perf_counter_ns
from typing import NamedTuple

from benchmarks.seat import HOST, READ_BYTES, distance
from benchmarks.secure import Secure, client_hello, secure, shaking
from benchmarks.siege.attacker import Attacker, Tally
from benchmarks.siege.attacks import ATTACKS, Tls
from benchmarks.siege.scripts import Arsenal, Order, Say
from tickws.clock import NANOSECONDS, nanoseconds

__all__ = ["Crowd", "Doors"]

PATIENCE = nanoseconds(60.0)
"""How long an attacker waits for the server to end it."""
CATCHING_UP = nanoseconds(1.0)
"""How much of what it was late with an attacker makes up for."""
TLS_ONE_IN = 4
RESET = struct.pack("ii", 1, 0)  # SO_LINGER, no time: close() sends an RST
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Doors(NamedTuple):
    """Where the server listens."""

    plain: int
    secure: int | None
    context: ssl.SSLContext | None
    """What who speaks TLS trusts."""


class Crowd:
    """All of them.

    Args:
        counts: attackers by kind.
    """

    def __init__(self, doors: Doors, counts: dict[str, int]) -> None:
        self._doors = doors
        hello = b"" if doors.context is None else client_hello(doors.context)
        self._arsenal = Arsenal(f"{HOST}:{doors.plain}", hello)
        self._selector = selectors.DefaultSelector()
        self._turns: list[tuple[int, int, Attacker, int]] = []  # due, serial, whose, in which life
        self._serial = 0
        self._attackers = [
            Attacker(attack, number)
            for attack in ATTACKS
            if attack.name in counts and (attack.tls is not Tls.RAW or doors.secure is not None)
            for number in range(counts[attack.name])
        ]
        self.tallies = {attacker.attack.name: Tally() for attacker in self._attackers}
        self._going = False
        self.late = 0
        """Nanoseconds of the longest time from one turn to the next: how late this process was at worst."""
        self._turned: int | None = None

    def go(self) -> None:
        """They come, spread over the time from one life to the next."""
        self._going = True
        now = perf_counter_ns()
        counts = Counter(attacker.attack.name for attacker in self._attackers)
        for attacker in self._attackers:
            attack = attacker.attack
            spread = max(1.0, attack.every) * attacker.number / counts[attack.name]
            self._turn_at(attacker, now + nanoseconds(spread))

    def stop(self) -> None:
        """All hang up, with an RST: what the kernel holds of their words goes with them.

        Otherwise the server would go on to hear it, at the rate that it allows: for minutes, of who said too much.
        """
        self._going = False
        self._turns.clear()
        for attacker in self._attackers:
            if attacker.sock is not None:
                self._over(attacker, "still there at the end")

    def turn(self) -> None:
        """Everybody whose turn it is, and everybody who hears something."""
        now = perf_counter_ns()
        self.late = max(self.late, 0 if self._turned is None else now - self._turned)
        self._turned = now
        while self._turns and self._turns[0][0] <= now:
            _, _, attacker, life = heapq.heappop(self._turns)
            if attacker.life != life:
                continue
            if attacker.sock is None:
                self._begin(attacker, now)
            elif attacker.waits is Order.END:
                self._over(attacker, f"not ended in {PATIENCE // NANOSECONDS} s")
            elif not attacker.out:
                self._advance(attacker, now)
        for key, events in self._selector.select(0):
            attacker = key.data
            if attacker.tls and not isinstance(attacker.sock, Secure):
                self._secure(attacker, now)
                continue
            if events & READ:
                self._read(attacker, now)
            if attacker.out and attacker.sock is not None:
                self._advance(attacker, now)

    # -- one life ----------------------------------------------------------------------------------------------------

    def _turn_at(self, attacker: Attacker, due: int) -> None:
        self._serial += 1
        heapq.heappush(self._turns, (due, self._serial, attacker, attacker.life))

    def _begin(self, attacker: Attacker, now: int) -> None:
        attack, doors = attacker.attack, self._doors
        tally = self.tallies[attack.name]
        tally.attempts += 1
        attacker.begun = attacker.due = now
        context = doors.context if attack.tls is Tls.SOME and attacker.number % TLS_ONE_IN == 0 else None
        port = doors.plain if attack.tls is not Tls.RAW and context is None else doors.secure
        try:
            sock = socket.socket()
            sock.setblocking(False)
            if attack.distant:
                distance(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect_ex((HOST, port))  # how that went, the first write tells
        except OSError:  # no descriptor, no port
            tally.unconnected += 1
            attacker.life += 1
            self._turn_at(attacker, now + nanoseconds(attack.every))
            return
        attacker.sock, attacker.tls = sock, context is not None
        attacker.script = attack.script(self._arsenal, attacker.life)
        attacker.waits, attacker.verdict, attacker.held = None, "", b""
        attacker.opened = attacker.deaf = False
        if context is not None:
            self._watch(attacker, WRITE)  # until it is connected: before, no TLS can be put on it
            return
        self._set_out(attacker, now)

    def _secure(self, attacker: Attacker, now: int) -> None:
        """It is connected, or could not be: TLS from here on."""
        context, plain = self._doors.context, attacker.sock
        assert context is not None
        assert plain is not None
        if plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._over(attacker, "reset")
            return
        self._watch(attacker, 0)  # wrapping it makes another object of it
        attacker.sock = secure(plain, context)
        self._set_out(attacker, now)

    def _set_out(self, attacker: Attacker, now: int) -> None:
        self._advance(attacker, now)
        if attacker.sock is not None and not attacker.watched and not attacker.deaf:
            self._watch(attacker, READ)

    def _advance(self, attacker: Attacker, now: int) -> None:
        """Do what the script says, until it has to wait."""
        assert attacker.script is not None
        attacker.waits = None
        while self._said(attacker):
            order = next(attacker.script, None)
            if isinstance(order, Say):
                attacker.out, attacker.acts = memoryview(order.data), order.acts
            elif isinstance(order, float):
                attacker.due = max(attacker.due + nanoseconds(order), now - CATCHING_UP)
                self._turn_at(attacker, attacker.due)
                return
            elif order is Order.OPEN:
                if not attacker.opened:
                    attacker.waits = order
                    return
            elif order is Order.END:
                attacker.waits = order
                self._turn_at(attacker, now + PATIENCE)
                return
            elif order is Order.DEAF:
                attacker.deaf = True
                self._watch(attacker, 0)
            else:
                self._over(attacker, "left")
                return

    def _said(self, attacker: Attacker) -> bool:
        """Send what is to be sent; whether all of it is."""
        tally = self.tallies[attacker.attack.name]
        sock = attacker.sock
        assert sock is not None
        try:
            while attacker.out:
                sent = sock.send(attacker.out)
                tally.bytes_sent += sent
                attacker.out = attacker.out[sent:]
        except BlockingIOError:
            reads = READ if shaking(sock) else READ | WRITE
            self._watch(attacker, WRITE if attacker.deaf else reads)
            return False
        except OSError:
            if not attacker.verdict and not attacker.deaf and not attacker.tls:
                self._last_words(attacker, sock)
            self._over(attacker, "reset")
            return False
        tally.acts += attacker.acts
        attacker.acts = 0
        if attacker.watched & WRITE:
            self._watch(attacker, 0 if attacker.deaf else READ)
        return True

    def _watch(self, attacker: Attacker, events: int) -> None:
        sock = attacker.sock
        assert sock is not None
        if events == attacker.watched:
            return
        if not events:
            self._selector.unregister(sock)
        elif attacker.watched:
            self._selector.modify(sock, events, attacker)
        else:
            self._selector.register(sock, events, attacker)
        attacker.watched = events

    def _over(self, attacker: Attacker, how: str) -> None:
        """This life is over; the next one comes when it is due."""
        sock, script, attack = attacker.sock, attacker.script, attacker.attack
        assert sock is not None
        assert script is not None
        self._watch(attacker, 0)
        if not self._going or (attack.reset and how == "left"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        sock.close()
        script.close()
        attacker.sock = attacker.script = None
        attacker.out, attacker.acts = memoryview(b""), 0
        attacker.life += 1
        ends = self.tallies[attack.name].ends
        ends[attacker.verdict or how] = ends.get(attacker.verdict or how, 0) + 1
        if self._going:
            self._turn_at(attacker, max(perf_counter_ns(), attacker.begun + nanoseconds(attack.every)))

    # -- what the server says ----------------------------------------------------------------------------------------

    def _read(self, attacker: Attacker, now: int) -> None:
        assert attacker.sock is not None
        try:
            data = attacker.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._over(attacker, "reset")
            return
        if not data:
            self._over(attacker, "ended")
            return
        self.tallies[attacker.attack.name].bytes_received += len(data)
        attacker.hear(data, self.tallies[attacker.attack.name])
        if attacker.verdict.startswith("close"):
            self._over(attacker, "ended")
        elif attacker.opened and attacker.waits is Order.OPEN:
            self._advance(attacker, now)

    def _last_words(self, attacker: Attacker, sock: socket.socket) -> None:
        """What came before the connection broke."""
        try:
            attacker.hear(sock.recv(READ_BYTES), self.tallies[attacker.attack.name])
        except OSError:
            pass
