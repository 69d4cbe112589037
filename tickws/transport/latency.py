"""How far off a peer is: when the pongs of keep-alive pings came, and the shortest round trip of late.

A ping counts from its commit to the stream. Its pong comes while the game computes, and is read when a frame has time
for it: how long it lay there is ours, and no latency. The system is asked for it (`Network.arrived_ago`); where it does
not know, what is read now came since the last look at the network. Cost: one system call for a pong, none for anything
else; and 65 bytes a connection, from its first pong on.
"""

from __future__ import annotations

import struct
from typing import Final

from tickws.clock import nanoseconds
from tickws.transport.network import Network, Socket
from tickws.transport.readingtime import STALL
from tickws.transport.sendqueue import SendQueue

__all__ = ["Arrivals", "shortest", "with_trip"]

FINE: Final = nanoseconds(0.001)
"""An instant that is known to this is not asked for: the system does not know it better."""

_MICROSECOND: Final = 1000
_MOST: Final = (1 << 32) - 1
_TRIP: Final = struct.Struct("I")
_KEPT: Final = 8 * _TRIP.size
"""Of the last eight the shortest counts: NTP's clock filter (RFC 5905, section 10), where the least delay is the least
disturbed. By count and not by age, as pings are a second apart in a game (BBR's window is 10 s) and 20 elsewhere."""


def with_trip(trips: bytes, trip: int) -> bytes:
    """The last round trips and one more, of `trip` nanoseconds; the oldest goes."""
    return (trips + _TRIP.pack(min(trip // _MICROSECOND, _MOST)))[-_KEPT:]


def shortest(trips: bytes) -> int | None:
    """The shortest of the last round trips, in nanoseconds; None before the first."""
    return min(memoryview(trips).cast("I")) * _MICROSECOND if trips else None


class Arrivals:
    """When that came which an endpoint reads now.

    Args:
        network: of its sockets.
        queue: knows whether a host waits for our descriptor.
    """

    __slots__ = ("_network", "_queue", "since")

    def __init__(self, network: Network, queue: SendQueue) -> None:
        self._network = network
        self._queue = queue
        self.since = 0
        """On the clock, in nanoseconds: what is read now came no earlier. The lookout moves it."""

    def instant(self, sock: Socket, asked: int, now: int) -> int | None:
        """When the answer to what was `asked` came, that is read `now`; None: nobody knows, so it measures nothing.

        It lies between the look before this one (or the question) and now. The system's figure is taken within these
        bounds: it is coarse (4 ms, where Linux counts so), and of the last byte, which may be behind the answer.

        Where there is none it is the middle: wrong by half a frame at most, either way; and of several such estimates
        the least is no further off than that either, which holds of no other choice. Where we did not look for long it
        would be wrong by seconds: then it came just now where a host was waiting for it, and otherwise nobody knows.
        """
        since = max(self.since, asked)
        if now - since > FINE:
            ago = self._network.arrived_ago(sock)
            if ago is not None:
                return min(max(now - nanoseconds(ago), since), now)
            if now - since > STALL:
                return now if self._queue.watched else None
        return (since + now) // 2
