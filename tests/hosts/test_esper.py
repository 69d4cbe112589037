"""The samples in esper, with the real library: a bare server between two processors, and a world on a `TickLoop`."""

import json
import runpy
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

import tickws
from tests.hosts.helpers import Guest, Stage, meet
from tests.hosts.runner import SAMPLES
from tests.program import SECONDS
from tickws.testing import GameTable, Pair


@pytest.fixture
def esper(require: Callable[[str], str]) -> Iterator[Any]:
    """esper, with a world of its own for the test."""
    require("esper")
    import esper

    before = esper.current_world
    esper.switch_world("test")
    yield esper
    esper.switch_world(before)
    esper.delete_world("test")


# -- two processors, first and last ----------------------------------------------------------------------------------


def test_what_comes_in_goes_out_in_the_same_frame(esper: Any) -> None:
    sample = runpy.run_path(str(SAMPLES / "esper_world.py"))
    pair = Pair(handler=sample["Handler"]())
    sample["assemble"](pair.server)
    [entity] = esper.get_entities()

    def frame() -> dict[str, float]:
        esper.process(1.0)
        pair.client.work(None, wait=0)
        return dict(json.loads(pair.received[-1]))

    assert frame() == {f"{entity}": 0.0}
    for words, place in (("right", 1.0), ("right", 2.0), ("stop", 2.0), ("left", 1.0)):
        pair.client.send(words)
        pair.client.work(None, wait=0)
        assert frame() == {f"{entity}": place}

    pair.client.close()
    pair.run(1.0)
    assert list(esper.get_entities()) == []
    pair.server.abort()


class Visitor:
    """Somebody who is connected when this is made."""

    def __init__(self, url: str) -> None:
        self.positions: dict[str, float] = {}
        self.closed: int | None = None
        self.client = tickws.WebSocketClient(url, on_message=self.heard, on_close=self.ended)
        self.until(lambda: self.positions)

    def heard(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        self.positions = json.loads(message)

    def ended(self, ws: tickws.WebSocket, code: int, reason: str) -> None:
        self.closed = code

    def until(self, reached: Callable[[], object]) -> None:
        deadline = time.monotonic() + SECONDS
        while not reached():
            assert time.monotonic() < deadline, self.positions
            self.client.work(0.005)

    def close(self) -> None:
        with self.client:
            pass


def test_a_world_with_visitors(require: Callable[[str], str]) -> None:
    require("esper")
    with Stage("esper", "esper_world.py") as stage:
        with closing(Visitor(stage.url)) as ada, closing(Visitor(stage.url)) as bob:
            [first] = ada.positions
            assert len(bob.positions) == 2
            assert ada.client.websocket is not None
            ada.client.websocket.send("right")
            ada.until(lambda: ada.positions[first] > 0.1)
            bob.until(lambda: bob.positions[first] > 0.1)
            ada.client.close()
            ada.until(lambda: ada.closed)
            bob.until(lambda: first not in bob.positions)
            assert len(bob.positions) == 1
            stage.process.send_signal(signal.SIGINT)
            bob.until(lambda: bob.closed)
            assert (ada.closed, bob.closed) == (1000, 1001)
        assert stage.ended() == 0
        assert stage.output.splitlines() == [stage.url]


# -- a world as a system of the loop ---------------------------------------------------------------------------------


def test_a_game_with_players(require: Callable[[str], str]) -> None:
    require("esper")
    with Stage("esper", "esper_game.py") as stage:
        meet(stage)
        with Guest(stage.url) as guest:
            stage.process.send_signal(signal.SIGINT)
            guest.until(lambda: guest.ended is not None)
            assert guest.ended is not None
            assert guest.ended.code == 1001
        assert stage.ended() == 0
        address, _ = stage.output.splitlines()
        assert address == stage.url


def test_entities_come_and_go_with_their_players(esper: Any) -> None:
    sample = runpy.run_path(str(SAMPLES / "esper_game.py"))
    table = GameTable(sample["Move"])
    table.loop.bus.subscribe(tickws.PlayerJoined, sample["joined"])
    table.loop.bus.subscribe(tickws.PlayerLeft, sample["left"])
    esper.add_processor(sample["Publish"](table.game), priority=-1000)
    esper.add_processor(sample["Steering"]())
    table.loop.system(esper.process)

    ada, bob = table.join(), table.join()
    table.run(0.5)
    assert {*esper.get_entities()} == {player.entity for player in table.game.players}
    assert ada.player is not None
    assert bob.player is not None
    ada.send_input(sample["Move"](dx=1.0))
    table.run(1.0)
    assert 0.5 < bob.state()[ada.player]["x"] < 1.0
    assert bob.state()[bob.player]["x"] == 0.0
    ada.close()
    table.run(0.5)
    assert list(esper.get_entities()) == [player.entity for player in table.game.players]
    assert list(bob.state()) == [bob.player]
