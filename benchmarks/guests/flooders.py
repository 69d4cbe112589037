"""Flooders: each says the same 16 bytes as fast as its socket takes them, and reads what it is sent.

    python -m benchmarks.guests.flooders --port P [--offer EXTENSION] [--authority FILE] [--bomb BYTES]

With `--bomb` it is a message of so many bytes, of which compression leaves a thousandth. It takes commands, and answers
the first and the last when they are done:

    join N      N connect, and are silent: one line of JSON when all are in, or out
    flood       they speak from now on
    stop        they hang up, in the middle of a frame or not: one line of JSON
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.commands import Commands, answer
from benchmarks.guests.arrivals import Arrival, Arrivals
from benchmarks.loadgen import SLOT_SECONDS
from benchmarks.payloads import FLOOD, make_bomb
from benchmarks.peer import Peer
from benchmarks.process import Usage
from benchmarks.seat import HOST
from benchmarks.secure import trusted

__all__ = ["Flooder", "Flooders"]

BLOCK_BYTES = 176 * 1024
"""How much is said in one go, if the socket takes it."""
BLOCKS = 8
"""How many one flooder may say before the next one's turn."""


class Flooder(Peer):
    """One of them."""

    __slots__ = ()

    def heard(self, payload: bytes) -> None:
        """A snapshot."""


class Flooders:
    """All of them, and what they are told."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._commands = Commands()
        self._arrivals = Arrivals[Flooder](options.port, context=trusted(options.authority))
        self._word = make_bomb(options.bomb) if options.bomb else FLOOD
        self._frame = b""  # the word's
        self._block = memoryview(b"")
        self._flooders: list[Arrival[Flooder]] = []
        self._offsets: dict[Arrival[Flooder], int] = {}  # of the block, where the next byte is
        self._sent = 0
        self._joining = self._speaking = False

    def run(self) -> None:
        """Until the end."""
        while (words := self._commands.next()) != ["end"]:
            if words is not None and words[0] == "join":
                self._grow(int(words[1]))
                self._joining = True
            elif words is not None and words[0] == "flood":
                self._speaking = True
                self._frame = self._flooders[0].peer.frame(self._word)  # of its own, so that it may be repeated
                self._block = memoryview(self._frame * (BLOCK_BYTES // len(self._frame)))
            elif words is not None:
                self._stop()
            self._arrivals.turn()
            if self._joining and all(flooder.peer.open or flooder.over for flooder in self._flooders):
                self._joining = False
                answer({"in": sum(flooder.peer.open for flooder in self._flooders)})
            taken = [self._say(flooder) for flooder in self._flooders if self._speaking]
            if not any(taken):
                time.sleep(SLOT_SECONDS)

    def _grow(self, count: int) -> None:
        while len(self._flooders) < count:
            target, host = f"/?flooder={len(self._flooders)}", f"{HOST}:{self._options.port}"
            peer = Flooder(target, host, extension=self._options.offer)
            self._flooders.append(self._arrivals.begin(peer))

    def _say(self, flooder: Arrival[Flooder]) -> bool:
        """As much as the socket takes; whether it took anything."""
        if not flooder.peer.open or flooder.over:
            return False
        before = self._sent
        try:
            for _ in range(BLOCKS):
                at = self._offsets.get(flooder, 0)
                sent = flooder.sock.send(self._block[at:])
                self._offsets[flooder] = (at + sent) % len(self._frame)
                self._sent += sent
        except BlockingIOError:
            pass
        except OSError:
            self._arrivals.drop(flooder)
        return self._sent > before

    def _stop(self) -> None:
        """All go. Who is in the middle of a frame goes so: a flooder has no manners."""
        inside = sum(flooder.peer.open for flooder in self._flooders)
        lost = sum(flooder.over for flooder in self._flooders)
        for flooder in self._flooders:
            self._arrivals.drop(flooder)
        self._flooders.clear()
        answer(
            {
                "in": inside,
                "lost": lost,
                "messages": self._sent // len(self._frame) if self._frame else 0,
                "cpu_seconds": Usage.now().cpu_seconds,
            }
        )


def main(arguments: list[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guests.flooders", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--offer", default="", help="an extension")
    parser.add_argument("--authority", default="", help="whom to trust, by TLS: a PEM file")
    parser.add_argument("--bomb", type=int, default=0, help="bytes of what each says, instead of 16")
    Flooders(parser.parse_args(arguments)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
