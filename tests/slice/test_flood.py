"""Flood: clients whose lines are always full slow themselves, and nobody else; the slice holds whatever they say."""

import math
from collections import Counter

import pytest

import tickws
from tests.game.helpers import Move
from tests.slice.rigs import BUDGET, LOOK, LOOKS, MESSAGE, PERIOD, Flooder, Players, Stage
from tests.transport.peers import Ticking, text
from tickws.client.client import GameClient
from tickws.game.limits import GameLimits
from tickws.game.server import GameServer
from tickws.loop.tickloop import TickLoop
from tickws.protocol.limits import Limits
from tickws.sync.wire import SUBPROTOCOL
from tickws.testing import MemoryNetwork
from tickws.transport.client import WebSocketClient

STEPS = MESSAGE + 4 * LOOK
"""What a slice overshoots: a step of receive, and one of flush."""
PLAYERS = 20


class Flood:
    """Players, and flooders whose lines are filled before each frame."""

    def __init__(self, flooders: int, message: float = MESSAGE, limits: Limits | None = None) -> None:
        self.stage = Stage(costs={"message": message}, limits=limits)
        self.players = Players(self.stage, PLAYERS)
        self.flooders = [Flooder(self.stage, f"/flooder{number}") for number in range(flooders)]
        self.most: Counter[str] = Counter()
        """The most that was read of a flooder in a frame."""
        self.heard: dict[str, list[str]] = {flooder.path: [] for flooder in self.flooders}

    def frame(self) -> None:
        for flooder in self.flooders:
            flooder.fill()
        self.players.frame()
        self._note()

    def _note(self) -> None:
        count = Counter(path for path, _ in self.stage.heard)
        for path, message in self.stage.heard:
            if path in self.heard:
                self.heard[path].append(message)
        for path in self.heard:
            self.most[path] = max(self.most[path], count[path])

    def end(self) -> None:
        """The flood is over: everything that was said is read."""
        for _ in range(4000):
            done = [flooder.finish() for flooder in self.flooders]
            self.players.rest()
            self._note()
            if all(done) and all(len(self.heard[flooder.path]) == flooder.said for flooder in self.flooders):
                return
        raise AssertionError("something is lost")


@pytest.mark.parametrize("flooders", [1, 4, 10])
def test_players_are_read_in_the_frame_in_which_they_speak(flooders: int) -> None:
    flood = Flood(flooders)
    for _ in range(60):
        flood.frame()
    assert flood.stage.worst <= BUDGET + STEPS + LOOKS
    assert flood.players.missing == 0
    assert max(flood.players.delays) == 0
    quota = Limits().slice_messages
    assert all(quota - 8 <= most <= quota for most in flood.most.values()), (
        "all that is a flooder's, but for a collector"
    )


@pytest.mark.parametrize(("flooders", "message"), [(1, 20e-6), (4, 20e-6), (10, 20e-6), (1, 80e-6), (4, 50e-6)])
def test_players_wait_one_tick_at_most_where_messages_are_dear(flooders: int, message: float) -> None:
    """What the flooders may say in a slice is more than it has time for."""
    flood = Flood(flooders, message)
    for _ in range(60):
        flood.frame()
    assert flood.stage.worst <= BUDGET + message + 4 * LOOK + LOOKS
    assert max(flood.players.delays) <= 1
    assert flood.players.missing <= PLAYERS


def test_players_are_read_before_all_who_say_much() -> None:
    stage = Stage()
    flooders = [Flooder(stage, f"/flooder{number}") for number in range(10)]  # the poller finds them first
    players = Players(stage, PLAYERS)
    for frame in range(40):
        for flooder in flooders:
            flooder.fill()
        players.frame()
        paths = [path for path, _ in stage.heard]
        assert len(paths) > PLAYERS
        if frame >= 20:  # by then it has shown who says much
            assert set(paths[:PLAYERS]) == players.paths


@pytest.mark.parametrize(("flooders", "message"), [(30, 50e-6), (100, 20e-6)])
def test_players_are_heard_of_whom_so_many_say_much_that_each_is_read_but_little(flooders: int, message: float) -> None:
    """Eight messages of each flooder would take longer than a slice: the players would wait for several."""
    flood = Flood(flooders, message)
    for _ in range(60):
        flood.frame()
    flood.players.delays.clear()
    for _ in range(60):
        flood.frame()
    assert len(flood.players.delays) == 60 * PLAYERS
    assert max(flood.players.delays) == 0


def test_flooders_have_short_turns() -> None:
    """Two of their quotas would fill a slice."""
    flood = Flood(20)
    for _ in range(20):
        flood.frame()
    flood.stage.costs["message"] = 20e-6
    heard = dict.fromkeys(flood.heard, 0)
    for frame in range(60):
        flood.frame()
        for path in heard:
            if path in dict(flood.stage.heard):
                heard[path] = frame
        assert min(heard.values()) >= frame - 3


def test_who_says_much_is_heard_also_where_those_who_say_little_need_more_time_than_there_is() -> None:
    """Else a player who has fallen behind, and catches up, would wait for as long as others do the same."""
    flood = Flood(60)
    others = [flood.stage.house.peer(f"/other{number}") for number in range(100)]
    for _ in range(20):
        flood.frame()
    flood.stage.costs["message"] = 20e-6
    heard = dict.fromkeys(flood.heard, 0)
    for frame in range(120):
        for peer in others:
            peer.say(text("one") + text("two"))
        flood.frame()
        for path, _ in flood.stage.heard:
            if path in heard:
                assert frame - heard[path] <= 40
                heard[path] = frame
    assert flood.stage.server.statistics().carried_over > 100
    assert min(heard.values()) >= 80


