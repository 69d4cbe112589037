"""`WebSocketClient` and `WebSocketServer` on real sockets: both ends are ours, the kernel is between them."""

import socket
import time
from contextlib import closing

import pytest

import tickws
from tests.interop.helpers import HOST, KINDS, LENGTHS, LIMIT, Recorder, Stage, message_of


def url_of(server: tickws.WebSocketServer, target: str = "/") -> str:
    return f"ws://{HOST}:{server.port}{target}"


def pair(stage: Stage, server_side: Recorder, client_side: Recorder) -> tuple[tickws.WebSocket, tickws.WebSocket]:
    """Both ends of one connection: the server's, the client's."""
    server = stage.server(server_side)
    stage.client(url_of(server), client_side)
    stage.until(lambda: server_side.opened and client_side.opened)
    return server_side.opened[0], client_side.opened[0]


def free_port() -> int:
    with closing(socket.socket()) as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def test_nobody_listens(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    handler = Recorder()
    client = stage.client(f"ws://{HOST}:{free_port()}/", handler)
    assert client.send("queued")
    stage.until(lambda: not client.work(0))
    assert client.error is not None
    assert client.error.errno is not None
    assert "nobody listens" in str(client.error)
    assert client.url in str(client.error)
    assert str(client.error) in caplog.text
    assert not client.send("too late")
    assert not handler.opened
    assert not handler.closed


def test_an_unknown_host(stage: Stage) -> None:
    """RFC 6761 section 6.4: .invalid never resolves."""
    started = time.monotonic()
    client = stage.client("ws://nonexistent.invalid:8056/", Recorder())
    assert time.monotonic() - started < 15  # the resolver's patience, not ours
    assert not client.work(0.01)
    assert client.error is not None
    assert "host name" in str(client.error)
    assert "nonexistent.invalid" in str(client.error)
    assert client.websocket is None
    assert not client.send("nobody")


def test_a_name_that_stands_for_several_addresses(stage: Stage) -> None:
    """localhost may be ::1 first, where nobody listens: the next address is tried, and what was queued goes along."""
    handler = Recorder()
    server = stage.server(handler)
    client = stage.client(f"ws://localhost:{server.port}/", Recorder())
    assert client.send("hello")
    stage.until(lambda: handler.messages)
    assert client.error is None
    assert handler.opened[0].request.headers["host"] == f"localhost:{server.port}"


def test_a_server_that_is_none(stage: Stage) -> None:
    """Somebody listens, takes the connection, and hangs up."""
    with closing(socket.create_server((HOST, 0))) as listener:
        client = stage.client(f"ws://{HOST}:{listener.getsockname()[1]}/", Recorder())
        client.work(0.01)
        listener.accept()[0].close()
        stage.until(lambda: not client.work(0))
    assert client.error is not None
    assert client.error.status is None


def test_a_server_that_never_answers(stage: Stage) -> None:
    with closing(socket.create_server((HOST, 0))) as listener:
        limits = tickws.Limits(handshake_seconds=0.1)
        client = stage.client(f"ws://{HOST}:{listener.getsockname()[1]}/", Recorder(), limits=limits)
        stage.until(lambda: not client.work(0))
    assert client.error is not None
    assert "0.1 s" in str(client.error)
    assert client.statistics().timed_out == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_length_both_ways(stage: Stage, kind: type[str] | type[bytes]) -> None:
    there, here = Recorder(echo=True), Recorder()
    _, client = pair(stage, there, here)
    for count, size in enumerate(LENGTHS, 1):
        assert client.send(message_of(kind, size))
        stage.until(lambda count=count: len(here.messages) == count)  # type: ignore[misc]
    assert there.messages == here.messages == [message_of(kind, size) for size in LENGTHS]


def test_ten_mebibytes_in_messages_of_one(stage: Stage) -> None:
    there, here = Recorder(), Recorder()
    server, client = pair(stage, there, here)
    messages = [bytes([i]) * LIMIT for i in range(10)]
    for message in messages:
        stage.until(lambda: server.queued_bytes == client.queued_bytes == 0)
        assert server.send(message)
        assert client.send(message)
    stage.until(lambda: len(there.messages) == len(here.messages) == 10)
    assert there.messages == here.messages == messages


def test_the_server_closes(stage: Stage) -> None:
    there, here = Recorder(), Recorder()
    server, client = pair(stage, there, here)
    server.send("last words")
    server.close(4001, "the match is over")
    stage.until(lambda: there.closed and here.closed)
    assert here.messages == ["last words"]
    assert there.closed == here.closed == [(4001, "the match is over")]
    assert not client.open


def test_the_client_closes(stage: Stage) -> None:
    there, here = Recorder(), Recorder()
    server, client = pair(stage, there, here)
    client.send("last words")
    client.close(4002, "time for bed")
    stage.until(lambda: there.closed and here.closed)
    assert there.messages == ["last words"]
    assert there.closed == here.closed == [(4002, "time for bed")]
    assert not server.open


def test_both_close_at_once(stage: Stage) -> None:
    """Each has sent its Close before it hears the other's: both are told of one of them."""
    there, here = Recorder(), Recorder()
    server, client = pair(stage, there, here)
    server.close(4001, "server")
    client.close(4002, "client")
    stage.until(lambda: there.closed and here.closed)
    assert len(there.closed) == len(here.closed) == 1
    assert {*there.closed, *here.closed} <= {(4001, "server"), (4002, "client")}


def test_leaving_the_with_block_closes(stage: Stage) -> None:
    there, here = Recorder(), Recorder()
    server = stage.server(there)

    def visit() -> bool:
        with tickws.WebSocketClient(url_of(server), here, errors="raise") as client:
            client.send("hello")
            while not here.opened:
                assert client.work(5.0)
        return client.work(0.01)

    assert stage.call(visit) is False
    stage.until(lambda: there.closed)
    assert there.messages == ["hello"]
    assert there.closed == here.closed == [(1000, "")]


def test_the_server_goes_away(stage: Stage) -> None:
    there = Recorder()
    server = stage.server(there)
    heres = [Recorder() for _ in range(5)]
    clients = [stage.client(url_of(server), here) for here in heres]
    stage.until(lambda: len(server.connections) == 5 and all(here.opened for here in heres))
    assert server.broadcast("closing time") == 5
    server.close(1012, "back in a minute")
    stage.until(lambda: not server.work(0))
    stage.until(lambda: not any(client.work(0) for client in clients))
    for here in heres:
        assert here.messages == ["closing time"]
        assert here.closed == [(1012, "back in a minute")]
    assert there.closed == [(1012, "back in a minute")] * 5


def test_the_server_crashes(stage: Stage) -> None:
    there, here = Recorder(), Recorder()
    server = stage.server(there)
    client = stage.client(url_of(server), here)
    stage.until(lambda: there.opened and here.opened)
    server.abort()
    assert there.closed == [(1006, "")]
    stage.until(lambda: not client.work(0))
    assert here.closed == [(1006, "")]


def test_broadcast(stage: Stage) -> None:
    there = Recorder()
    server = stage.server(there)
    heres = [Recorder() for _ in range(20)]
    for here in heres:
        stage.client(url_of(server), here)
    stage.until(lambda: len(server.connections) == 20 and all(here.opened for here in heres))
    assert server.broadcast("to all") == 20
    assert server.broadcast(b"to some", exclude=server.connections[:5]) == 15
    assert server.broadcast_latest("state", "old") == 20
    assert server.broadcast_latest("state", "new") == 20
    stage.until(lambda: all("new" in here.messages for here in heres))
    whole = [here.messages for here in heres if here.messages == ["to all", b"to some", "new"]]
    part = [here.messages for here in heres if here.messages == ["to all", "new"]]
    assert (len(whole), len(part)) == (15, 5)


def test_rejected(stage: Stage) -> None:
    server = stage.server(on_request=lambda request: tickws.Reject(503, "full"), on_open=lambda ws: None)
    client = stage.client(url_of(server), Recorder())
    stage.until(lambda: not client.work(0))
    assert client.error is not None
    assert client.error.status == 503


def test_who_comes_beyond_the_maximum_waits_and_gets_in(stage: Stage) -> None:
    """FACTS.md section 1, row 9, with the kernel's own backlog."""
    there = Recorder(echo=True)
    server = stage.server(there, max_connections=2)
    first, second = stage.raw(server, "/1", "/2")
    here = Recorder()
    client = stage.client(url_of(server, "/3"), here)
    client.send("let me in")
    for _ in range(20):
        stage.turn()
    assert server.statistics().connections == 2
    assert not here.opened
    first.close()
    stage.until(lambda: here.messages)
    assert here.messages == ["let me in"]
    assert server.statistics().connections == 2
    second.close()


def test_two_doors(stage: Stage) -> None:
    there = Recorder()
    server = stage.server(there)
    server.listen(HOST, 0)
    ports = [address[1] for address in server.addresses]
    assert len(set(ports)) == 2
    for port in ports:
        stage.client(f"ws://{HOST}:{port}/", Recorder())
    stage.until(lambda: len(there.opened) == 2)


def test_a_port_that_is_taken_is_named(stage: Stage) -> None:
    server = stage.server()
    with pytest.raises(tickws.ListenError, match=f"{HOST}:{server.port}: the port is taken"):
        tickws.WebSocketServer(port=server.port)
    server.abort()
    with tickws.WebSocketServer(port=server.port) as again:  # at once: SO_REUSEADDR
        assert again.port == server.port
