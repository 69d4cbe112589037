"""Every state in which a link or a listener can rest: made, and left to itself."""

import errno
import socket
from collections.abc import Callable
from typing import Any

from tests.transport.lines import Line
from tests.transport.peers import SLOW, House, close, text
from tickws.protocol.limits import Limits
from tickws.transport.endpoint import Endpoint

MINUTE = 60
Rest = Callable[[], tuple[Endpoint, float]]
"""Gives an endpoint, and how many looks in a minute are explained beyond one a second."""
PATIENT = Limits(ping_seconds=1e6, handshake_seconds=1e6, closing_seconds=1e6, slow_seconds=1e6)
"""Nothing but the state itself asks for a look."""


def house_of(limits: Limits = PATIENT, **options: Any) -> House:
    return House(limits=limits, **options)


def silent() -> tuple[Endpoint, float]:
    house = house_of()
    house.peers(3)
    return house.server, 0


def nobody() -> tuple[Endpoint, float]:
    return house_of().server, 0


def half_closed() -> tuple[Endpoint, float]:
    """The peer has said Close and ended its half, and takes no more: our last words wait."""
    house = house_of()
    peer = house.peer("/", conditions=SLOW)
    house.ws().send("x" * 5000)
    house.turn()
    peer.say(close())
    peer.socket.shutdown(socket.SHUT_WR)
    house.turn(2)
    assert house.statistics.connections == 1
    return house.server, 0


def full_socket() -> tuple[Endpoint, float]:
    house = house_of()
    for number in range(3):
        house.peer(f"/{number}", conditions=SLOW)
        ws = house.ws(f"/{number}")
        for _ in range(10):
            ws.send("x" * 500)
        ws.send_latest("key", "y")
        ws.ping()
    return house.server, 0


def full_socket_and_fragments() -> tuple[Endpoint, float]:
    """A message in fragments under a full socket."""
    house = house_of()
    house.peer("/", conditions=SLOW)
    house.ws().send("x" * 5000)
    house.ws().send_fragments("y" * 500 for _ in range(100))
    return house.server, 0


def slow_client() -> tuple[Endpoint, float]:
    """It is looked at four times in `slow_seconds`."""
    house = house_of(Limits(ping_seconds=1e6, slow_seconds=1.0), on_slow=lambda ws, seconds: None)
    house.peer("/", conditions=SLOW)
    house.ws().send("x" * 5000)
    return house.server, 4 * MINUTE


def recovered_client() -> tuple[Endpoint, float]:
    house = house_of(Limits(ping_seconds=1e6, slow_seconds=1.0))
    peer = house.peer("/", conditions=SLOW)
    house.ws().send("x" * 3000)
    house.run(2.0)
    for _ in range(8):
        peer.receive()
        house.turn()
    assert house.ws().unsent_seconds == 0.0
    return house.server, 1


def condemned_slow_client() -> tuple[Endpoint, float]:
    """Its queue has overflowed, it has taken our Close since, and says nothing."""
    limits = Limits(ping_seconds=1e6, slow_seconds=1.0, closing_seconds=1e6, queue_messages=2)
    house = house_of(limits)
    peer = house.peer("/", conditions=SLOW)
    house.ws().send("x" * 1500)
    house.turn()
    while house.ws().send("x"):
        pass
    peer.receive()  # before the next slice: it finds the socket free, and the queue dropped
    for _ in range(8):
        house.run(0.1)
        peer.receive()
    return house.server, 1


def we_wait_for_their_close() -> tuple[Endpoint, float]:
    house = house_of()
    house.peer()
    house.ws().close()
    house.turn()
    return house.server, 0


def we_wait_for_their_close_and_they_talk() -> tuple[Endpoint, float]:
    house = house_of()
    peer = house.peer()
    house.ws().close()
    house.turn()
    peer.say(text("x") * 200)
    return house.server, 4


def our_close_waits_for_a_full_socket() -> tuple[Endpoint, float]:
    house = house_of()
    house.peer("/", conditions=SLOW)
    house.ws().send("x" * 5000)
    house.turn()
    house.ws().close()
    return house.server, 0