@pytest.mark.parametrize("flooders", [1, 4, 10])
def test_a_newcomer_is_in_within_fifteen_frames(flooders: int) -> None:
    flood = Flood(flooders)
    for _ in range(5):
        flood.frame()
    newcomer = flood.stage.house.dial()
    newcomer.ask("/new")
    frames = 0
    while "/new" not in flood.stage.house.opens:
        flood.frame()
        frames += 1
        assert frames <= 15
    assert newcomer.receive_status() == 101
    assert frames <= 2
    newcomer.say(text("hello"))
    for _ in range(2):
        flood.frame()
    assert flood.stage.house.heard("message", "/new") == ["hello"]


def test_a_newcomer_is_in_within_fifteen_frames_though_messages_are_dear() -> None:
    flood = Flood(10, 0.001)
    for _ in range(5):
        flood.frame()
    newcomer = flood.stage.house.dial()
    newcomer.ask("/new")
    for _ in range(15):
        flood.frame()
    assert newcomer.receive_status() == 101


@pytest.mark.parametrize("quota", [1, 7, 64])
def test_when_the_flood_is_over_its_backlog_is_read_in_order_and_nothing_is_lost(quota: int) -> None:
    flood = Flood(3, limits=Limits(slice_messages=quota))
    for _ in range(20):
        flood.frame()
    assert set(flood.most.values()) == {quota}
    flood.end()
    for flooder in flood.flooders:
        assert flood.heard[flooder.path] == [str(number) for number in range(flooder.said)]
    assert set(flood.most.values()) == {quota}
    assert flood.players.missing == 0
    assert flood.stage.house.statistics.carried_over == 0


@pytest.mark.parametrize(("count", "message"), [(1, 20e-6), (10, 4e-6)])
def test_newcomers_whose_first_words_come_with_their_request_do_not_stand_before_players(
    count: int, message: float
) -> None:
    """New flooders in each frame: each brings a quota of messages in the packet of its request."""
    stage = Stage(costs={"message": message, "open": 100e-6})
    players = Players(stage, PLAYERS)
    for _ in range(40):
        for _ in range(count):
            stage.house.dial().ask("/storm", then=text("x") * 64)
        players.frame()
    assert max(players.delays) <= 1
    assert players.missing <= PLAYERS
    assert stage.worst <= BUDGET + 100e-6 + 4 * LOOK + LOOKS


def test_nobody_has_two_quotas_in_one_slice() -> None:
    """Who is cut off by the end of a turn goes on with what was left of its quota, whoever comes meanwhile."""
    stage = Stage(0.1, costs={"message": 0.001})
    flooders = [Flooder(stage, f"/flooder{number}") for number in range(2)]
    for _ in range(12):
        for flooder in flooders:
            flooder.fill()
        for _ in range(5):
            stage.house.dial().ask("/storm", then=text("x") * 10)
        stage.frame()
        count = Counter(path for path, _ in stage.heard)
        assert max(count[flooder.path] for flooder in flooders) <= 64


# A game


class Measured(GameServer[Move]):
    """A game whose frames are timed."""

    clock: Ticking
    slices: list[float]

    def receive(self, budget: float | None) -> None:
        begun = self.clock.instant
        super().receive(budget)
        self.slices.append(self.clock.instant - begun)

    def flush(self, budget: float | None) -> None:
        begun = self.clock.instant
        super().flush(budget)
        self.slices[-1] += self.clock.instant - begun


@pytest.mark.parametrize("flooders", [0, 1, 10])
def test_in_a_game_each_players_input_is_there_for_its_tick(flooders: int) -> None:
    """Flooders are clients who acknowledge, over and over; each look at the clock costs as much as a message does."""
    network = MemoryNetwork()
    clock = Ticking(reading=MESSAGE)
    limits = GameLimits(messages_per_second=math.inf, bytes_per_second=math.inf)
    game = Measured(inputs=Move, network=network, clock=clock, limits=limits)
    game.clock, game.slices = clock, []
    loop = TickLoop(60, clock=clock)
    loop.add(game, budget=BUDGET)
    url = f"ws://127.0.0.1:{game.port}/"
    players = [GameClient(url, inputs=Move, network=network) for _ in range(8)]
    floods = [WebSocketClient(url, network=network, subprotocols=[SUBPROTOCOL]) for _ in range(flooders)]
    loop.system(name="game")(lambda tick: game.publish({1: {"x": float(tick.number)}}))
    acknowledge = tickws.pack([4, 0, None])
    due = 0.0

    def frame(*, floods_go_on: bool) -> None:
        nonlocal due
        clock.advance(max(0.0, due - clock.instant))
        due = clock.instant + PERIOD
        loop.frame()
        for player in players:
            player.send_input(Move(dy=0.5))
            player.work()
        for flood in floods:
            if floods_go_on and flood.websocket is not None:
                while flood.websocket.queued_bytes < 100:  # its line is full
                    for _ in range(100):
                        flood.send(acknowledge)
                    flood.work(None, wait=0)
            flood.work(None, wait=0)
        network.clock.advance(PERIOD)

    for _ in range(3):
        frame(floods_go_on=False)
    for flood in floods:
        flood.send(tickws.pack([0, 1, None, "", None, None, 0]))
    for _ in range(120):
        frame(floods_go_on=False)
    assert len(game.players) == 8 + flooders
    before, heard = game.statistics(), game.server.statistics().messages_received
    for _ in range(120):
        frame(floods_go_on=True)
    after = game.statistics()
    read = game.server.statistics().messages_received - heard
    assert read >= 120 * (8 + flooders * 60), "it is a flood"
    assert after.inputs - before.inputs == 8 * 120
    assert after.late == before.late
    assert after.left == 0
    steps = 16 * 8 * MESSAGE  # sixteen sessions are told what is new between two looks
    assert max(game.slices) <= BUDGET + steps
