"""What is inside TLS and no poller tells of is never forgotten: many records in one segment, and then silence."""

import select
import socket
import ssl
import time
from contextlib import closing

import pytest

from tests import certificates
from tests.certificates import VERSIONS, Version
from tests.protocol.helpers import ROLES, TEXT, answer_head, request_head
from tests.transport.lines import Line
from tests.transport.peers import ping, text
from tests.transport.sockets import SECONDS
from tests.transport.tls_peers import TlsHouse, TlsPeer, TlsTwo, Tunnel, tls_seat
from tickws.protocol.connection import Role
from tickws.protocol.handshake import accept_key
from tickws.protocol.limits import Limits
from tickws.transport.server import WebSocketServer

BOTH = pytest.mark.parametrize("version", VERSIONS)
COUNT = 300
MESSAGES = [f"message {number}" for number in range(COUNT)]


def one_segment(peer: TlsPeer, count: int = COUNT) -> None:
    """So many messages, each in a record of its own, in one piece; nothing follows."""
    peer.tunnel.put(peer.tunnel.seal(*(text(message) for message in MESSAGES[:count])))
    assert not peer.tunnel.unsent


@ROLES
@BOTH
def test_many_records_in_one_segment_without_any_further_event(version: Version, role: Role) -> None:
    seat, tunnel = tls_seat(role, version)
    tunnel.put(tunnel.seal(*(seat.frame(TEXT, message.encode()) for message in MESSAGES)))
    seat.turn(COUNT)
    assert seat.heard == MESSAGES


@BOTH
def test_a_request_in_many_records_in_one_segment(version: Version) -> None:
    """A record for each byte of the request, and then silence."""
    house = TlsHouse(version)
    peer = house.dial()
    peer.shake()
    request = request_head("GET / HTTP/1.1")
    peer.tunnel.put(peer.tunnel.seal(*(request[at : at + 1] for at in range(len(request)))))
    house.turn(len(request))
    assert peer.receive_status() == 101


@BOTH
@pytest.mark.parametrize("quota", [1, 2, 7])
def test_slice_quotas_of_messages_and_bytes(version: Version, quota: int) -> None:
    house = TlsHouse(version, limits=Limits(slice_messages=quota, slice_bytes=quota * 20))
    peer = house.peer()
    one_segment(peer)
    house.turn()
    assert len(house.heard("message")) <= quota
    house.turn(5 * COUNT)
    assert house.heard("message") == MESSAGES


@BOTH
def test_a_budget_of_nothing(version: Version) -> None:
    """Each slice does one step; none sleeps while records are here."""
    house = TlsHouse(version)
    peer = house.peer()
    one_segment(peer)
    slices = 0
    while len(house.heard("message")) < COUNT:
        slices += 1
        assert slices < 4 * COUNT
        house.server.work(0)
    assert house.heard("message") == MESSAGES


@BOTH
def test_a_slice_that_may_sleep_does_not_while_records_are_here(version: Version) -> None:
    house = TlsHouse(version, limits=Limits(slice_messages=1))
    peer = house.peer()
    house.server.work(0)
    one_segment(peer)
    slept, start = house.server.waited, house.clock.now()
    slices = 0
    while len(house.heard("message")) < COUNT:
        slices += 1
        assert slices < 4 * COUNT
        assert house.server.wait(5.0)
        house.server.work(5.0)
    assert (house.server.waited, house.clock.now()) == (slept, start)


@BOTH
def test_nothing_spins_when_all_is_read(version: Version) -> None:
    house = TlsHouse(version)
    peer = house.peer()
    one_segment(peer)
    house.turn(COUNT)
    assert len(house.heard("message")) == COUNT
    assert not house.server.wait(1.0)
    whole, part = peer.tunnel.seal(text("whole")), peer.tunnel.seal(text("last"))
    for segment in (whole + part[:10], part[10:-1]):  # no whole record: nothing can be done about it
        peer.tunnel.put(segment)
        house.turn(3)
        assert not house.server.wait(1.0)
        house.turn()
    assert house.heard("message")[COUNT:] == ["whole"]
    peer.tunnel.put(part[-1:])
    assert house.server.wait(1.0)
    house.turn()
    assert house.heard("message")[COUNT:] == ["whole", "last"]


@BOTH
def test_records_of_many_peers_take_turns(version: Version) -> None:
    """Whose segment holds many records keeps nobody waiting whose holds one."""
    house = TlsHouse(version, limits=Limits(slice_messages=2))
    flooder, others = house.peer("/flood"), [house.peer(f"/{number}") for number in range(10)]
    one_segment(flooder)
    for other in others:
        other.say(text("one"))
    house.turn(2)
    for number in range(10):
        assert house.heard("message", f"/{number}") == ["one"]
    house.turn(COUNT)
    assert house.heard("message", "/flood") == MESSAGES


