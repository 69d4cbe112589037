"""What the tests of listening share: a client that says "up", and who speaks bytes through a unix socket."""

import socket
from pathlib import Path

import tickws
from tests.transport.peers import End, Peer
from tests.transport.sockets import SECONDS


def url(host: str, port: int) -> str:
    return f"ws://[{host}]:{port}/" if ":" in host else f"ws://{host}:{port}/"


def talk(server: tickws.WebSocketServer, where: str) -> list[str | bytes]:
    """What a client hears of a server that it says "up" to."""
    heard: list[str | bytes] = []

    def on_message(ws: tickws.WebSocket, message: str | bytes) -> None:
        heard.append(message)
        ws.close()

    clock = tickws.SystemClock()
    give_up = clock.now() + SECONDS
    with tickws.WebSocketClient(where, on_open=lambda ws: ws.send("up"), on_message=on_message) as client:
        while client.work(0.001) and clock.now() < give_up:
            server.work(0.001)
        assert client.error is None
    return heard


def served(server: tickws.WebSocketServer, peer: End) -> list[object]:
    """The frames that a peer hears, once there is one, or the end; in short."""
    clock = tickws.SystemClock()
    give_up = clock.now() + SECONDS
    frames: list[object] = []
    while not frames and not peer.gone and clock.now() < give_up:
        server.work(0.001)
        frames = peer.receive()
    return frames


class UnixPeer(Peer):
    """A client's end on a unix socket.

    Args:
        path: of the server.
        name: a path to be bound to; most clients have none.
    """

    def __init__(self, path: str | Path, name: str | Path | None = None) -> None:
        sock = socket.socket(socket.AF_UNIX)
        try:
            if name is not None:
                sock.bind(str(name))
            sock.connect(str(path))
        except OSError:
            sock.close()
            raise
        sock.setblocking(False)
        End.__init__(self, sock, masked=False)  # type: ignore[arg-type]
