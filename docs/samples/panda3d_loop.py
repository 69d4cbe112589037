"""A game in Panda3D: a task turns the loop once a frame, and each player has a box that their inputs move.

`python panda3d_loop.py` opens a window. `python panda3d_loop.py none` is the same game on a machine without a screen.
"""

import sys
import time
from typing import Annotated, Any

from direct.showbase.ShowBase import ShowBase
from msgspec import Meta
from panda3d.core import NodePath, Point3, loadPrcFileData

import tickws

SPEED = 8.0  # units a second
Axis = Annotated[float, Meta(ge=-1, le=1)]


class Move(tickws.Input):
    dx: Axis = 0.0
    dy: Axis = 0.0


class Box:
    def __init__(self, node: NodePath) -> None:
        self.node = node
        self.before = self.now = Point3(0, 0, 0)  # in the last tick but one, and in the last


class Game(ShowBase):
    def __init__(self, window: str) -> None:
        if window != "onscreen":
            loadPrcFileData("", "audio-library-name null")
        super().__init__(windowType=window)
        self.boxes: dict[int, Box] = {}
        self.tick_loop = tickws.TickLoop(rate=60)
        self.server = self.tick_loop.add(tickws.GameServer(port=8056, inputs=Move, snapshot_rate=20), budget=0.004)
        self.tick_loop.bus.subscribe(tickws.PlayerJoined, self.joined)
        self.tick_loop.bus.subscribe(tickws.PlayerLeft, self.left)
        self.tick_loop.system(self.simulate)
        self.taskMgr.add(self.frame, "tickws")
        if window == "onscreen":
            self.disableMouse()
            self.camera.setPos(0, -40, 0)
        else:
            self.taskMgr.add(self.sleep, "sleep", sort=100)

    def joined(self, event: tickws.PlayerJoined) -> None:
        self.boxes[event.player.id] = box = Box(self.loader.loadModel("models/box"))
        box.node.reparentTo(self.render)

    def left(self, event: tickws.PlayerLeft) -> None:
        self.boxes.pop(event.player.id).node.removeNode()

    def simulate(self, tick: tickws.Tick) -> None:
        for player in self.server.players:
            box, move = self.boxes[player.id], player.input(tick)
            box.before = box.now
            box.now = box.now + Point3(move.dx, 0, -move.dy) * (SPEED * tick.dt)  # y counts downwards
        self.server.publish({number: {"x": box.now.x, "y": -box.now.z} for number, box in self.boxes.items()})

    def frame(self, task: Any) -> int:
        """Once a frame, before it is drawn: the ticks that are due, and where things are between the last two."""
        self.tick_loop.frame()
        self.mainWinMinimized = False  # else Panda3D sleeps 0.1 s in each frame of a minimised window
        for box in self.boxes.values():
            box.node.setPos(box.before + (box.now - box.before) * self.tick_loop.alpha)
        return int(task.cont)

    def sleep(self, task: Any) -> int:
        """A window waits for the screen; without one this is the only place that waits."""
        time.sleep(self.tick_loop.left)
        return int(task.cont)


if __name__ == "__main__":
    game = Game(sys.argv[1] if len(sys.argv) > 1 else "onscreen")
    with game.tick_loop:  # Ctrl-C ends run(), a closed window raises SystemExit: either way players are told
        game.run()
