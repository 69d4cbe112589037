"""Where a server listens: nowhere, at several addresses, with ready sockets."""

import errno
import os
import select
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tickws
from tests.transport.places import talk, url
from tickws.testing import MemoryNetwork

HOST = "127.0.0.1"
Make = Callable[..., tickws.WebSocketServer]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes servers that say what they hear in capitals; closed afterwards."""
    made: list[tickws.WebSocketServer] = []

    def make(**options: Any) -> tickws.WebSocketServer:
        on_message = options.pop("on_message", lambda ws, message: ws.send(message.upper()))
        made.append(tickws.WebSocketServer(**{"port": None, "on_message": on_message, **options}))
        return made[-1]

    yield make
    for server in made:
        server.abort()


def listening(family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, host: str = HOST) -> socket.socket:
    sock = socket.socket(family, kind)
    sock.bind((host, 0))
    sock.listen()
    return sock


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


# -- nowhere -----------------------------------------------------------------------------------------------------------


def test_without_a_port_it_listens_nowhere_and_lives(make: Make) -> None:
    server = make()
    assert (server.addresses, server.sockets) == ([], ())
    with pytest.raises(tickws.UsageError, match=r"no port is listened at: call listen\(host, port\) first"):
        _ = server.port
    assert server.work(0)
    assert server.receive(0)
    server.listen()
    assert server.addresses == [(HOST, server.port)]
    assert talk(server, url(HOST, server.port)) == ["UP"]


@pytest.mark.parametrize("options", [{"host": "0.0.0.0"}, {"ssl_context": ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)}])
def test_what_is_for_the_address_goes_where_the_address_is_given(options: dict[str, Any], make: Make) -> None:
    with pytest.raises(TypeError, match=r"listens nowhere yet: give host and ssl_context to listen\(\)"):
        make(**options)


# -- several addresses -------------------------------------------------------------------------------------------------


def test_several_addresses_one_handler(make: Make) -> None:
    server = make(port=0)
    first = server.port
    server.listen()
    server.listen(HOST, 0)
    assert server.port == first, "the first stays the one"
    assert len({address[1] for address in server.addresses}) == 3
    for host, port in server.addresses:
        assert talk(server, url(host, port)) == ["UP"]


@needs_ipv6
def test_ipv6(make: Make) -> None:
    server = make(host="::1", port=0)
    [address] = server.addresses
    assert address == ("::1", server.port, 0, 0)
    peers: list[Any] = []

    def on_message(ws: tickws.WebSocket, message: str | bytes) -> None:
        peers.append((ws.remote_address, ws.request.remote_address))
        ws.send("UP")

    other = make(on_message=on_message)
    other.listen("::1")
    assert talk(other, url("::1", other.port)) == ["UP"]
    [(peer, asked)] = peers
    assert peer == asked
    assert (peer[0], len(peer)) == ("::1", 4)


@needs_ipv6
def test_both_families_at_one_port(make: Make) -> None:
    server = make(host="", port=0)
    assert {(address[0], address[1]) for address in server.addresses} == {("0.0.0.0", server.port), ("::", server.port)}
    assert talk(server, url(HOST, server.port)) == ["UP"]
    assert talk(server, url("::1", server.port)) == ["UP"]


@needs_ipv6
def test_a_name_stands_for_all_its_addresses(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def both(host: str, port: int, **options: Any) -> list[Any]:
        assert host == "both.example"
        return [found for name in (HOST, "::1") for found in resolve(name, port, **options)]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", both)
        server = make(host="both.example", port=0)
    assert [(address[0], address[1]) for address in server.addresses] == [(HOST, server.port), ("::1", server.port)]
    assert talk(server, url("::1", server.port)) == ["UP"]


def link_local() -> str | None:
    """An address of this machine that is good on one of its lines only, with the line's name."""
    try:
        with open("/proc/net/if_inet6", encoding="ascii") as lines:
            rows = [line.split() for line in lines]
    except OSError:
        return None
    found = [(row[0], row[5]) for row in rows if row[3] == "20"]
    if not found:
        return None
    digits, interface = found[0]
    return ":".join(digits[place : place + 4] for place in range(0, 32, 4)) + "%" + interface


def test_a_link_local_address_keeps_its_scope(make: Make) -> None:
    host = link_local()
    if host is None:
        pytest.skip("no line of this machine has a link-local address")
    server = make()
    try:
        server.listen(host)
    except tickws.ListenError as error:
        pytest.skip(f"{error}")
    [address] = server.addresses
    assert address[3] == socket.if_nametoindex(host.partition("%")[2])
    assert talk(server, url(host, server.port)) == ["UP"]


# -- a port for several processes --------------------------------------------------------------------------------------

needs_reuse_port = pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="this platform has no SO_REUSEPORT")


@needs_reuse_port
def test_a_port_may_be_shared_by_those_who_say_so(make: Make) -> None:
    first, second, greedy = make(), make(), make()
    first.listen(reuse_port=True)
    second.listen(port=first.port, reuse_port=True)
    assert first.port == second.port
    with pytest.raises(tickws.ListenError, match="the port is taken"):
        greedy.listen(port=first.port)
    first.stop_listening()
    assert talk(second, url(HOST, second.port)) == ["UP"], "it has the port alone now"


