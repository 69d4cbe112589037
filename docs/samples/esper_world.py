"""An entity component system as the host: in esper, one Processor receives first, another flushes last.

Everybody who connects is an entity, and moves it by sending "left", "right" or "stop".
"""

import json
import time
from dataclasses import dataclass

import esper

import tickws

RATE = 60


@dataclass
class Position:
    x: float = 0.0


@dataclass
class Velocity:
    dx: float = 0.0


class Receive(esper.Processor):
    """Inputs, before the processors that use them."""

    def __init__(self, server: tickws.WebSocketServer) -> None:
        self.server = server

    def process(self, dt: float) -> None:
        self.server.receive(0.003)


class Movement(esper.Processor):
    def process(self, dt: float) -> None:
        for _, (position, velocity) in esper.get_components(Position, Velocity):
            position.x += velocity.dx * dt


class Flush(esper.Processor):
    """What the frame has to say, in the same frame."""

    def __init__(self, server: tickws.WebSocketServer) -> None:
        self.server = server

    def process(self, dt: float) -> None:
        positions = {entity: round(position.x, 2) for entity, position in esper.get_component(Position)}
        self.server.broadcast_latest("positions", json.dumps(positions))
        self.server.flush(0.001)


class Handler(tickws.Handler):
    """Connections and entities; `ws.data` is the entity."""

    def on_open(self, ws: tickws.WebSocket) -> None:
        ws.data = esper.create_entity(Position(), Velocity())

    def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        esper.component_for_entity(ws.data, Velocity).dx = {"left": -1.0, "right": 1.0}.get(str(message), 0.0)

    def on_close(self, ws: tickws.WebSocket, code: int, reason: str) -> None:
        esper.delete_entity(ws.data, immediate=True)  # no processor goes through entities while the server calls


def assemble(server: tickws.WebSocketServer) -> None:
    esper.add_processor(Receive(server), priority=1000)  # first,
    esper.add_processor(Movement())  # then the game's,
    esper.add_processor(Flush(server), priority=-1000)  # last


def main() -> None:
    with tickws.WebSocketServer(Handler(), port=8056) as server:
        assemble(server)
        due = time.perf_counter()
        while True:
            esper.process(1 / RATE)
            due = max(due + 1 / RATE, time.perf_counter() - 1 / RATE)  # what is lost beyond a tick is not caught up
            time.sleep(max(0.0, due - time.perf_counter()))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
