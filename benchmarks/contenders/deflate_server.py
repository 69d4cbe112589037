"""tickws with permessage-deflate, as it is unless told otherwise; its guests offer it (`Bout.guests`)."""

from __future__ import annotations

import tickws
from benchmarks.contenders import tickws_server

__all__ = ["Server"]


class Server(tickws_server.Server):
    """tickws, compressing."""

    compression = tickws.Deflate()