def test_a_platform_that_cannot_share_says_so(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "SO_REUSEPORT", raising=False)
    with pytest.raises(
        tickws.ListenError, match=r"127\.0\.0\.1:0: this platform has no SO_REUSEPORT\. Hand one socket"
    ):
        make().listen(reuse_port=True)


# -- ready sockets -----------------------------------------------------------------------------------------------------


def test_a_ready_socket(make: Make) -> None:
    server = make()
    sock = listening()
    server.listen(sock=sock)
    assert server.sockets == (sock,)
    assert (server.port, sock.getblocking()) == (sock.getsockname()[1], False)
    assert talk(server, url(HOST, server.port)) == ["UP"]
    server.close()
    assert sock.fileno() < 0, "it is the server's"


def test_a_socket_that_two_have_goes_on_when_one_stops(make: Make) -> None:
    first, second = make(port=0), make()
    second.listen(sock=first.sockets[0].dup())
    with socket.create_connection((HOST, first.port)):
        first.stop_listening()
        assert first.addresses == []
        assert talk(second, url(HOST, first.port)) == ["UP"]
        assert second.statistics().accepted == 2, "who waited was not refused"


@pytest.mark.skipif(os.name != "posix", reason="only there a server has a descriptor")
def test_it_is_not_woken_for_whom_another_process_will_let_in(make: Make) -> None:
    server = make(port=0)
    with server.sockets[0].dup():
        server.stop_listening()
        with socket.create_connection((HOST, server.port)):
            server.work(0)
            assert select.select([server.fileno()], [], [], 0)[0] == []


@pytest.mark.skipif(os.name != "posix", reason="pass_fds is POSIX's")
def test_the_sockets_can_be_handed_to_a_process(make: Make) -> None:
    server = make(port=0)
    [sock] = server.sockets
    program = (
        "import socket, sys\n"
        "door = socket.socket(fileno=int(sys.argv[1]))\n"
        "door.setblocking(True)\n"
        "print(door.accept()[0].send(b'from the other process'))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(sock.fileno())], pass_fds=[sock.fileno()], stdout=subprocess.PIPE
    ) as process:
        server.stop_listening()
        with socket.create_connection((HOST, server.port), timeout=30) as client:
            assert client.recv(100) == b"from the other process"
        process.communicate(timeout=30)


def closed() -> socket.socket:
    sock = listening()
    sock.close()
    return sock


def bound() -> socket.socket:
    sock = socket.socket()
    sock.bind((HOST, 0))
    return sock


@pytest.mark.parametrize(
    ("prepare", "error", "complaint"),
    [
        (lambda: 5, TypeError, r"not 5; of a descriptor make one: socket\.socket\(fileno=fd\)"),
        (closed, ValueError, "the socket is closed"),
        (bound, ValueError, r"does not listen: call its bind\(\) and listen\(\) first"),
        (lambda: socket.socket(type=socket.SOCK_DGRAM), ValueError, "listens with stream sockets of TCP or unix, not"),
    ],
)
def test_what_is_no_listening_socket(
    prepare: Callable[[], Any], error: type[Exception], complaint: str, make: Make
) -> None:
    sock = prepare()
    with pytest.raises(error, match=complaint):
        make().listen(sock=sock)
    if isinstance(sock, socket.socket):
        sock.close()


def test_tls_goes_beside_the_socket(make: Make) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server = make()
    with (
        listening() as sock,
        context.wrap_socket(sock, server_side=True) as wrapped,
        pytest.raises(TypeError, match="sock is the plain socket: give the TLS context as ssl_context="),
    ):
        server.listen(sock=wrapped)


def test_the_same_socket_twice(make: Make) -> None:
    server = make(port=0)
    with pytest.raises(ValueError, match="is listened with already"):
        server.listen(sock=server.sockets[0])


# -- one place a call --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "places",
    [
        {"path": "x", "port": 80},
        {"path": "x", "host": "::1"},
        {"path": "x", "sock": socket.socket},
        {"sock": socket.socket, "port": 80},
        {"sock": socket.socket, "reuse_port": True},
        {"path": "x", "reuse_port": True},
    ],
)
def test_each_call_is_for_one_place(places: dict[str, Any], make: Make) -> None:
    with pytest.raises(TypeError, match=r"takes one of: host, port and reuse_port; path; sock\. Call it once for each"):
        make().listen(**places)


@pytest.mark.parametrize("options", [{"path": "x"}, {"sock": 5}])
def test_a_network_in_memory_has_hosts_and_ports(options: dict[str, Any]) -> None:
    server = tickws.WebSocketServer(network=MemoryNetwork())
    with pytest.raises(tickws.UsageError, match=r"MemoryNetwork has .*: listen at a host and port"):
        server.listen(**options)
    with pytest.raises(tickws.UsageError, match="MemoryNetwork has no sockets of the machine's"):
        _ = server.sockets


def test_a_closed_server_listens_nowhere(make: Make) -> None:
    server = make()
    server.close()
    with pytest.raises(tickws.UsageError, match="the server is closed"):
        server.listen()


# -- failures ----------------------------------------------------------------------------------------------------------


def test_what_fails_leaves_the_server_as_it_was(make: Make) -> None:
    server, other = make(port=0), make(port=0)
    with pytest.raises(tickws.ListenError, match=r"the port is taken\. Stop what has it") as caught:
        server.listen(port=other.port)
    assert caught.value.errno == errno.EADDRINUSE
    assert talk(server, url(HOST, server.port)) == ["UP"]
    assert len(server.addresses) == 1
