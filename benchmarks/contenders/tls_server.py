"""tickws over TLS, with a new certificate in each process; its guests trust who issued it (`Bout.guests`)."""

from __future__ import annotations

from benchmarks import certificates
from benchmarks.contenders import tickws_server
from benchmarks.contenders.contender import Game

__all__ = ["Server"]


class Server(tickws_server.Server):
    """tickws, over TLS."""

    def __init__(self, game: Game, send_buffer: int | None = None) -> None:
        context, authority = certificates.serve()
        super().__init__(game, send_buffer, ssl_context=context)
        self.authority = authority
