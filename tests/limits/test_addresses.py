"""Connections of one address: how addresses are counted, and that every one who goes gives its place back."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.limits.places import dial_from
from tests.transport.peers import House, Peer, close, text
from tests.transport.tls_peers import TlsHouse
from tickws.protocol.limits import Limits

HERE, THERE = "192.0.2.1", "192.0.2.2"
ONE = Limits(address_connections=1, handshake_seconds=2.0, closing_seconds=1.0, ping_seconds=1.0, dead_seconds=1.0)


def is_in(peer: Peer) -> bool:
    return not peer.gone


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:0:ffff::", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("::1", "127.0.0.1", False),
        ("", "", False),  # unix sockets
    ],
)
def test_what_is_one_address(first: str, second: str, shared: bool) -> None:
    house = House(limits=ONE)
    peers = [dial_from(house, host) for host in (first, second)]
    house.turn(2)
    assert [is_in(peer) for peer in peers] == [True, not shared]
    assert house.statistics.limited == ({"address_connections": 1} if shared else {})


@pytest.mark.parametrize(
    "how",
    ["reset", "hangs up", "handshake timeout", "refused", "bad request", "page", "closed", "fault", "abort", "silence"],
)
@pytest.mark.parametrize("proxied", [False, True])
def test_every_end_frees_the_place(how: str, proxied: bool, tmp_path: Any) -> None:
    page = tmp_path / "page.html"
    page.write_text("hello")
    house = House(
        limits=ONE,
        files={"/page": page},
        on_request=lambda request: request.path != "/refused",
        trusted_proxies=("127.0.0.1",) if proxied else (),
    )
    said = (f"X-Forwarded-For: {HERE}",) if proxied else ()

    def dial() -> Peer:
        return house.dial() if proxied else dial_from(house, HERE)

    peer = dial()
    if how in ("reset", "hangs up", "closed", "fault", "abort", "silence"):
        peer.ask("/", *said)
        house.turn(3)
        assert peer.receive_status() == 101
    if how == "reset":
        peer.socket.reset()
    elif how == "hangs up":
        peer.socket.close()
    elif how == "refused":
        peer.ask("/refused", *said)
    elif how == "bad request":
        peer.say(b"\0\r\n\r\n")
    elif how == "page":
        head = ["GET /page HTTP/1.1", "Host: a", *said, "", ""]
        peer.say("\r\n".join(head).encode())
    elif how == "closed":
        peer.say(close())
    elif how == "fault":
        peer.say(b"\x83\x80\0\0\0\0")
    elif how == "abort":
        house.ws().abort()
    house.run(6.0)
    peer.socket.close()
    house.turn(2)
    assert house.statistics.connections == 0
    another = dial()
    another.ask("/", *said)
    house.turn(3)
    assert another.receive_status() == 101
    assert "address_connections" not in house.statistics.limited


def test_a_tls_handshake_that_fails_frees_the_place() -> None:
    house = TlsHouse(limits=ONE)
    peer: Any = dial_from(house, HERE)
    peer.raw.send(b"no TLS at all\r\n\r\n")
    house.run(3.0)
    peer.raw.close()
    house.turn(2)
    again: Any = dial_from(house, HERE)
    again.shake()
    assert again.tunnel.shaken


def test_who_is_one_too_many_is_told_behind_a_proxy_and_logged_anyway(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "tickws")
    house = House(limits=ONE, trusted_proxies=("127.0.0.1",))
    peers = [house.dial() for _ in range(2)]
    for peer in peers:
        peer.ask("/", f"X-Forwarded-For: {HERE}")
    direct = [dial_from(house, THERE) for _ in range(2)]
    house.turn(3)
    assert peers[0].receive_status() == 101
    answer = peers[1].listen()
    assert answer.startswith(b"HTTP/1.1 429 ")
    assert b"too many connections from your address" in answer
    assert [peer.gone for peer in direct] == [False, True]
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.DEBUG]
    assert len([line for line in lines if "too many connections" in line and (HERE in line or THERE in line)]) == 2


HOSTS = st.sampled_from([HERE, "::ffff:192.0.2.1", THERE, "2001:db8::1", "2001:db8::2", ""])


class Places(RuleBasedStateMachine):
    """People come from some addresses, and go in every way; the books are right at every moment."""

    most = 2

    def __init__(self) -> None:
        super().__init__()
        limits = Limits(
            address_connections=self.most,
            handshakes=6,
            handshake_seconds=3.0,
            closing_seconds=1.0,
            ping_seconds=2.0,
            dead_seconds=1.0,
        )
        self.house = House(limits=limits, max_connections=9, trusted_proxies=("127.0.0.1",))
        self.peers: list[Peer] = []

    @rule(host=HOSTS)
    def come(self, host: str) -> None:
        self.peers.append(dial_from(self.house, host))

    @rule(host=HOSTS)
    def come_by_the_proxy(self, host: str) -> None:
        peer = self.house.dial()
        peer.ask("/", f"X-Forwarded-For: {host or 'unknown'}")
        self.peers.append(peer)

    @rule(which=st.integers(0, 30), what=st.sampled_from(["ask", "talk", "close", "garbage", "reset", "end", "abort"]))
    def act(self, which: int, what: str) -> None:
        if not self.peers:
            return
        peer = self.peers[which % len(self.peers)]
        try:
            if what == "ask":
                peer.ask()
            elif what == "talk":
                peer.say(text("hello"))
            elif what == "close":
                peer.say(close())
            elif what == "garbage":
                peer.say(b"\xff\0\r\n\r\n")
            elif what == "reset":
                peer.socket.reset()
            elif what == "end":
                peer.socket.close()
            elif self.house.server.connections:
                self.house.server.connections[which % len(self.house.server.connections)].abort()
        except OSError:
            self.peers.remove(peer)

    @rule(seconds=st.sampled_from([0.0, 0.1, 0.6, 4.0]))
    def wait(self, seconds: float) -> None:
        self.house.run(seconds)

    @invariant()
    def the_books_are_right(self) -> None:
        server = self.house.server
        assert server._addresses is not None
        counts = dict(server._addresses._counts)
        held = Counter(link.address_key for link in server._links.by_fd.values() if link.address_key is not None)
        assert counts == dict(held)
        assert all(0 < count <= self.most for count in counts.values())
        assert len(server._links.by_fd) <= 9
        assert len(server._links.newcomers) <= 6

    def teardown(self) -> None:
        for peer in self.peers:
            peer.socket.close()
        self.house.run(10.0)
        assert self.house.server._addresses is not None
        assert not self.house.server._addresses._counts
        assert self.house.statistics.connections == 0
        opens = len(self.house.opens)
        assert opens == len(self.house.closes)


TestPlaces = Places.TestCase
TestPlaces.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
