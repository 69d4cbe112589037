"""`python -m examples.pong_server`: here belongs the command line, and what starts and ends the programs."""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the rest is loading: an end without a traceback

import argparse
import logging
import os
import random
import socket
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

import tickws
from examples.pong_server import bots
from examples.pong_server.client import joining
from examples.pong_server.server import RATE, Pong
from examples.pong_server.status import Status, server_line

URL = "http://127.0.0.1:8056/"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; gives the exit code."""
    options = parse(arguments)
    if options.command:
        logging.getLogger("tickws").setLevel(logging.ERROR)  # a client shows by itself what it has lost
    match options.command:
        case "play":
            return play(options.url, options.name)
        case "bots":
            return bots.main(options.url, options.count)
        case _:
            return serve("0.0.0.0" if options.lan else options.host, options.port)


def serve(host: str, port: int) -> int:
    """Serve until Ctrl-C."""
    try:
        pong = Pong(host=host, port=port, seed=random.getrandbits(32))
    except tickws.ListenError as error:
        print(f"{error} (with --port)", file=sys.stderr)
        return 1
    signals: list[int] = []  # a handler that only takes a note can interrupt nothing halfway
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: signals.append(number))

    @pong.loop.system
    def end(tick: tickws.Tick) -> None:
        if signals:
            pong.game.close(1001, "the server was stopped")
            pong.loop.stop()

    print(greeting(host, pong.game.port), flush=True)
    status = Status(server_line(pong), pong.loop.clock, sys.stdout)
    pong.loop.system(status.tick)
    pong.loop.run()  # and until everybody has heard that it ends
    status.end()
    print("Stopped. Goodbye!", flush=True)
    return 0


def play(url: str, name: str) -> int:
    """Open a window."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        from examples.pong_server import window  # noqa: PLC0415 (nobody else needs pygame)
    except ImportError as error:
        hint = f'pip install "tickws[pygame]", or open {url} in a browser'
        print(f"The window needs pygame ({error}): {hint}.", file=sys.stderr)
        return 1
    return window.main(url, name)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="pong", description="Pong for everybody: without a command, the server.")
    parser.add_argument("--port", type=_port, default=8056, help="where to listen; 0 picks a free port (default 8056)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--host", default="127.0.0.1", help="the address to listen at (default 127.0.0.1: this machine)")
    where.add_argument("--lan", action="store_true", help="let others in your network join too")
    commands = parser.add_subparsers(dest="command", metavar="play | bots")
    command = commands.add_parser("play", help="join with a window", description="Join a server with a pygame window.")
    command.add_argument("url", type=_url, nargs="?", default=URL, help=f"what the server printed (default {URL})")
    command.add_argument("--name", default="", help="what the others see")
    command = commands.add_parser("bots", help="join with many", description="Join a server with many bots.")
    command.add_argument("count", type=_count, help="how many")
    command.add_argument("url", type=_url, nargs="?", default=URL, help=f"what the server printed (default {URL})")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")


def _url(text: str) -> str:
    try:
        parts = urlsplit(joining(text))
        if parts.scheme == "ws" and parts.hostname and parts.port != 0:
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"a server's URL is like {URL}, not {text!r}")


def _count(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 10_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"a number from 1 to 10000, not {text!r}")


def greeting(host: str, port: int) -> str:
    """What to open, and who else can."""
    everywhere = host in ("0.0.0.0", "::", "")
    local = "127.0.0.1" if everywhere else f"[{host}]" if ":" in host else host
    lines = [f"Pong runs, {RATE} ticks a second. Play in a browser; a second tab takes the other paddle:", ""]
    lines += [f"    http://{local}:{port}/"]
    if everywhere:
        lines += [f"    http://{lan_address() or 'ADDRESS-OF-THIS-MACHINE'}:{port}/  (from other machines, a phone)"]
        lines += ["", "Anybody who reaches this machine may play and watch; nothing is encrypted."]
    other = "" if port == 8056 else f" http://{local}:{port}/"
    lines += ["", "In a window: python dev.py pong play" + other]
    return "\n".join([*lines, "Ctrl-C ends it.", ""])


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
