"""A guest for the games of this page: joins, and walks in a circle until Ctrl-C. Start it as often as you like."""

import math
from typing import Annotated

from msgspec import Meta

import tickws

Axis = Annotated[float, Meta(ge=-1, le=1)]


class Move(tickws.Input):  # the same as the game's
    dx: Axis = 0.0
    dy: Axis = 0.0


def main() -> None:
    clock = tickws.SystemClock()
    with tickws.GameClient("ws://127.0.0.1:8056/", inputs=Move) as client:
        client.bus.subscribe(tickws.Connected, print)
        client.bus.subscribe(tickws.Dropped, print)
        while client.work(0.05, wait=0.05):  # False once it is over; a lost connection is tried again
            angle = 2 * clock.now()
            client.send_input(Move(dx=math.cos(angle), dy=math.sin(angle)))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
