"""What the client's tests share: a client on a memory network, and the server's end, which speaks bytes."""

from collections.abc import Callable
from typing import Any

from tests.protocol.helpers import frame
from tests.transport.peers import ServerEnd, run
from tickws.errors import ConnectError
from tickws.testing import MemoryNetwork
from tickws.transport.client import WebSocketClient

URL = "ws://127.0.0.1:8056/"


class Line:
    """A client on a memory network, and the server's end of its connection, which speaks bytes."""

    def __init__(self, url: str = URL, *, listens: bool = True, **options: Any) -> None:
        self.network = MemoryNetwork()
        self.log: list[tuple[object, ...]] = []
        self.door: Any = self.network.listen("127.0.0.1", 8056, 5)[0] if listens else None
        callbacks: dict[str, Callable[..., object]] = {
            "on_open": lambda ws: self.log.append(("open",)),
            "on_message": lambda ws, message: self.log.append(("message", message)),
            "on_close": lambda ws, code, reason: self.log.append(("close", code, reason)),
        }
        self.client = WebSocketClient(url, **{"network": self.network, **callbacks, **options})

    def accept(self) -> ServerEnd:
        """The server's end, once the client has asked."""
        self.turn(2)
        return ServerEnd(self.door.accept()[0])

    def opened(self) -> ServerEnd:
        end = self.accept()
        end.answer()
        self.turn()
        return end

    def turn(self, slices: int = 1) -> bool:
        goes_on = True
        for _ in range(slices):
            goes_on = self.client.work(None, wait=0)
        return goes_on

    def run(self, seconds: float) -> None:
        run(self.network, seconds, self.client)

    @property
    def error(self) -> ConnectError:
        assert self.client.error is not None
        return self.client.error


def hang_up(end: ServerEnd, how: str) -> None:
    """End the connection, more or less rudely."""
    if how == "end":
        end.socket.shutdown(1)
    elif how == "close":
        end.socket.close()
    else:
        end.socket.reset()


def server_close(code: int, reason: str = "") -> bytes:
    return frame(8, code.to_bytes(2, "big") + reason.encode())


def over(line: Line, *, seconds: float = 0.1) -> None:
    """It ends without a word to the callbacks, and what is said afterwards goes nowhere."""
    line.run(seconds)
    assert not line.client.work(0)
    assert line.log == []
    assert not line.client.send("late")
    assert not line.client.send_latest("key", "late")
    statistics = line.client.statistics()
    assert (statistics.connections, statistics.open, statistics.opened) == (0, 0, 0)
    links = line.client._links
    assert (links.by_fd, list(links.queue.pending), list(links.pump.ready)) == ({}, [], [])
    assert links.deadlines.timers.next_due() is None
