"""SIGTERM ends `run()` as `stop()` does, and is nobody's business of ours at any other time."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import tickws
from tests.loop.rigs import Rig
from tests.program import Program
from tickws.testing import MemoryNetwork

SIGTERM = signal.SIGTERM


@pytest.fixture(autouse=True)
def handler_of_before() -> Iterator[None]:
    """The default handler; it must be there again afterwards."""
    assert signal.getsignal(SIGTERM) is signal.SIG_DFL
    yield
    found = signal.signal(SIGTERM, signal.SIG_DFL)
    assert found is signal.SIG_DFL


def raise_it(*ignored: object) -> float:
    signal.raise_signal(SIGTERM)
    return 0.0


@pytest.mark.parametrize("place", ["receive", "tick", "flush", "idle", "sleep"])
def test_it_ends_the_loop_as_stop_does(place: str) -> None:
    rig = Rig()
    if place == "sleep":
        rig.sub()
        sleep = rig.clock.sleep
        rig.clock.sleep = lambda seconds: (raise_it(), sleep(seconds))[1]  # type: ignore[method-assign]
    else:
        rig.sub("sub", **{place: raise_it})
    rig.system()
    rig.loop.run()
    frame = ["sub.receive", *["sub.tick", "system"] * (place != "receive"), "sub.flush", "sub.idle", "sub.close"]
    assert [entry[0] for entry in rig.log[1:]] == frame, "no tick begins behind it, and what was said is flushed"


def test_a_second_one_does_not_disturb_the_closing() -> None:
    rig = Rig()
    rig.sub(receive=raise_it, close=raise_it)
    rig.loop.run()
    assert rig.log[-1] == ("sub.close",)


def test_one_that_comes_while_stop_is_said_does_no_harm() -> None:
    """Nothing of ours may be locked when a handler calls."""
    rig = Rig()
    rig.system()

    def interrupt(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code is tickws.TickLoop.stop.__code__:
            raise_it()
        return None

    @rig.loop.system
    def stop(tick: tickws.Tick) -> None:
        before = sys.gettrace()
        sys.settrace(interrupt)
        try:
            rig.loop.stop()
        finally:
            sys.settrace(before)

    rig.loop.run()
    assert rig.loop.ticks == 1


def test_an_error_on_its_way_out_puts_the_handler_back_too() -> None:
    rig = Rig()
    rig.system(error=KeyError("boom"))
    with pytest.raises(KeyError):
        rig.loop.run()


def test_a_handler_of_the_program_is_left_alone() -> None:
    noted: list[int] = []
    signal.signal(SIGTERM, lambda number, frame: noted.append(number))
    try:
        rig = Rig()
        rig.sub(receive=raise_it)
        rig.run(3)
        assert noted == [SIGTERM] * 3
        assert rig.loop.ticks == 3
    finally:
        signal.signal(SIGTERM, signal.SIG_DFL)


def test_one_that_is_ignored_stays_ignored() -> None:
    signal.signal(SIGTERM, signal.SIG_IGN)
    try:
        rig = Rig()
        rig.sub(receive=raise_it)
        rig.run(3)
        assert rig.loop.ticks == 3
        assert signal.getsignal(SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(SIGTERM, signal.SIG_DFL)


def test_a_handler_that_is_set_while_it_runs_stays() -> None:
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)

    rig = Rig()
    rig.loop.system(lambda tick: signal.signal(SIGTERM, note))
    rig.run(2)
    try:
        assert signal.getsignal(SIGTERM) is note
    finally:
        signal.signal(SIGTERM, signal.SIG_DFL)


def test_off_the_main_thread_it_is_not_touched() -> None:
    found: list[object] = []
    rig = Rig()
    rig.loop.system(lambda tick: found.append(signal.getsignal(SIGTERM)))
    thread = threading.Thread(target=rig.run, args=(2,))
    thread.start()
    thread.join(30)
    assert found == [signal.SIG_DFL] * 2


def test_a_loop_that_is_driven_by_its_host_leaves_it_to_the_host() -> None:
    found: list[object] = []
    rig = Rig()
    rig.loop.system(lambda tick: found.append(signal.getsignal(SIGTERM)))
    rig.frames(2)
    assert found == [signal.SIG_DFL] * 2


# What clients hear


def end(say: Callable[[tickws.TickLoop, tickws.WebSocketServer], object]) -> tuple[int, str]:
    """What a client hears of a loop in whose 30th tick `say` is called."""
    network = MemoryNetwork()
    heard: list[tuple[int, str]] = []
    loop = tickws.TickLoop(clock=network.clock)
    server = loop.add(tickws.WebSocketServer(network=network))
    with tickws.WebSocketClient(
        f"ws://127.0.0.1:{server.port}/", network=network, on_close=lambda ws, *why: heard.append(why)
    ) as client:

        class Other(tickws.Subsystem):
            """The client, turned by the same loop, and until the server's end."""

            def receive(self, budget: float | None) -> None:
                client.work(None, wait=0)

        loop.add(Other())
        loop.system(lambda tick: say(loop, server) if tick.number == 30 else None)
        loop.run()
        while client.work(0.1):
            pass
    [why] = heard
    return why


def test_clients_hear_1001() -> None:
    assert end(raise_it) == (1001, "")
    assert end(lambda loop, server: loop.stop()) == (1001, "")


def test_a_server_that_is_closed_before_says_why() -> None:
    def restart(loop: tickws.TickLoop, server: tickws.WebSocketServer) -> None:
        server.close(1012, "restart")
        loop.stop()

    assert end(restart) == (1012, "restart")


PROGRAM = """
import sys, threading
import tickws

loop = tickws.TickLoop(rate=20)
server = loop.add(tickws.WebSocketServer(port=0))
loop.system(lambda tick: print(f"ws://127.0.0.1:{server.port}/", flush=True) if tick.number == 0 else None)
loop.run()
print("closed", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process that is sent SIGTERM, and asks nobody")
def test_a_process_that_is_sent_it_says_goodbye_and_ends_well(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM, encoding="utf-8")
    program = Program(file)
    try:
        program.listens()
        heard: list[tuple[int, str]] = []
        with tickws.WebSocketClient(program.url, on_close=lambda ws, *why: heard.append(why)) as client:
            while client.work(0.05) and not (client.websocket and client.websocket.open):
                pass
            program.process.send_signal(SIGTERM)
            while client.work(0.05):
                pass
        assert heard == [(1001, "")]
        assert program.ended() == 0
        assert program.output.endswith("closed\n")
    finally:
        program.close()
