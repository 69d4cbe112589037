"""A sample on the stage: as a process of its own, with guests from this one; and the scenes that all have in common."""

import json
import signal
import time
from collections.abc import Callable
from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta

import tickws
from tests.program import SECONDS, Program


class Move(tickws.Input):
    """What a player does in the samples that are a `GameServer`; they all have the same."""

    dx: Annotated[float, Meta(ge=-1, le=1)] = 0.0
    dy: Annotated[float, Meta(ge=-1, le=1)] = 0.0


CHATTER = {"* interrupt by keyboard"}
"""What hosts say to a Ctrl-C that they take well: Panda3D does."""


class Run(msgspec.Struct):
    """What the sample's loop did, between its first frame and its last."""

    ticks: float
    """Those that slipped included."""
    frames: int
    shortest: float
    """Seconds that passed for certain."""
    longest: float
    """Seconds that passed at most."""

    def kept_time(self, rate: int) -> bool:
        """Whether the ticks are what the time asks for, however many frames there were."""
        return self.shortest * rate - 1 <= self.ticks <= self.longest * rate + 2


class Stage(Program):
    """A sample, run by `tests/hosts/runner.py`: it `listens` when this is made."""

    def __init__(self, host: str, sample: str, *arguments: str) -> None:
        super().__init__("-X", "faulthandler", "-m", "tests.hosts.runner", host, sample, *arguments)
        try:
            self.listens()
        except BaseException:
            self.close()
            raise

    def run(self) -> Run:
        """What its loop did; once it has ended. Fails where it said anything else, as a complaint would be."""
        address, *complaints, report = [line for line in self.output.splitlines() if line not in CHATTER]
        assert complaints == [], self.output
        assert address == self.url
        return msgspec.convert(json.loads(report), Run)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Guest:
    """A player, who is in the game at `url` when this is made."""

    def __init__(self, url: str) -> None:
        self.client = tickws.GameClient(url, inputs=Move)
        self.ended: tickws.Disconnected | tickws.Dropped | None = None
        self.client.bus.subscribe(tickws.Dropped, self._end)
        self.client.bus.subscribe(tickws.Disconnected, self._end)
        self.until(lambda: self.client.player in self.client.state())
        self.number = self.client.player

    def _end(self, event: tickws.Disconnected | tickws.Dropped) -> None:
        self.ended = self.ended or event

    def until(self, reached: Callable[[], bool]) -> None:
        """Take part until that is so."""
        deadline = time.monotonic() + SECONDS
        while not reached():
            assert time.monotonic() < deadline, f"waited {SECONDS} s in vain; {self.ended or self.client.state()}"
            self.client.work(0.005, wait=None)

    def sees(self, who: "Guest") -> dict[str, Any]:
        """Where somebody is, as this guest's screen has it; nothing where there is none of them."""
        assert who.number is not None
        return dict(self.client.state().get(who.number, {}))

    def close(self) -> None:
        """Leave."""
        with self.client:
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


# -- what every sample with a GameServer must be able to do ----------------------------------------------------------


def play(stage: Stage, rate: int = 60) -> Run:
    """Two `meet`; ticks keep time, whatever the frames do. Gives what the loop did."""
    meet(stage)
    assert stage.stop() == 0
    run = stage.run()
    assert run.kept_time(rate), stage.output
    return run


def meet(stage: Stage) -> None:
    """Two join; one goes right and then up or down, and both see it; one leaves, and the other sees that."""
    with Guest(stage.url) as ada, Guest(stage.url) as bob:
        ada.until(lambda: bob.number in ada.client.state())
        start = ada.sees(ada)
        ada.client.send_input(Move(dx=1.0))
        ada.until(lambda: ada.sees(ada)["x"] > start["x"])
        assert ada.sees(ada)["y"] == start["y"]
        bob.until(lambda: bob.sees(ada)["x"] > start["x"])
        still = bob.sees(bob)
        ada.client.send_input(Move(dy=-1.0))
        ada.until(lambda: ada.sees(ada)["y"] != start["y"])
        bob.until(lambda: bob.sees(ada)["y"] != start["y"])
        assert bob.sees(bob) == still
        ada.close()
        bob.until(lambda: ada.number not in bob.client.state())


def end(stage: Stage, number: signal.Signals) -> None:
    """That signal ends it: everybody is told, and it goes without a complaint."""
    with Guest(stage.url) as guest:
        stage.process.send_signal(number)
        guest.until(lambda: guest.ended is not None)
        assert guest.ended is not None
        assert guest.ended.code == 1001
    assert stage.ended() == 0
    stage.run()
