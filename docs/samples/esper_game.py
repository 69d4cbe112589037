"""An esper world as a system of a `TickLoop`: entities have players, whose inputs come with the tick."""

from dataclasses import dataclass
from typing import Annotated

import esper
from msgspec import Meta

import tickws

Axis = Annotated[float, Meta(ge=-1, le=1)]


class Move(tickws.Input):
    dx: Axis = 0.0
    dy: Axis = 0.0


@dataclass
class Position:
    x: float = 0.0
    y: float = 0.0


@dataclass
class Control:
    player: tickws.Player[Move]


class Steering(esper.Processor):
    def process(self, tick: tickws.Tick) -> None:
        for _, (control, position) in esper.get_components(Control, Position):
            move = control.player.input(tick)
            position.x += move.dx * tick.dt
            position.y += move.dy * tick.dt


class Publish(esper.Processor):
    def __init__(self, game: tickws.GameServer[Move]) -> None:
        self.game = game

    def process(self, tick: tickws.Tick) -> None:
        world = esper.get_components(Control, Position)
        self.game.publish({control.player.id: position for _, (control, position) in world})


def joined(event: tickws.PlayerJoined) -> None:
    event.player.entity = esper.create_entity(Position(), Control(event.player))


def left(event: tickws.PlayerLeft) -> None:
    esper.delete_entity(event.player.entity)  # gone before this tick's processors run


def main() -> None:
    loop = tickws.TickLoop(rate=60)
    game = loop.add(tickws.GameServer(port=8056, inputs=Move, snapshot_rate=20), budget=0.004)
    loop.bus.subscribe(tickws.PlayerJoined, joined)
    loop.bus.subscribe(tickws.PlayerLeft, left)
    esper.add_processor(Steering())
    esper.add_processor(Publish(game), priority=-1000)
    loop.system(esper.process)
    loop.run()


if __name__ == "__main__":
    main()
