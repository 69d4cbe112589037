"""Idle: who has nothing to do does nothing. Looks at the network are counted; in no state is there one too many."""

import errno
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.slice.rigs import PERIOD
from tests.transport.lines import Line
from tests.transport.peers import SLOW, House, Peer, close, ping, pong, text
from tickws.loop.tickloop import TickLoop
from tickws.protocol.limits import Limits
from tickws.transport.endpoint import Endpoint

MINUTE = 60


def polls_of(endpoint: Endpoint) -> int:
    return endpoint.statistics().polls


def pongs(peers: list[Peer]) -> int:
    """How many pings were heard; each is answered."""
    heard = 0
    for peer in peers:
        if peer.socket.events_at()[0] <= 1 << 61:  # there is something, or will be
            for said in peer.receive():
                assert isinstance(said, tuple)
                peer.say(pong(said[1]))
                heard += 1
    return heard


# Silent clients


def test_on_a_loop_there_is_one_look_in_each_frame() -> None:
    house = House()
    peers = house.peers(100)
    loop = TickLoop(60, clock=house.clock)
    loop.add(house.server, budget=0.004)
    before = polls_of(house.server)
    begun = house.clock.now()
    heard = 0
    for _ in range(MINUTE * 60):
        loop.frame()
        heard += pongs(peers)
        house.clock.advance(PERIOD)
    assert house.clock.now() - begun == pytest.approx(MINUTE)
    assert polls_of(house.server) - before == MINUTE * 60
    assert house.statistics.empty_polls == 0
    assert heard == 100 * 2, "at 20 and 40 seconds; at 60 the minute is over"
    assert house.statistics.open == 100


@pytest.mark.parametrize("budget", [0.020, 1.0, 600.0])
def test_work_sleeps_as_long_as_it_may(budget: float) -> None:
    house = House()
    peers = house.peers(400 if budget < 1 else 1000)
    before = polls_of(house.server)
    begun = house.clock.now()
    heard = 0
    looks = 0
    while house.clock.now() < begun + MINUTE - 1:  # at 60 s there are pings once more
        since = house.clock.now()
        house.server.work(min(budget, begun + MINUTE - 1 - since))
        looks += 1
        if house.clock.now() < since + budget:
            heard += pongs(peers)
    assert polls_of(house.server) - before == looks
    # Beyond those that the budget ends: pings go out, and their answers come, at two instants.
    assert looks <= MINUTE / budget + 6
    assert house.statistics.empty_polls == 0
    assert heard == 2 * len(peers)
    assert house.server.waited == pytest.approx(house.clock.now() - begun, abs=0.001)


# Every state in which something can rest


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
    """The peer has ended its half, and takes no more: our last words wait."""
    house = house_of()
    peer = house.peer("/", conditions=SLOW)
    house.ws().send("x" * 5000)
    house.turn()
    peer.socket.shutdown(socket.SHUT_WR)
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


@pytest.mark.parametrize("rest", RESTS)
def test_there_is_no_busy_waiting_in_any_state(rest: Rest) -> None:
    endpoint, explained = rest()
    clock: Any = endpoint._clock
    for _ in range(2):  # what is to be done at once is done
        endpoint.work(None, wait=0)
    before, begun, calls = polls_of(endpoint), clock.now(), 0
    while clock.now() < begun + MINUTE:
        assert endpoint.work(1.0)
        calls += 1
        assert calls <= 2 * (MINUTE + explained) + 10, "it does not sleep"
    assert polls_of(endpoint) - before <= MINUTE + explained + 1
    assert endpoint.statistics().empty_polls == 0


@pytest.mark.parametrize("rest", RESTS)
def test_there_is_no_busy_waiting_for_who_waits_between_ticks(rest: Rest) -> None:
    endpoint, explained = rest()
    clock: Any = endpoint._clock
    for _ in range(2):
        endpoint.work(None, wait=0)
    begun, calls = clock.now(), 0
    while clock.now() < begun + MINUTE:
        calls += 1
        if endpoint.wait(1.0):
            endpoint.work(None, wait=0)
        assert calls <= 2 * (MINUTE + explained) + 10, "it does not sleep"
    assert calls <= MINUTE + explained + 1


def test_a_handshake_that_dribbles_costs_a_look_for_each_piece() -> None:
    house = house_of()
    peer = house.dial()
    house.turn(2)
    before = polls_of(house.server)
    for byte in b"GET / HTTP/1.1\r\nHost: here\r\n":
        peer.say(bytes((byte,)))
        house.server.work(1.0)
        house.server.work(0.5)  # nothing more came
    assert polls_of(house.server) - before == 2 * 28


def test_a_peer_that_pings_costs_a_look_for_each_ping() -> None:
    house = house_of()
    peer = house.peer()
    before = polls_of(house.server)
    for number in range(50):
        peer.say(ping(b"%d" % number))
        house.server.work(1.0)
        house.server.work(0.5)
    assert len(peer.receive()) == 50
    assert polls_of(house.server) - before == 100