def their_close_waits_for_a_full_socket() -> tuple[Endpoint, float]:
    house = house_of()
    peer = house.peer("/", conditions=SLOW)
    house.ws().send("x" * 5000)
    house.turn()
    peer.say(close())
    return house.server, 0


def ending() -> tuple[Endpoint, float]:
    """All is said, our half is ended, and the peer does not hang up."""
    house = house_of()
    peer = house.peer()
    peer.say(close())
    return house.server, 0


def ending_after_an_answer() -> tuple[Endpoint, float]:
    house = house_of(on_request=lambda request: False)
    peer = house.dial()
    peer.ask()
    return house.server, 0


def fault() -> tuple[Endpoint, float]:
    house = house_of()
    house.peer().say(b"\xff\xff\xff\xff" * 10)
    return house.server, 0


def aborted() -> tuple[Endpoint, float]:
    house = house_of()
    house.peers(2)
    house.ws("/0").abort()
    return house.server, 0


def full_house() -> tuple[Endpoint, float]:
    house = house_of(max_connections=2)
    house.peers(2)
    for _ in range(5):
        house.dial().ask()
    return house.server, 0


def out_of_descriptors() -> tuple[Endpoint, float]:
    """It is tried once a second: one look at which the time is up, one that finds who knocks."""
    house = house_of()
    house.network.fail_accepts(house.server.port, errno.EMFILE, 1000)
    house.dial().ask()
    return house.server, 2 * MINUTE


def carried_quota() -> tuple[Endpoint, float]:
    """Two thousand messages are some thirty slices of one connection's quota."""
    house = house_of()
    house.peer().say(text("x") * 2000)
    return house.server, 2000 / Limits().slice_messages + 1


def half_a_message() -> tuple[Endpoint, float]:
    house = house_of()
    house.peer().say(text("hello")[:-1])
    return house.server, 0


def quiet_handshake() -> tuple[Endpoint, float]:
    house = house_of()
    house.dial()
    house.dial().say(b"GET / HTTP/1.1\r\n")
    return house.server, 0


def dead_handshake() -> tuple[Endpoint, float]:
    house = house_of(Limits(ping_seconds=1e6))
    for _ in range(20):
        house.dial().say(b"GET / HTTP/1.1\r\n")
    return house.server, 2


def pinged_and_dead() -> tuple[Endpoint, float]:
    house = house_of(Limits())
    house.peers(20)
    return house.server, 4


def pinged_under_a_full_socket() -> tuple[Endpoint, float]:
    house = house_of(Limits(slow_seconds=1e6))
    house.peer("/", conditions=SLOW)
    house.ws().send("x" * 5000)
    return house.server, 4


def server_is_closing() -> tuple[Endpoint, float]:
    house = house_of()
    house.peers(3)
    house.server.close(timeout=1e6)
    return house.server, 0


def client_connecting() -> tuple[Endpoint, float]:
    line = Line(limits=PATIENT)
    line.client._links.watch(next(iter(line.client._links.by_fd.values())), 0)
    return line.client, 0


def client_waits_for_an_answer() -> tuple[Endpoint, float]:
    line = Line(limits=PATIENT)
    line.turn(3)
    return line.client, 0


def client_is_open() -> tuple[Endpoint, float]:
    line = Line(limits=PATIENT)
    line.opened()
    return line.client, 0


RESTS = [
    silent,
    nobody,
    half_closed,
    full_socket,
    full_socket_and_fragments,
    slow_client,
    recovered_client,
    condemned_slow_client,
    we_wait_for_their_close,
    we_wait_for_their_close_and_they_talk,
    our_close_waits_for_a_full_socket,
    their_close_waits_for_a_full_socket,
    ending,
    ending_after_an_answer,
    fault,
    aborted,
    full_house,
    out_of_descriptors,
    carried_quota,
    half_a_message,
    quiet_handshake,
    dead_handshake,
    pinged_and_dead,
    pinged_under_a_full_socket,
    server_is_closing,
    client_connecting,
    client_waits_for_an_answer,
    client_is_open,
]
