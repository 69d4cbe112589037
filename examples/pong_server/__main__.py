"""`python -m examples.pong_server`: here belongs the command line, and what starts and ends the programs."""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the rest is loading: an end without a traceback

import argparse
import logging
import os
import random
import socket
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tickws
from examples.pong_server import bots
from examples.pong_server.certificate import BadCertificate, client_context, server_context
from examples.pong_server.client import is_secure, joining
from examples.pong_server.server import RATE, Pong
from examples.pong_server.status import Status, server_line

URL = "http://127.0.0.1:8056/"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; gives the exit code."""
    options = parse(arguments)
    if options.command:
        logging.getLogger("tickws").setLevel(logging.ERROR)  # a client shows by itself what it has lost
    try:
        match options.command:
            case "play":
                return play(options.url, options.name, secured(options.url, options.ca))
            case "bots":
                return bots.main(options.url, options.count, **secured(options.url, options.ca))
            case _:
                context = server_context(options.cert, options.key) if options.cert else None
                return serve("0.0.0.0" if options.lan else options.host, options.port, context)
    except BadCertificate as error:
        print(error, file=sys.stderr)
        return 1


def secured(url: str, authority: Path | None) -> dict[str, Any]:
    """What a client needs for TLS, where the URL asks for it: one context for all."""
    return {"ssl_context": client_context(authority)} if is_secure(url) else {}


def serve(host: str, port: int, context: ssl.SSLContext | None = None) -> int:
    """Serve until Ctrl-C; with a context, by TLS."""
    try:
        pong = Pong(host=host, port=port, seed=random.getrandbits(32), ssl_context=context)
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

    print(greeting(host, pong.game.port, secure=context is not None), flush=True)
    status = Status(server_line(pong), pong.loop.clock, sys.stdout)
    pong.loop.system(status.tick)
    pong.loop.run()  # and until everybody has heard that it ends
    status.end()
    print("Stopped. Goodbye!", flush=True)
    return 0


def play(url: str, name: str, options: dict[str, Any]) -> int:
    """Open a window."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        from examples.pong_server import window  # noqa: PLC0415 (nobody else needs pygame)
    except ImportError as error:
        hint = f'pip install "tickws[pygame]", or open {url} in a browser'
        print(f"The window needs pygame ({error}): {hint}.", file=sys.stderr)
        return 1
    return window.main(url, name, **options)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="pong", description="Pong for everybody: without a command, the server.")
    parser.add_argument("--port", type=_port, default=8056, help="where to listen; 0 picks a free port (default 8056)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--host", default="127.0.0.1", help="the address to listen at (default 127.0.0.1: this machine)")
    where.add_argument("--lan", action="store_true", help="let others in your network join too")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="serve by https and wss, with this certificate (PEM)")
    parser.add_argument("--key", type=Path, metavar="FILE", help="its private key, where --cert does not hold it")
    trust = argparse.ArgumentParser(add_help=False)
    trust.add_argument("--ca", type=Path, metavar="FILE", help="for https: trust the certificates in this file, too")
    commands = parser.add_subparsers(dest="command", metavar="play | bots")
    what = "Join a server with a pygame window."
    command = commands.add_parser("play", parents=[trust], help="join with a window", description=what)
    command.add_argument("url", type=_url, nargs="?", default=URL, help=f"what the server printed (default {URL})")
    command.add_argument("--name", default="", help="what the others see")
    what = "Join a server with many bots."
    command = commands.add_parser("bots", parents=[trust], help="join with many", description=what)
    command.add_argument("count", type=_count, help="how many")
    command.add_argument("url", type=_url, nargs="?", default=URL, help=f"what the server printed (default {URL})")
    options = parser.parse_args(arguments)
    if options.key and not options.cert:
        parser.error("--key is that of a certificate: give it with --cert FILE")
    if options.command and options.cert:
        parser.error("--cert is the server's; a client trusts a certificate of yours by --ca FILE, behind its URL")
    if options.command and options.ca and not is_secure(options.url):
        parser.error(f"--ca is for https, and {options.url} is not")
    return options


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")


def _url(text: str) -> str:
    try:
        parts = urlsplit(joining(text))
        if parts.scheme in ("ws", "wss") and parts.hostname and parts.port != 0:
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"a server's URL is like {URL}, not {text!r}")


def _count(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 10_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"a number from 1 to 10000, not {text!r}")


def greeting(host: str, port: int, *, secure: bool = False) -> str:
    """What to open, and who else can."""
    scheme = "https" if secure else "http"
    everywhere = host in ("0.0.0.0", "::", "")
    local = "127.0.0.1" if everywhere else f"[{host}]" if ":" in host else host
    lines = [f"Pong runs, {RATE} ticks a second. Play in a browser; a second tab takes the other paddle:", ""]
    lines += [f"    {scheme}://{local}:{port}/"]
    if everywhere:
        there = lan_address() or "ADDRESS-OF-THIS-MACHINE"
        lines += [f"    {scheme}://{there}:{port}/  (from other machines, a phone)"]
        lines += [
            "",
            "Anybody who reaches this machine may play and watch" + ("." if secure else "; nothing is encrypted."),
        ]
    if secure:
        lines += ["", "The certificate is for certain names: use one of them in place of the address."]
    other = f" {scheme}://{local}:{port}/" if secure or port != 8056 else ""
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
