"""Bytes as what peers send to a port that speaks TLS: anything at all, and tunnels whose ciphertext is bent on its way.

What TLS says has chance in it (its random numbers, its keys), so an input is the same script in every run, and not the
same bytes.
"""

from __future__ import annotations

import ssl
from functools import cache

from tests import certificates
from tests.certificates import VERSIONS
from tests.fuzz.target import Plan
from tests.hostile.arena import Arena
from tests.hostile.attackers import Attacker
from tests.hostile.script import LINES, MOST_ATTACKERS, Script
from tests.hostile.words import head, word
from tests.transport.tls_peers import Tunnel

__all__ = ["play"]


@cache
def _context(number: int) -> ssl.SSLContext:
    """How an attacker speaks TLS: each version, or as one that trusts nobody we know."""
    if number == 2:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return certificates.trusted(VERSIONS[number])


def bend(data: bytes, how: int, number: int, body: bytes) -> bytes:
    """What becomes of ciphertext on its way: mostly nothing."""
    at = number % (len(data) + 1)
    if how == 5:
        return data[:at]
    if how == 6:
        return data[:at] + bytes([data[at] ^ 1 << number % 8]) + data[at + 1 :] if at < len(data) else data
    if how == 7:
        return data[:at] + body + data[at:]
    if how == 8:
        return data + data
    if how == 9:
        return data[at:]
    return data


class Sealed:
    """An attacker with a tunnel of his own, whose ciphertext he can bend."""

    def __init__(self, arena: Arena, attacker: Attacker, context: ssl.SSLContext) -> None:
        self.attacker = attacker
        attacker.reads = False  # what comes is for the tunnel
        self.tunnel = Tunnel(attacker.socket, context)

    def listen(self) -> None:
        """Take in what has come, unless he has gone."""
        try:
            if not self.attacker.gone:
                self.tunnel.take_in()
        except OSError:
            pass

    def hello(self) -> bytes:
        """The next flight of the handshake."""
        self.listen()
        return self.tunnel.hello()

    def seal(self, *pieces: bytes) -> bytes:
        """Ciphertext of these, once there is a tunnel."""
        try:
            return self.tunnel.seal(*pieces) if self.tunnel.shaken and self.tunnel.fault is None else b""
        except ssl.SSLError:  # he has said his farewell
            return b""


class _Script(Script):
    """Another reading of the same kind of script."""

    def __init__(self, given: Plan) -> None:
        super().__init__(given, secure=True)
        self.sealed: list[Sealed] = []

    def step(self, what: int, number: int, body: bytes) -> None:
        """One step: who, what of it, and what becomes of it on its way."""
        kind, how = what % 12, what // 12 % 12
        if kind == 0 or not self.sealed:
            self.come_sealed(number)
            return
        sealed = self.sealed[-1]
        attacker = sealed.attacker
        if kind == 1:
            attacker.put_raw(bend(sealed.hello(), how, number, body))
        elif kind == 2:  # the whole handshake, and a request behind it
            for _ in range(3):
                attacker.put_raw(sealed.hello())
                self.pass_time(2)
            attacker.put_raw(bend(sealed.seal(head(number >> 4, number, body)), how, number, body))
        elif kind in (3, 4):
            attacker.put_raw(bend(sealed.seal(word(number, len(body), body)), how, number, body))
        elif kind == 5:  # a record for each byte
            attacker.put_raw(sealed.seal(*(body[at : at + 1] for at in range(len(body)))))
        elif kind == 6:  # a record of any kind
            attacker.put_raw(bytes([20 + number % 6, 3, 3]) + len(body).to_bytes(2, "big") + body)
        elif kind == 7:
            attacker.put_raw(body)
        elif kind == 8:
            if sealed.tunnel.shaken and sealed.tunnel.fault is None:
                attacker.put_raw(bend(self.farewell(sealed), how, number, body))
        elif kind == 9:
            act = (Attacker.half_close, Attacker.reset, Attacker.close, Attacker.vanish)[number % 4]
            act(attacker)
        elif kind == 10:
            self.sealed.append(self.sealed.pop(number % len(self.sealed)))
            self.act(number, body)
        else:
            if number % 8 == 7:
                self.arena.advance((0.1, 1.0, 30.0)[how % 3])
            self.pass_time(number % 60)
        sealed.listen()
        self.pass_time(1)

    @staticmethod
    def farewell(sealed: Sealed) -> bytes:
        """close_notify, once."""
        try:
            return sealed.tunnel.farewell()
        except ssl.SSLError:
            return b""

    def come_sealed(self, number: int) -> None:
        """One more attacker, in place of an old one where there are too many."""
        if len(self.sealed) >= MOST_ATTACKERS:
            self.sealed.pop(0).attacker.reset()
        attacker = self.arena.attack(LINES[number % len(LINES)])
        self.sealed.append(Sealed(self.arena, attacker, _context(number // 4 % 3)))
        self.pass_time(2)


def play(given: Plan) -> None:
    """One input."""
    _Script(given).play()