@BOTH
@pytest.mark.parametrize("end", ["close_notify", "FIN", "both"])
@pytest.mark.parametrize("quota", [1, 64])
def test_records_with_the_end_behind_them(version: Version, end: str, quota: int) -> None:
    """All that came before the end is delivered first, and the end is not forgotten."""
    house = TlsHouse(version, limits=Limits(slice_messages=quota))
    peer = house.peer()
    one_segment(peer)
    if end != "FIN":
        peer.tunnel.put(peer.tunnel.farewell())
    if end != "close_notify":
        peer.raw.shutdown(1)
    house.turn(2 * COUNT)
    assert house.heard("message") == MESSAGES
    assert house.closes == [("/", 1006, "")]


@BOTH
def test_pings_among_records_are_answered(version: Version) -> None:
    house = TlsHouse(version)
    peer = house.peer()
    peer.tunnel.put(peer.tunnel.seal(*(ping(b"%d" % number) for number in range(20)), text("end")))
    house.turn(30)
    assert peer.receive() == [("pong", b"%d" % number) for number in range(20)]
    assert house.heard("message") == ["end"]


@BOTH
def test_the_answer_and_what_follows_it_in_one_segment_at_a_client(version: Version) -> None:
    """The server's last flight (with its tickets), 101 and a hundred messages arrive together."""
    line = Line("wss://localhost:8056/", ssl_context=certificates.trusted())
    end = line.accept()
    tunnel = Tunnel(end.socket, certificates.served(version), server=True)
    for _ in range(6):
        tunnel.take_in()
        flight = tunnel.hello()
        if tunnel.shaken:
            break
        tunnel.put(flight)
        line.turn()
    assert tunnel.shaken
    tunnel.take_in()
    try:
        head = tunnel.tls.read(65536)
    except ssl.SSLWantReadError:
        tunnel.put(flight)
        flight = b""
        line.turn()
        tunnel.take_in()
        head = tunnel.tls.read(65536)
    key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
    said = [b"\x81%c%s" % (len(message), message.encode()) for message in MESSAGES]
    tunnel.put(flight + tunnel.seal(answer_head(accept_key(key)), *said))
    line.turn(COUNT + 5)
    assert line.log == [("open",), *(("message", message) for message in MESSAGES)]


@BOTH
def test_a_message_said_in_the_slice_of_the_handshake_goes_out(version: Version) -> None:
    """What on_open sends needs no further event."""
    two = TlsTwo(version, server={"on_open": lambda ws: [ws.send(message) for message in MESSAGES]})
    two.run_until(lambda: len(two.heard("client")) == COUNT)
    assert two.heard("client") == MESSAGES


# With the system's sockets: a host that waits for several things


def blocking(server: WebSocketServer, version: Version) -> ssl.SSLSocket:
    """A client's socket, in the hands of the `ssl` module, through both handshakes; the server is turned by select."""
    raw = socket.create_connection(("127.0.0.1", server.port))
    raw.setblocking(False)
    sock = certificates.trusted(version).wrap_socket(raw, server_hostname="localhost", do_handshake_on_connect=False)
    give_up = time.monotonic() + SECONDS
    answer, asked = b"", False
    while not answer.endswith(b"\r\n\r\n"):
        assert time.monotonic() < give_up
        turn(server)
        try:
            if not asked:
                sock.do_handshake()
                sock.sendall(request_head("GET / HTTP/1.1"))
                asked = True
            answer += sock.recv(4096)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
    return sock


def turn(server: WebSocketServer, seconds: float = 0.05) -> bool:
    """What a host does: wait for the descriptor, or the next timer; then a slice. Gives whether it was the former."""
    due = server.next_deadline()
    readable = bool(select.select([server], [], [], seconds if due is None else min(seconds, due))[0])
    server.work(0.001, wait=0)
    return readable


@BOTH
@pytest.mark.parametrize("quota", [1, 64])
def test_a_host_that_selects_is_told_until_all_is_read(version: Version, quota: int) -> None:
    heard: list[object] = []
    limits = Limits(slice_messages=quota)
    server = WebSocketServer(
        port=0, ssl_context=certificates.served(), limits=limits, on_message=lambda ws, message: heard.append(message)
    )
    with server, closing(blocking(server, version)) as sock:
        while turn(server, 0.0):
            pass
        for message in MESSAGES:
            sock.sendall(text(message))
        give_up = time.monotonic() + SECONDS
        while len(heard) < COUNT:
            assert turn(server, SECONDS), f"the descriptor is silent, and {len(heard)} of {COUNT} were read"
            assert time.monotonic() < give_up
        assert heard == MESSAGES
        while turn(server, 0.0):
            assert time.monotonic() < give_up, "the descriptor is never at rest"
