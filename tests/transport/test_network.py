"""The machine's TCP behind the seam: options, ports, and errors that name the address and what to do."""

import errno
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.transport.sockets import SECONDS, tcp_pair
from tickws.clock import SystemClock
from tickws.errors import ListenError
from tickws.transport import binding
from tickws.transport import network as module
from tickws.transport.binding import listen_error
from tickws.transport.network import NOTSENT_LOWAT_BYTES, RESERVED_DESCRIPTORS, Socket, SocketNetwork
from tickws.transport.poller import system_poller

HOST = "127.0.0.1"


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


def listen(opened: ExitStack, host: str = HOST, port: int = 0) -> list[Any]:
    doors: list[Any] = SocketNetwork().listen(host, port, 5)
    for door in doors:
        opened.callback(door.close)
    return doors


def connect(opened: ExitStack, address: Any) -> Any:
    sock: Any = SocketNetwork().connect(socket.AF_INET, address)
    opened.callback(sock.close)
    return sock


def test_a_door_is_bound_non_blocking_and_takes_connections(opened: ExitStack) -> None:
    (door,) = listen(opened)
    assert door.getsockname()[0] == HOST
    assert door.getsockname()[1] > 0
    with pytest.raises(BlockingIOError):
        door.accept()
    client = connect(opened, door.getsockname())
    assert select.select([door], [], [], SECONDS)[0]
    server, address = door.accept()
    opened.callback(server.close)
    assert select.select([], [client], [], SECONDS)[1]
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    assert address == client.getsockname()


def test_connected_sockets_are_prompt() -> None:
    with tcp_pair() as (sock, _):
        sock.setblocking(True)
        SocketNetwork().accepted(sock)
        assert sock.getblocking() is False
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == NOTSENT_LOWAT_BYTES


def test_a_system_without_notsent_lowat_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "TCP_NOTSENT_LOWAT", raising=False)
    with tcp_pair() as (sock, _):
        SocketNetwork().accepted(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_restart_may_take_its_port_again(opened: ExitStack) -> None:
    (door,) = listen(opened)
    address = door.getsockname()
    with socket.create_connection(address):
        server = door.accept()[0]
        server.close()  # first: the port is left in TIME_WAIT
    door.close()
    (again,) = listen(opened, HOST, address[1])
    assert again.getsockname() == address


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_a_name_stands_for_all_of_its_addresses_at_one_port(opened: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (HOST, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (HOST, 0)),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
    doors = listen(opened, "both.example")
    assert {door.getsockname()[1] for door in doors} == {doors[0].getsockname()[1]}
    assert [door.getsockname()[0] for door in doors] == [HOST, "::1"][: len(doors)]


@pytest.mark.parametrize("skipped", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
@pytest.mark.parametrize("order", [("1.1.1.1", HOST), (HOST, "1.1.1.1")])
def test_an_address_that_this_machine_lacks_is_skipped_where_another_is_found(
    order: tuple[str, str], skipped: int, opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 0)) for host in order]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
    real = binding._bound

    def bound(family: int, address: Any, *options: Any) -> socket.socket:
        if address[0] != HOST:
            raise OSError(skipped, "not here")
        return real(family, address, *options)

    monkeypatch.setattr(binding, "_bound", bound)
    assert [door.getsockname()[0] for door in listen(opened)] == [HOST]


def test_a_taken_port_is_named_with_what_to_do(opened: ExitStack) -> None:
    (door,) = listen(opened)
    port = door.getsockname()[1]
    with pytest.raises(ListenError, match=rf"cannot listen on {HOST}:{port}: the port is taken\. .* 0 picks") as caught:
        listen(opened, HOST, port)
    assert caught.value.errno == errno.EADDRINUSE


def test_one_taken_address_of_several_gives_the_others_back(opened: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    (door,) = listen(opened)
    found: list[Any] = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in ((HOST, 0), door.getsockname())
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
    made: list[socket.socket] = []
    real = binding._bound

    def bound(family: int, address: Any, *options: Any) -> socket.socket:
        made.append(real(family, address, *options))
        return made[-1]

    monkeypatch.setattr(binding, "_bound", bound)
    with pytest.raises(ListenError, match="the port is taken"):
        listen(opened, HOST, door.getsockname()[1])
    assert [sock.fileno() for sock in made] == [-1]


def unknown(*arguments: object, **options: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize("host", ["no.such.host", "x" * 70])
def test_an_unknown_host_is_named(host: str, opened: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    if len(host) < 64:  # a longer label is refused before anybody is asked
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ListenError, match=rf"cannot listen on {host}:8056: the host name is unknown .* Take 127\.0"):
        listen(opened, host, 8056)


def test_an_address_of_another_machine_is_named(opened: ExitStack) -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.1:8056: this machine has no such address\. Take 127\.0\.0\.1"):
        listen(opened, "192.0.2.1", 8056)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EACCES, "no permission. Ports below 1024"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENFILE, "this machine has no file descriptors left"),
        (errno.EPERM, "strange"),
    ],
)
def test_each_error_says_what_to_do(number: int, expected: str) -> None:
    error = listen_error("", 80, OSError(number, "strange"))
    assert str(error).startswith("cannot listen on *:80: ")
    assert expected in str(error)
    assert error.errno == number


def test_a_refused_connection_shows_when_it_is_decided(opened: ExitStack) -> None:
    (door,) = listen(opened)
    address = door.getsockname()
    door.close()
    sock = connect(opened, address)
    assert select.select([], [sock], [], SECONDS)[1]
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


def test_a_connection_that_fails_at_once_raises_and_leaves_nothing(opened: ExitStack) -> None:
    with pytest.raises(OSError, match=r"."):
        connect(opened, ("::1", 1))  # no address of this family


def test_addresses_are_resolved_in_order_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (socket.AF_INET, (HOST, 80)) in SocketNetwork().resolve(HOST, 80)
    found: list[Any] = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 80, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (HOST, 80)),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 80, 0, 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
    assert SocketNetwork().resolve("both.example", 80) == [
        (int(socket.AF_INET6), ("::1", 80, 0, 0)),
        (int(socket.AF_INET), (HOST, 80)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror):
        SocketNetwork().resolve("no.such.host", 80)


class Resource:
    """Stands for the module `resource`."""

    RLIMIT_NOFILE, RLIM_INFINITY = 7, -1

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def getrlimit(self, which: int) -> tuple[int, int]:
        assert which == self.RLIMIT_NOFILE
        return self.limit, self.RLIM_INFINITY


@pytest.mark.parametrize(
    ("resource", "most"),
    [
        (Resource(1024), 1024 - RESERVED_DESCRIPTORS),
        (Resource(10), 1),
        (Resource(-1), None),
        (None, 512 - RESERVED_DESCRIPTORS),
    ],
)
def test_the_most_connections_are_what_the_process_may_open(
    resource: Resource | None, most: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "resource", resource)
    assert SocketNetwork().most_connections() == most


def test_its_clock_and_poller_are_the_machines(opened: ExitStack) -> None:
    network = SocketNetwork()
    assert isinstance(network.clock, SystemClock)
    poller, expected = network.poller(), system_poller()
    assert type(poller) is type(expected)
    poller.close()
    expected.close()


def test_the_seam_names_what_a_socket_has() -> None:
    """A socket of another network needs no more than these."""
    calls = {name for name in vars(Socket) if not name.startswith("_")}
    assert calls == {
        "fileno",
        "recv",
        "send",
        "shutdown",
        "close",
        "accept",
        "getsockname",
        "getpeername",
        "getsockopt",
    }
    assert all(hasattr(socket.socket, name) for name in calls)
