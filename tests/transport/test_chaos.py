"""Everything at once, at random, reproducibly: no exception, no loss, pairs, and nothing left in the end."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.protocol.helpers import CONT, TEXT
from tests.transport.peers import House, Peer, Ticking, close, frame_of, nothing_left, ping, pong, text
from tickws.protocol.handshake import Accept, Reject, Request
from tickws.protocol.limits import Limits
from tickws.testing import Conditions
from tickws.transport.websocket import WebSocket

LIMITS = Limits(
    message_bytes=3000, queue_bytes=20_000, queue_messages=50, slice_messages=5, slice_bytes=2000,
    handshake_seconds=3.0, closing_seconds=1.0, ping_seconds=2.0, dead_seconds=2.0,
)  # fmt: skip


class Oops(Exception):
    """What callbacks raise now and then."""


class Chaos:
    """A server whose callbacks, peers and host do anything; what a connection accepted for sending is written down."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.clock = Ticking(reading=0.0002) if seed % 2 else None  # so that budgets end slices
        self.house = House(
            clock=self.clock, max_connections=12, limits=LIMITS,
            errors=self.chance.choice(("close", "raise", lambda *_: None)), on_request=self.on_request,
            on_open=self.on_open, on_message=self.on_message, on_close=self.on_close, files={"/file": __file__},
        )  # fmt: skip
        self.peers: dict[str, Peer] = {}
        self.sent: dict[str, list[str]] = {}
        self.heard: dict[str, list[str]] = {}
        self.said: dict[str, int] = {}
        self.count = 0

    # what the game does

    def maybe_raise(self) -> None:
        if self.chance.random() < 0.03:
            raise Oops

    def on_request(self, request: Request) -> Any:
        self.maybe_raise()
        return self.chance.choice((True, True, True, Accept(), Reject(503)))

    def on_open(self, ws: WebSocket) -> None:
        self.maybe_raise()
        self.say(ws)

    def on_message(self, ws: WebSocket, message: str) -> None:
        self.maybe_raise()
        self.say(ws)
        if self.chance.random() < 0.02:
            ws.close(4000)

    def on_close(self, ws: WebSocket, code: int, reason: str) -> None:
        assert not ws.send("too late")
        self.maybe_raise()

    def number(self) -> str:
        self.count += 1
        return str(self.count)

    def say(self, ws: WebSocket) -> None:
        """Something reliable, which is written down when it was taken."""
        message = self.number() + "." * self.chance.choice((0, 0, 10, 500))
        if ws.send(message):
            self.sent.setdefault(ws.request.path, []).append(message)

    def story(self) -> Iterator[str]:
        for _ in range(self.chance.randrange(5)):
            self.maybe_raise()
            yield "~" * self.chance.randrange(300)

    def produce(self) -> str | None:
        self.maybe_raise()
        return self.chance.choice((None, "latest"))

    def host_acts(self) -> None:
        house = self.house
        if self.chance.random() < 0.3 and house.server.connections:
            ws = self.chance.choice(house.server.connections)
            act = self.chance.randrange(12)
            if act < 4:
                for _ in range(self.chance.choice((1, 1, 1, 60))):  # sixty are more than the queue takes
                    self.say(ws)
            elif act == 4:
                ws.send_fragments(self.story())
            elif act < 8:
                ws.send_latest(act, self.produce)
            elif act == 8:
                ws.ping(b"game")
            elif act == 9:
                ws.close(4001)
            elif act == 10:
                ws.abort()
            else:
                message = self.number()
                taken = {each.request.path for each in house.server.connections if each.open}
                house.server.broadcast(message)
                for each in house.server.connections:
                    if each.open and each.request.path in taken:
                        self.sent.setdefault(each.request.path, []).append(message)

    def work(self) -> None:
        server = self.house.server
        budget = self.chance.choice((0, 0.001, None, None))
        try:
            half = self.chance.randrange(4)
            if half == 0:
                server.flush(budget)
            elif half == 1:
                server.receive(budget)
            else:
                server.work(budget, wait=0)
        except Oops:
            pass
        if self.chance.random() < 0.5:
            seconds = self.chance.choice((0.001, 0.016, 0.016, 0.3))
            self.house.clock.advance(seconds)
            if self.clock is not None:
                self.clock.advance(seconds)

    # what the others do

    def peers_act(self) -> None:
        if len(self.peers) < 20 and self.chance.random() < 0.3:
            conditions = Conditions(latency=self.chance.choice((0, 0.02)), buffer_bytes=self.chance.choice((600, 5000)))
            self.peers[f"/{self.number()}"] = self.house.dial(conditions=conditions)
        if not self.peers:
            return
        name = self.chance.choice(list(self.peers))
        peer = self.peers[name]
        act = self.chance.randrange(24)
        if act == 0:
            self.drop(name)
            return
        try:
            if name not in self.said:
                if act < 18:
                    if act > 1:
                        peer.ask(name)
                    else:
                        peer.say(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
                    self.said[name] = 0
                else:
                    peer.socket.send(self.chance.choice((b"nonsense\r\n\r\n", b"GET / HT", b"\x16")))
            elif act < 14:
                self.said[name] += 1
                peer.socket.send(text(f"{self.said[name]}"))
            else:
                peer.socket.send(self.chance.choice((
                    ping(b"?"), pong(b"!"), close(4002), close(None), frame_of(3, b""), frame_of(TEXT, b"\xff"),
                    frame_of(TEXT, b"a")[:-1], frame_of(CONT, b""), text("x" * 3001),
                )))  # fmt: skip
        except OSError:
            pass

    def drop(self, name: str) -> None:
        """A peer goes away, or ends its half."""
        peer = self.peers[name]
        how = self.chance.randrange(3)
        if how == 0:
            self.hear(name)
            peer.socket.reset()
            del self.peers[name]
        elif how == 1 and not peer.gone:
            peer.socket.shutdown(1)

    def hear(self, name: str) -> None:
        peer = self.peers[name]
        if peer.listen().startswith(b"HTTP/1.1 101"):
            peer.receive_head()
        if name in self.said and not peer.listen().startswith(b"HTTP"):
            self.heard.setdefault(name, []).extend(
                each for each in peer.receive() if isinstance(each, str) and each[:1].isdigit()
            )

    def everybody_hears(self) -> None:
        for name in list(self.peers):
            if self.chance.random() < 0.4:
                self.hear(name)
                if self.peers[name].gone:
                    self.peers.pop(name).socket.close()


@pytest.mark.parametrize("seed", range(12))
def test_anything_may_happen(seed: int) -> None:
    chaos = Chaos(seed)
    house = chaos.house
    for _ in range(600):
        chaos.peers_act()
        chaos.host_acts()
        chaos.work()
        chaos.everybody_hears()
    house.server.close(timeout=3.0)
    over = False
    for _ in range(600):
        try:
            over = not house.server.work(None, wait=0)
        except Oops:
            continue
        house.clock.advance(0.016)
        if chaos.clock is not None:
            chaos.clock.advance(0.016)
        for name in chaos.peers:
            chaos.hear(name)
        if over:
            break
    assert over
    assert nothing_left(house)
    assert len(set(house.opens)) == len(house.opens)
    assert sorted(name for name, *_ in house.closes) == sorted(house.opens)
    assert len(house.opens) > 10
    for name in house.opens:
        mine = [kind for kind, path, *_ in house.log if path == name]
        assert (mine[0], mine[-1]) == ("open", "close")
        got = house.heard("message", name)
        assert got == [str(number + 1) for number in range(len(got))], "in order, from the first on"
    for name, heard in chaos.heard.items():
        assert heard == chaos.sent.get(name, [])[: len(heard)], "what was taken arrives in order, from the first on"
