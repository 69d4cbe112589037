"""The example's loop, status line and command line, each by itself and on a manual clock."""

import io
import re

import pytest

from examples.pong_server.__main__ import FILES, MOST_OWED, PAGE, RATE, greeting, parse, run
from examples.pong_server.ball import SERVE, step
from examples.pong_server.status import Status
from tests.examples.room import Room


@pytest.mark.parametrize(("hitch", "lost"), [(0.0, 0.0), (0.2, 0.0), (3.0, 3.0 - 1 / RATE - MOST_OWED)])
def test_the_loop_keeps_its_rate_and_makes_up_for_a_short_hitch(room: Room, hitch: float, lost: float) -> None:
    clock = room.network.clock
    visitor = room.join()
    status = Status(room.server, clock, io.StringIO())
    start = clock.now()
    frames = 0

    def stopped() -> bool:
        nonlocal frames
        frames += 1
        if frames == 300:
            clock.advance(hitch)
        visitor.client.work(None, wait=0)
        return frames > 600

    run(room.server, room.chat, status, clock, stopped)
    assert room.chat.tick == 600
    assert clock.now() - start == pytest.approx(600 / RATE + lost, abs=1e-6)
    states = visitor.all("state")
    assert [state["tick"] for state in states] == list(range(3, 601, 3))
    ball = SERVE
    for _ in range(3):
        ball = step(ball, 1 / RATE)
    assert (states[0]["x"], states[0]["y"]) == pytest.approx(ball[:2])


class Terminal(io.StringIO):
    """A terminal as far as `Status` asks."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_the_status_line(room: Room, terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    output = Terminal() if terminal else io.StringIO()
    room.join()
    status = Status(room.server, room.network.clock, output)
    for _ in range(660):  # 11 seconds
        status.frame()
        room.turn(1)
    status.end()
    line = re.compile(r"(60|59)\.\d frames/s \| 1 connected \| messages/s \d+ in, \d+ out")
    if terminal:
        before, *written = output.getvalue().rstrip("\n").split("\r")
        lines = written[1::2]
        assert before == ""
        assert set(written[::2]) == {" " * 59}
        assert len(lines) in (21, 22)
        assert all(len(text) == 59 for text in lines)
        assert output.getvalue().count("\n") == 1
    else:
        lines = output.getvalue().splitlines()
        assert len(lines) == 1
        assert re.search(r"slice p99 \d+\.\d\d ms$", lines[0])
    assert line.match(lines[-1])


@pytest.mark.parametrize("port", ["65536", "-1", "http", "8056.0", ""])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse([f"--port={port}"])
    assert exit_.value.code == 2
    assert "from 0 to 65535" in capsys.readouterr().err


def test_the_greeting_names_the_page_and_says_what_lan_exposes() -> None:
    assert parse([]).port == 8056
    assert "http://127.0.0.1:8056/" in greeting(8056, lan=False)
    assert "--lan" not in greeting(8056, lan=False)
    assert "nothing is encrypted" in greeting(8056, lan=True)


def test_all_that_the_page_asks_for_is_served() -> None:
    page = (PAGE / "index.html").read_text("utf-8")
    asked = set(re.findall(r'(?:href|src)="([^"]+)"', page))
    assert {f"/{name}" for name in asked} | {"/"} == set(FILES)
    assert {file.name for file in FILES.values()} == {file.name for file in PAGE.iterdir()}
