"""The game in asyncio, which every Python has; in a job of its own nevertheless, as the other hosts."""

import asyncio
import runpy
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

import tickws
from tests.hosts.helpers import Guest, Move, Stage, end, play
from tests.hosts.runner import SAMPLES, Game
from tests.program import SECONDS

SAMPLE = "asyncio_game.py"


@pytest.fixture
def stage() -> Iterator[Stage]:
    """The sample, which runs."""
    with Stage("asyncio", SAMPLE) as stage:
        yield stage


def test_players_join_and_move(stage: Stage) -> None:
    run = play(stage)
    assert run.frames < 1.5 * run.ticks  # it sleeps in between


def test_ctrl_c_says_goodbye(stage: Stage) -> None:
    end(stage, signal.SIGINT)


# -- beside other tasks ----------------------------------------------------------------------------------------------


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sample's names, on free ports; among them `walk`, the game once it runs, and `ports` of what else serves."""
    monkeypatch.setattr(tickws, "GameServer", Game)
    names = runpy.run_path(str(SAMPLES / SAMPLE))
    names["ports"] = ports = []
    real, start = asyncio.start_server, names["Walk"].__init__

    async def start_server(connected: Any, host: str, port: int) -> asyncio.Server:
        server = await real(connected, host, 0)
        ports.append(server.sockets[0].getsockname()[1])
        return server

    def keep(walk: Any) -> None:
        start(walk)
        names["walk"] = walk

    monkeypatch.setattr(asyncio, "start_server", start_server)
    monkeypatch.setattr(names["Walk"], "__init__", keep)
    return names


async def until(reached: Callable[[], object]) -> None:
    """Let the other tasks go on until that is so."""
    deadline = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


async def cancelled(task: "asyncio.Task[Any]") -> None:
    """Cancel a task, and see that it ends by that."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def in_an_event_loop(scene: Callable[[], Awaitable[None]]) -> None:
    """Run it in asyncio's debug mode; nothing may be left over."""

    async def main() -> None:
        await scene()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main(), debug=True)


def test_the_game_runs_beside_another_server_until_it_is_cancelled(sample: Any) -> None:
    async def scene() -> None:
        playing = asyncio.create_task(sample["main"]())
        await until(lambda: sample["ports"])
        url = f"ws://127.0.0.1:{sample['walk'].game.port}/"
        guest = await asyncio.to_thread(Guest, url)
        guest.client.send_input(Move(dx=1.0))
        await asyncio.to_thread(guest.until, lambda: guest.sees(guest)["x"] > 0.1)

        reader, writer = await asyncio.open_connection("127.0.0.1", sample["ports"][0])
        line = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert line.startswith(b"1 players, ")
        assert line.endswith(b" ticks a second\n")

        leaving = asyncio.create_task(asyncio.to_thread(guest.until, lambda: guest.ended is not None))
        await cancelled(playing)
        await leaving
        assert guest.ended is not None
        assert guest.ended.code == 1001
        assert sample["walk"].places == {}
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", sample["ports"][0])
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", sample["walk"].game.port)
        guest.close()

    in_an_event_loop(scene)


def test_a_task_that_blocks_makes_ticks_late_and_the_loop_says_who_it_was(
    sample: Any, caplog: pytest.LogCaptureFixture
) -> None:
    clock = tickws.ManualClock()
    loop = tickws.TickLoop(rate=60, clock=clock)
    said: list[tickws.LoopSlow] = []
    loop.bus.subscribe(tickws.LoopSlow, said.append)

    async def hog() -> None:
        while True:
            clock.advance(0.05)  # three ticks long it does not say await
            await asyncio.sleep(0)

    async def scene() -> None:
        playing, hogging = asyncio.create_task(sample["play"](loop)), asyncio.create_task(hog())
        await until(lambda: said)
        await cancelled(hogging)
        await cancelled(playing)

    in_an_event_loop(scene)
    assert said[0].cause == "host"
    assert "outside of loop.frame()" in caplog.text
