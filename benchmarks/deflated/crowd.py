"""Clients of a server that compresses: they offer it as browsers do, say what they are told to, and listen.

    python -m benchmarks.deflated.crowd --port P --clients N [--authority FILE]

says `{"open": N, "cpu_seconds": ...}` once all are in, and takes commands, a line each; each answers with one line of
JSON:

    say KIND COUNT      each client says the same, once a tick, so many times: `{"said": ...}`, a check sum so far
    hear COUNT          wait until each has heard so many messages in all: `{"heard": [...]}`, their check sums
    end                 `{"lost": ...}`: how many are gone
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
import zlib

from benchmarks.bare.silent import CONNECTING_SECONDS, Crowd
from benchmarks.commands import Commands, answer
from benchmarks.contenders.window import RATE
from benchmarks.deflated.words import KINDS, PATIENCE_SECONDS, ticks, words
from benchmarks.loadgen import SLOT_SECONDS
from benchmarks.packing import OFFER
from benchmarks.peer import Peer
from benchmarks.process import Usage, raise_descriptors
from benchmarks.seat import HOST
from benchmarks.secure import trusted

__all__ = ["main"]


class Listener(Peer):
    """One of them."""

    __slots__ = ("checked", "messages")

    def __init__(self, host: str) -> None:
        super().__init__("/", host, extension=OFFER)
        self.messages = 0
        self.checked = 0
        """The check sum of all that it heard."""

    def heard(self, payload: bytes) -> None:
        """A message."""
        self.messages += 1
        self.checked = zlib.crc32(payload, self.checked)


class Listeners(Crowd[Listener]):
    """All of them, and what they are told."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options.port, lambda: Listener(f"{HOST}:{options.port}"), trusted(options.authority))
        self._clients = options.clients
        self._words = {kind: words(kind) for kind in KINDS}
        self._said = 0
        self._begun = Usage.now()
        for _ in range(options.clients):
            self.connect()

    def run(self) -> None:
        """Until the end."""
        commands = Commands()
        give_up = time.monotonic() + CONNECTING_SECONDS
        while self.open < self._clients and not self.lost and time.monotonic() < give_up:
            self._look()
        answer({"open": self.open, "cpu_seconds": Usage.now().since(self._begun).cpu_seconds})
        while (told := commands.next()) != ["end"]:
            if told is None:
                self._look()
            elif told[0] == "say":
                self._say(told[1], int(told[2]))
                answer({"said": self._said})
            else:
                self._hear(int(told[1]))
                answer({"heard": [seat.player.checked for seat in self.seats]})
        answer({"lost": self.lost})

    def _look(self) -> None:
        self.listen(0.0)
        time.sleep(SLOT_SECONDS)  # never in the poller: no server pays for waking it

    def _say(self, kind: str, count: int) -> None:
        for word, _ in zip(itertools.islice(self._words[kind], count), ticks(RATE), strict=False):
            self._said = zlib.crc32(word, self._said)
            for seat in self.seats:
                seat.player.say(word)
                seat.write()
            self.listen(0.0)
        for _ in ticks(RATE, PATIENCE_SECONDS):
            if not any(seat.player.out and not seat.over for seat in self.seats):
                return
            for seat in self.seats:
                seat.write()

    def _hear(self, count: int) -> None:
        for _ in ticks(RATE, PATIENCE_SECONDS):
            self.listen(0.0)
            if all(seat.player.messages >= count or seat.over for seat in self.seats):
                return


def main(arguments: list[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.deflated.crowd",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--authority", default="", help="whom to trust, by TLS: a PEM file")
    options = parser.parse_args(arguments)
    raise_descriptors()
    Listeners(options).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
