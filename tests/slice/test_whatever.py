"""Whatever is said, by whomever, within whatever budgets: the slice holds, nothing honest is lost, all is counted."""

import random
from functools import partial
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.slice.rigs import LOOK
from tests.transport.peers import House, Peer, Ticking, close, ping, text
from tickws.protocol.limits import Limits
from tickws.testing import Conditions

SLICES = 200
LOOKS = 14 * LOOK
COSTS = (0.0, 5e-6, 1e-4, 0.002)
BUDGETS = (0.0, 1e-9, 0.0003, 0.002, 0.004, 0.010)


class Crowd:
    """A server at which a crowd does what chance says.

    Args:
        seed: of the chance.
        quota: messages of one connection in one slice.
    """

    def __init__(self, seed: int, quota: int) -> None:
        self.chance = random.Random(seed)
        self.clock = Ticking(reading=LOOK)
        self.costs = {kind: self.chance.choice(COSTS) for kind in ("request", "open", "message", "close", "accept")}
        self.step = max(self.costs["open"] + self.costs["request"], *self.costs.values())
        self.house = House(
            clock=self.clock,
            limits=Limits(slice_messages=quota, ping_seconds=1e6, handshake_seconds=1e6, closing_seconds=1e6),
            on_request=lambda request: self.spend("request"),
            on_open=lambda ws: self.spend("open"),
            on_message=self.echo,
            on_close=lambda ws, code, reason: self.spend("close"),
        )
        network: Any = self.house.network
        network.accepted = lambda sock: self.spend("accept")
        self.honest: dict[str, Peer] = {}
        self.said: dict[str, int] = {}
        self.heard: dict[str, list[Any]] = {}
        self.flooders: list[Peer] = []
        self.closed: set[str] = set()
        self.dialled = 0

    def spend(self, kind: str) -> bool:
        self.clock.advance(self.costs[kind])
        return True

    def echo(self, ws: Any, message: str) -> None:
        self.spend("message")
        if ws.request.path in self.honest:
            ws.send(message)

    def act(self) -> None:
        """Something happens outside."""
        chance = self.chance
        for _ in range(chance.choice((0, 0, 1, 3))):
            path = f"/{self.dialled}"
            self.dialled += 1
            kind = chance.choice(("honest", "honest", "flooder", "silent", "reset"))
            peer = self.house.dial(conditions=Conditions(buffer_bytes=2000) if kind == "flooder" else None)
            if kind == "silent":
                continue
            first = chance.choice((0, 0, 3))
            flood = text("x") * 64 if kind == "flooder" else b""
            peer.ask(path, then=b"".join(text(str(number)) for number in range(first)) if kind == "honest" else flood)
            if kind == "honest":
                self.honest[path], self.said[path], self.heard[path] = peer, first, []
            elif kind == "flooder":
                self.flooders.append(peer)
            else:
                peer.socket.reset()
        for path, peer in self.honest.items():
            if path not in self.closed:
                for _ in range(chance.choice((0, 0, 1, 2))):
                    peer.say(text(str(self.said[path])))
                    self.said[path] += 1
                if chance.random() < 0.02:
                    peer.say(close(4000, "bye"))
                    self.closed.add(path)
        for peer in self.flooders:
            try:
                peer.socket.send(chance.choice((text("x"), ping())) * 100)
            except BlockingIOError:
                pass

    def slice(self) -> None:
        """One slice, whose promises are held against it."""
        server, clock = self.house.server, self.clock
        budget = self.chance.choice(BUDGETS)
        total = 0.0
        calls: list[tuple[Any, float]] = [(server.receive, budget), (server.flush, 0.0)]
        if self.chance.random() < 0.5:
            calls = [(partial(server.work, wait=0), budget)]
        for call, allowed in calls:
            before = clock.instant
            assert call(allowed)
            spent = clock.instant - before
            assert spent <= allowed + self.step + LOOKS
            total += spent
        told = self.house.statistics
        assert sum(step.last for step in told.steps.values()) <= total + 1e-12
        self.listen()

    def listen(self) -> None:
        """Everybody honest reads what has come."""
        for path, peer in self.honest.items():
            self.heard[path] += [message for message in peer.receive() if isinstance(message, str)]

    def drain(self) -> None:
        """Nothing more is said: what is on the way arrives."""
        for peer in self.flooders:
            peer.socket.reset()
        for _ in range(3000):
            self.house.turn()
            self.listen()
            if not self.house.statistics.carried_over and self.house.statistics.accepted == self.dialled:
                break
        self.house.turn(3)
        self.listen()

    def check(self) -> None:
        """Everything honest came once and in order, both ways; the counts are those of what happened."""
        log = self.house.log
        for path, count in self.said.items():
            expected = [str(number) for number in range(count)]
            assert [entry[2] for entry in log if entry[:2] == ("message", path)] == expected
            # Who has closed is answered no more.
            assert self.heard[path] == expected[: len(self.heard[path])]
            assert path in self.closed or self.heard[path] == expected
        opens = [entry[1] for entry in log if entry[0] == "open"]
        closes = [entry[1] for entry in log if entry[0] == "close"]
        assert len(set(opens)) == len(opens)
        assert len(set(closes)) == len(closes)
        assert set(opens) >= set(self.honest)
        assert set(opens) >= set(closes) >= self.closed
        told = self.house.statistics
        steps = {name: step.count for name, step in told.steps.items()}
        assert told.opened == len(opens)
        assert sum(told.closed.values()) == len(closes) == steps["close"]
        assert told.messages_received == len([entry for entry in log if entry[0] == "message"]) <= steps["message"]
        assert steps["accept"] >= told.accepted == self.dialled
        assert steps["handshake"] >= told.opened
        assert 0 < steps["poll"] <= told.polls
        assert (told.carried_over, told.callback_errors) == (0, 0)
        assert told.open == len(opens) - len(closes)


@example(seed=2086422589, quota=64)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1 << 32), quota=st.sampled_from([1, 5, 64]))
def test_the_slice_holds_nothing_is_lost_and_all_is_counted(seed: int, quota: int) -> None:
    crowd = Crowd(seed, quota)
    for _ in range(SLICES):
        crowd.act()
        crowd.slice()
    crowd.drain()
    crowd.check()
