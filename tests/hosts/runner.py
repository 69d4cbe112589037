"""Runs a sample in its host so that a test can reach it: `python -m tests.hosts.runner HOST SAMPLE`.

The file is run as it is, in a process of its own, with these differences: its servers take a free port and say which;
SIGUSR1 presses the window's close button; that a loop is slow is not logged, for it may be the machine; at the end a
line of JSON says what the loop did.
"""

import json
import logging
import runpy
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import tickws

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"

I = TypeVar("I", bound=tickws.Input)  # noqa: E741


# -- what presses the close button, by host --------------------------------------------------------------------------


def close_pygame() -> None:
    """The event that pygame makes of it."""
    import pygame

    pygame.event.post(pygame.event.Event(pygame.QUIT))


def close_pyglet() -> None:
    """The event that pyglet makes of it."""
    import pyglet

    for window in list(pyglet.app.windows):
        pyglet.app.platform_event_loop.post_event(window, "on_close")


def close_panda3d() -> None:
    """What Panda3D does when it hears of it, whether there is a window or not."""
    import builtins

    base: Any = vars(builtins)["base"]
    base.taskMgr.doMethodLater(0, base.userExit, "close", extraArgs=[])


CLOSE: dict[str, Callable[[], None]] = {
    "arcade": close_pyglet,  # its windows are pyglet's
    "panda3d": close_panda3d,
    "pygame": close_pygame,
    "pyglet": close_pyglet,
}
"""A host without an entry has no window to close."""


# -- what a host needs before the sample begins ----------------------------------------------------------------------


def prepare_panda3d() -> None:
    """Draws in memory, by software; no word about screens, sound and joysticks that this machine may lack."""
    from panda3d.core import loadPrcFileData

    quiet = "".join(f"notify-level-{name} fatal\n" for name in ("audio", "device", "display", "x11display"))
    loadPrcFileData("", f"load-display p3tinydisplay\nprint-pipe-types false\n{quiet}")


def prepare_arcade() -> None:
    """Where nobody sees its windows, `arcade.run` has a loop without events and rest; here it is the real one."""
    import arcade
    import pyglet

    arcade.run = lambda: pyglet.app.run(None)


def prepare_asyncio() -> None:
    """What else the sample serves takes a free port as well."""
    import asyncio

    real = asyncio.start_server

    async def start_server(connected: Any, host: str, port: int) -> asyncio.Server:
        return await real(connected, host, 0)

    setattr(asyncio, "start_server", start_server)  # noqa: B010 (a stand-in takes less)


PREPARE: dict[str, Callable[[], None]] = {
    "arcade": prepare_arcade,
    "asyncio": prepare_asyncio,
    "panda3d": prepare_panda3d,
}


# -- what stands in for the sample's own -----------------------------------------------------------------------------


class Server(tickws.WebSocketServer):
    """As the real one, but at a free port, which it tells."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "port": 0})
        print(f"ws://127.0.0.1:{self.port}/", flush=True)


class Game(tickws.GameServer[I]):
    """As the real one, but at a free port, which it tells."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **({**options, "port": 0} if "port" in options else options))
        print(f"ws://127.0.0.1:{self.port}/", flush=True)


class Loop(tickws.TickLoop):
    """As the real one, but it keeps how long its frames went on, and how many ticks came of that."""

    latest: "Loop | None" = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        Loop.latest = self
        self.turned = 0
        self.began: tuple[float, float] | None = None
        self.report: dict[str, float] = {}

    def frame(self) -> int:
        before = time.perf_counter()
        ran = super().frame()
        after = time.perf_counter()
        self.turned += 1
        if self.began is None:
            self.began = before, after
        if ran < 5:  # else more may be owed
            ticks = self.ticks + self.slipped * self.rate
            seconds = [before - self.began[1], after - self.began[0]]
            self.report = {"ticks": ticks, "frames": self.turned, "shortest": seconds[0], "longest": seconds[1]}
        return ran


def main(host: str, sample: str, *arguments: str) -> None:
    """Run one sample to its end."""
    sys.argv[1:] = arguments
    if host in PREPARE:
        PREPARE[host]()
    logging.getLogger("tickws").setLevel(logging.ERROR)
    if host in CLOSE:
        signal.signal(signal.SIGUSR1, lambda *_: CLOSE[host]())
    replaced: dict[str, object] = {"WebSocketServer": Server, "GameServer": Game, "TickLoop": Loop}
    for name, stand_in in replaced.items():
        setattr(tickws, name, stand_in)
    try:
        runpy.run_path(str(SAMPLES / sample), run_name="__main__")
    finally:  # some hosts end by SystemExit
        if Loop.latest is not None:
            print(json.dumps(Loop.latest.report), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
