"""A server that compresses in one way, or speaks TLS, and does as it is told. Its CPU is counted call by call.

    python -m benchmarks.deflated.host --way off|default|takeover|largest|tls|tls-rsa

says `{"port": P, "authority": PEM}` (empty without TLS), and takes commands, a line each; each answers with one line
of JSON:

    memory              `{"resident_bytes": ...}`
    came                `{"cpu_seconds": ..., "steps": ...}`: what all who came took, and by steps (seconds each)
    take COUNT          go on until so many messages were heard since the beginning, with one look at the sockets a tick
    tell KIND COUNT     20 times a second, say something to each client by itself: so many times
    broadcast KIND COUNT    likewise, one thing to all
    end                 `{"heard": [...], "said": ...}`: check sums of all that each client said, and was told

`take`, `tell` and `broadcast` answer with the seconds of CPU inside of the server's calls, up to where everything is
flushed, with the messages, and the bytes on the wire (`Spent`).
"""

from __future__ import annotations

import argparse
import gc
import itertools
import logging
import math
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NoReturn

import tickws
from benchmarks import certificates
from benchmarks.commands import Commands, answer
from benchmarks.contenders.window import RATE
from benchmarks.deflated.ways import RSA, SECURED, TLS, WAYS
from benchmarks.deflated.words import KINDS, PATIENCE_SECONDS, ticks, words
from benchmarks.process import cpu_ns, raise_descriptors, resident_bytes
from tickws.clock import NANOSECONDS

__all__ = ["SNAPSHOT_RATE", "Spent"]

SNAPSHOT_RATE = 20
MASK_BYTES = 4


@dataclass(slots=True)
class Spent:
    """What one command took."""

    cpu_seconds: float = 0.0
    messages: int = 0
    plain_bytes: int = 0
    """What would be on the wire if nobody compressed."""
    wire_bytes: int = 0


class Host(tickws.Handler):
    """The server."""

    def __init__(self, way: str) -> None:
        limits = tickws.Limits(ping_seconds=math.inf)  # nothing else is to go over the wire
        context, self.authority = certificates.serve(rsa=way == RSA) if way in (TLS, RSA) else (None, "")
        self.server = tickws.WebSocketServer(
            self, port=0, compression=WAYS.get(way), limits=limits, errors="raise", ssl_context=context
        )
        self._words: dict[str, Iterator[bytes]] = {kind: words(kind) for kind in KINDS}
        self._heard = self._bytes = 0
        self._cpu = 0  # of this command, in nanoseconds
        self._said = 0  # a check sum

    def on_open(self, ws: tickws.WebSocket) -> None:
        ws.data = 0

    def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        assert isinstance(message, bytes)
        ws.data = zlib.crc32(message, ws.data)
        self._heard += 1
        self._bytes += _frame_bytes(message) + MASK_BYTES

    def run(self) -> None:
        """Until the end."""
        commands = Commands()
        while (told := commands.next()) != ["end"]:
            if told is None:
                self._used(lambda: self.server.work(0.002))
            elif told[0] == "came":
                answer(self._came())
            elif told[0] == "memory":
                gc.collect()
                answer({"resident_bytes": resident_bytes()})
            elif told[0] == "take":
                answer(asdict(self._take(int(told[1]))))
            else:
                answer(asdict(self._say(told[0], told[1], int(told[2]))))
        answer({"heard": [ws.data for ws in self.server.connections], "said": self._said})

    def _used(self, call: Callable[[], object]) -> None:
        """Call it, and count its CPU time."""
        begun = cpu_ns()
        call()
        self._cpu += cpu_ns() - begun

    def _came(self) -> dict[str, Any]:
        """From the beginning, as nothing was told yet."""
        found = self.server.statistics()
        steps = {
            kind: step.slices.mean * step.slices.count / found.opened
            for kind, step in found.steps.items()
            if step.count and found.opened
        }
        return {"cpu_seconds": self._cpu / NANOSECONDS, "steps": steps}

    def _take(self, count: int) -> Spent:
        server = self.server
        before, heard, size = server.statistics(), self._heard, self._bytes
        self._cpu = 0
        for _ in ticks(RATE, PATIENCE_SECONDS):
            self._used(lambda: server.receive(None))
            server.flush(None)
            if self._heard >= count:
                break
        received = server.statistics().bytes_received - before.bytes_received
        return Spent(self._cpu / NANOSECONDS, self._heard - heard, self._bytes - size, received)

    def _say(self, how: str, kind: str, count: int) -> Spent:
        server, listeners = self.server, self.server.connections
        before = server.statistics()
        self._cpu = plain = 0
        for word, _ in zip(itertools.islice(self._words[kind], count), ticks(SNAPSHOT_RATE), strict=False):
            self._said = zlib.crc32(word, self._said)
            plain += _frame_bytes(word) * len(listeners)
            self._used(partial(server.broadcast, word) if how == "broadcast" else partial(_tell, listeners, word))
            self._used(lambda: server.flush(None))
            for _ in ticks(RATE, PATIENCE_SECONDS):
                if not any(ws.queued_bytes for ws in listeners):
                    break
                self._used(lambda: server.work(0.0))  # a socket was full
        after = server.statistics()
        sent = after.messages_sent - before.messages_sent
        return Spent(self._cpu / NANOSECONDS, sent, plain, after.bytes_sent - before.bytes_sent)


def _frame_bytes(payload: bytes) -> int:
    """Of a server's frame of less than 64 KiB."""
    return len(payload) + (2 if len(payload) < 126 else 4)


def _tell(listeners: Iterable[tickws.WebSocket], word: bytes) -> None:
    for ws in listeners:
        ws.send(word)


def main(arguments: list[str] | None = None) -> NoReturn:
    """The program."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.deflated.host",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--way", choices={*WAYS, *SECURED}, required=True)
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    raise_descriptors()
    host = Host(options.way)
    answer({"port": host.server.port, "authority": host.authority})
    host.run()
    os._exit(0)  # how it ends with its clients in is not the question


if __name__ == "__main__":
    main()
