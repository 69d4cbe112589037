"""The fakes that tickws tests itself with, for your tests: no sockets, no sleeping, the same result every time.

    pair = tickws.testing.Pair(on_message=lambda ws, message: ws.send(message.upper()))
    pair.client.send("hello")
    pair.run(0.1)                          # a tenth of a second passes, at 60 frames a second; no time does
    assert pair.received == ["HELLO"]

`GameTable` is the same for a game: a `GameServer` on its loop, and as many `GameClient`s as you let join.

`MemoryNetwork` is what `network=` of a server or client takes: connections in memory on a `ManualClock`, with latency,
jitter, small buffers, stalls and resets. `MemoryNetwork.dial` gives a raw end, for tests that speak bytes.
"""

from tickws.clock import ManualClock
from tickws.testing.game import GameTable
from tickws.testing.pair import Pair
from tickws.transport.memory import MemoryNetwork, MemorySocket
from tickws.transport.pipe import Conditions

__all__ = ["Conditions", "GameTable", "ManualClock", "MemoryNetwork", "MemorySocket", "Pair"]
