"""Storm: a crowd dials in one instant while others play. The players notice nothing, and everybody gets in."""

import errno
from typing import Any

import pytest

from tests.game.helpers import SPEAKS, Move
from tests.slice.rigs import BUDGET, LOOK, LOOKS, MESSAGE, PERIOD, Players, Stage
from tests.transport.peers import Peer, Ticking
from tickws.game.server import GameServer
from tickws.loop.tickloop import TickLoop
from tickws.testing import MemoryNetwork
from tickws.transport.listener import BACKLOG

CROWD = 2000
ACCEPT = 20e-6
OPEN = 60e-6
STEPS = OPEN + 4 * LOOK


class Storm:
    """Fifty players, and a crowd at the door."""

    def __init__(self, crowd: int, **options: Any) -> None:
        self.stage = Stage(costs={"open": OPEN}, **options)
        self.players = Players(self.stage, 50)
        self.house = self.stage.house
        network: Any = self.house.network
        network.accepted = lambda sock: self.stage.clock.advance(ACCEPT)
        self.peers: list[Peer] = []
        self._crowd = crowd
        self._accepted = self.house.statistics.accepted
        self.dial()

    def dial(self) -> None:
        """As many of the crowd dial as the backlog has room for."""
        accepted = self.house.statistics.accepted - self._accepted
        while len(self.peers) < min(self._crowd, accepted + BACKLOG):
            self.peers.append(self.house.dial())
            self.peers[-1].ask(f"/crowd/{len(self.peers) - 1}")

    @property
    def inside(self) -> int:
        return len(self.house.server.connections) - 50

    def frames_until(self, inside: int, most: int = 600) -> int:
        """How many frames it takes until so many are in."""
        for frame in range(most):
            if self.inside >= inside:
                return frame
            self.players.frame()
            self.dial()
        raise AssertionError(f"{self.inside} of {inside} are in")


def test_players_are_read_in_each_frame_and_all_get_in() -> None:
    storm = Storm(CROWD)
    frames = storm.frames_until(CROWD)
    assert max(storm.players.delays) == 0
    assert storm.players.missing == 0
    assert sorted(storm.house.opens[50:]) == sorted(f"/crowd/{number}" for number in range(CROWD))
    assert storm.stage.worst <= BUDGET + STEPS + LOOKS
    # What players leave of receive's three quarters is newcomers', and none of it is given away.
    each = ACCEPT + OPEN + 8 * LOOK
    free = BUDGET * 0.75 - 50 * (MESSAGE + 2 * LOOK)
    assert frames <= CROWD * each / free + 2
    assert min(storm.stage.timed.slices[:frames][-frames + 1 : -1]) >= BUDGET * 0.75
    assert all(peer.receive_status() == 101 for peer in storm.peers)


def test_newcomers_have_their_quarter_though_the_players_would_use_up_the_slice() -> None:
    storm = Storm(100)
    storm.stage.costs["message"] = 100e-6  # fifty inputs are 5 ms, of 3
    storm.frames_until(100)
    assert storm.stage.worst <= BUDGET + 100e-6 + 4 * LOOK + LOOKS
    assert storm.players.stage.house.statistics.carried_over > 0


def test_the_descriptors_run_out_in_the_middle_and_everybody_gets_in_nevertheless(
    caplog: pytest.LogCaptureFixture,
) -> None:
    storm = Storm(300)
    storm.players.frame()
    storm.house.network.fail_accepts(storm.house.server.port, errno.EMFILE, 2)
    frames = storm.frames_until(300)
    assert 60 <= frames <= 2 * 60 + 20, "a second each, as nobody leaves"
    assert caplog.text.count("no connection can be accepted") == 1, "once, until one succeeds"
    assert max(storm.players.delays) == 0
    assert storm.players.missing == 0


def test_one_who_leaves_lets_the_next_one_in() -> None:
    storm = Storm(40, max_connections=60)
    storm.frames_until(10)
    for number in range(30):
        storm.players.frame()
        assert storm.house.statistics.connections == 60
        storm.peers[number].socket.reset()
        for _ in range(3):
            storm.players.frame()
        assert len(storm.house.opens) == 50 + 10 + number + 1
    assert max(storm.players.delays) == 0


@pytest.mark.parametrize("budget", [0.0, 0.0005, BUDGET])
def test_seats_are_exact(budget: float) -> None:
    network = MemoryNetwork()
    clock = Ticking(reading=LOOK)

    def authenticate(request: object) -> bool:
        clock.advance(OPEN)
        return True

    game: GameServer[Move] = GameServer(
        inputs=Move, network=network, clock=clock, max_players=16, spectators=4, authenticate=authenticate
    )
    loop = TickLoop(60, clock=clock)
    loop.add(game, budget=budget)
    peers = [Peer(network, game.port) for _ in range(100)]
    for peer in peers:
        peer.ask("/", SPEAKS)
    for _ in range(500):
        loop.frame()
        clock.advance(PERIOD / 2)
    statuses = [peer.receive_status() for peer in peers]
    assert sorted(statuses) == [101] * 20 + [503] * 80
    assert game.statistics().turned_away == {503: 80}
    for peer in peers[:5]:
        peer.socket.reset()
    more = [Peer(network, game.port) for _ in range(10)]
    for peer in more:
        peer.ask("/", SPEAKS)
    for _ in range(100):
        loop.frame()
        clock.advance(PERIOD / 2)
    assert sorted(peer.receive_status() for peer in more) == [101] * 5 + [503] * 5
