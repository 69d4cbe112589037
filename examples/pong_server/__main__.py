"""`python -m examples.pong_server`: here belongs the loop itself, and what starts and ends it.

`run` is the point of it all: one plain `while`, on one thread, in which the server gets its slice of every frame.
"""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the rest is loading: an end without a traceback

import argparse
import os
import random
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import tickws
from examples.pong_server.ball import SERVE, step
from examples.pong_server.chat import LIMITS, Chat
from examples.pong_server.messages import encode
from examples.pong_server.status import Status

RATE = 60
"""Ticks a second."""
TICKS_A_SNAPSHOT = 3
"""The pages are told of the ball 20 times a second."""
BUDGET = 0.004
"""Seconds of a frame that the server may take to receive, and as much again to send; a frame has 0.0167."""
MOST_OWED = 0.25
"""Seconds that the loop makes up for after a hitch; what is beyond is left out, or one hitch would cause the next."""

Stopped = Callable[[], bool]

PAGE = Path(__file__).parent / "page"
FILES = {"/": PAGE / "index.html"} | {f"/{name}": PAGE / name for name in ("chat.js", "style.css", "favicon.svg")}


def run(server: tickws.WebSocketServer, chat: Chat, status: Status, clock: tickws.Clock, stopped: Stopped) -> None:
    """The loop, until `stopped` says so: receive, tick, flush, sleep."""
    ball = SERVE
    tick = 0
    start = clock.now()
    while not stopped():
        server.receive(BUDGET)  # accept, read, and call the chat: all that came since the last frame
        ball = step(ball, 1 / RATE)
        tick += 1
        chat.tick = tick
        if tick % TICKS_A_SNAPSHOT == 0:
            server.broadcast_latest("state", encode("state", tick=tick, x=ball.x, y=ball.y))
        server.flush(BUDGET)  # write what was queued in this frame, in it
        status.frame()

        late = clock.now() - (start + tick / RATE)  # counted from the start, so that no error adds up
        start += max(0.0, late - MOST_OWED)
        clock.sleep(-late)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C; gives the exit code."""
    options = parse(arguments)
    signals: list[int] = []  # a handler that only takes a note can interrupt nothing halfway
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: signals.append(number))

    clock = tickws.SystemClock()
    chat = Chat(RATE, random.Random())
    try:
        server = tickws.WebSocketServer(
            chat, host="0.0.0.0" if options.lan else "127.0.0.1", port=options.port, limits=LIMITS, files=FILES
        )
    except tickws.ListenError as error:
        print(f"{error} (with --port)", file=sys.stderr)
        return 1
    chat.server = server

    with server:
        print(greeting(server.port, options.lan), flush=True)
        status = Status(server, clock, sys.stdout)
        run(server, chat, status, clock, lambda: bool(signals))
        status.end()
        server.close(1001, "server stopped")  # leaving `with` works until everybody has heard it
    print("Stopped. Goodbye!", flush=True)
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="pong", description="A game loop that serves its own page.")
    parser.add_argument("--port", type=_port, default=8056, help="where to listen; 0 picks a free port (default 8056)")
    parser.add_argument("--lan", action="store_true", help="let others in your network join too")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")


def greeting(port: int, lan: bool) -> str:
    """What to open, and who else can."""
    lines = [f"A loop of {RATE} frames a second serves this page; open it twice, and chat:", ""]
    lines += [f"    http://127.0.0.1:{port}/"]
    if lan:
        lines += [f"    http://{lan_address() or 'ADDRESS-OF-THIS-MACHINE'}:{port}/  (from other machines)"]
        lines += ["", "--lan: anybody who reaches this machine may read and chat; nothing is encrypted."]
    return "\n".join([*lines, "", "Ctrl-C ends it.", ""])


def lan_address() -> str | None:
    """Our address as others see it: that of the way out. Nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # an address for documentation (RFC 5737): nobody is there
            return str(sock.getsockname()[0])
        except OSError:
            return None


if __name__ == "__main__":
    try:
        code = main()
    except BrokenPipeError:  # whoever read what we print is gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
