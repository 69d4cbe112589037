"""Proxies: whose word on a client is taken, and how much of it."""

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickws.protocol.http import Headers
from tickws.protocol.proxies import HOPS, Proxies

PROXY = ("10.0.0.1", 4711)
TRUSTED = Proxies(("10.0.0.0/8", "fd00::/8", "192.0.2.7", "unix"))


def forwarded(*lines: str) -> Headers:
    return Headers((b"X-Forwarded-For", line.encode("latin-1")) for line in lines)


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        (("10.0.0.0", 1), True),
        (("10.255.255.255", 1), True),
        (("11.0.0.0", 1), False),
        (("9.255.255.255", 1), False),
        (("192.0.2.7", 1), True),
        (("192.0.2.8", 1), False),
        (("::ffff:10.1.2.3", 1, 0, 0), True),
        (("::ffff:11.1.2.3", 1, 0, 0), False),
        (("fd00::1", 1, 0, 0), True),
        (("fd00::1%eth0", 1, 0, 3), True),
        (("fe80::1%eth0", 1, 0, 3), False),
        (("somewhere", 1), False),
        ("", True),
        ("/run/proxy.sock", True),
        (b"\0abstract", True),
    ],
)
def test_who_is_trusted(address: Any, trusted: bool) -> None:
    assert TRUSTED.trust(address) is trusted
    assert not Proxies(()).trust(address)


def test_each_kind_is_trusted_alone() -> None:
    assert not Proxies(["10.0.0.0/8"]).trust("")
    assert not Proxies(["unix"]).trust(PROXY)
    assert Proxies(["0.0.0.0/0"]).trust(PROXY)
    assert not Proxies(["::/0"]).trust(PROXY)


@pytest.mark.parametrize(
    ("lines", "client"),
    [
        ([], PROXY),
        ([""], PROXY),
        ([" , ,"], PROXY),
        (["203.0.113.9"], ("203.0.113.9", 0)),
        (["203.0.113.9, "], ("203.0.113.9", 0)),
        (["\t203.0.113.9 "], ("203.0.113.9", 0)),
        (["203.0.113.9:4711"], ("203.0.113.9", 0)),
        (["2001:db8::1"], ("2001:db8::1", 0)),
        (["2001:DB8:0::1"], ("2001:db8::1", 0)),
        (["[2001:db8::1]"], ("2001:db8::1", 0)),
        (["[2001:db8::1]:4711"], ("2001:db8::1", 0)),
        (["::ffff:203.0.113.9"], ("203.0.113.9", 0)),
        # what a client wrote stands left of what the proxy added
        (["198.51.100.1, 203.0.113.9"], ("203.0.113.9", 0)),
        (["10.0.0.3, 203.0.113.9"], ("203.0.113.9", 0)),
        (["198.51.100.1", "203.0.113.9"], ("203.0.113.9", 0)),
        (["<script>, 203.0.113.9"], ("203.0.113.9", 0)),
        # trusted proxies are skipped
        (["203.0.113.9, 10.0.0.2"], ("203.0.113.9", 0)),
        (["203.0.113.9, fd00::2, ,192.0.2.7, 10.0.0.2"], ("203.0.113.9", 0)),
        (["10.0.0.3, 10.0.0.2"], ("10.0.0.3", 0)),
        # what cannot be read ends it
        (["203.0.113.9, unknown, 10.0.0.2"], ("10.0.0.2", 0)),
        (["203.0.113.9, unknown"], PROXY),
        (["_hidden"], PROXY),
        (["203.0.113.256"], PROXY),
        (["203.0.113.09"], PROXY),
        (["203.0.113.9:1:2"], PROXY),
        (["[203.0.113.9"], ("203.0.113.9", 0)),
        (["fe80::1%\x1b[31m"], PROXY),
        (["\xb2.0.113.9"], PROXY),
    ],
)
def test_the_client_is_the_first_stranger_from_the_right(lines: list[str], client: object) -> None:
    assert TRUSTED.client(PROXY, forwarded(*lines)) == client


def test_the_walk_has_an_end() -> None:
    assert TRUSTED.client(PROXY, forwarded("203.0.113.9," + "10.0.0.2," * HOPS)) == ("10.0.0.2", 0)
    assert TRUSTED.client(PROXY, forwarded("203.0.113.9," + ",".join(["10.0.0.2"] * (HOPS - 1)))) == ("203.0.113.9", 0)


@pytest.mark.parametrize(
    ("values", "secure"),
    [
        ([], None),
        (["https"], True),
        (["wss"], True),
        ([" HTTPS\t"], True),
        (["http"], False),
        ([""], False),
        (["https, http"], False),
        (["http", "https"], True),
        (["https://"], False),
    ],
)
def test_the_scheme_is_the_one_that_the_nearest_proxy_names(values: list[str], secure: bool | None) -> None:
    assert Proxies.secure(Headers((b"X-Forwarded-Proto", value.encode()) for value in values)) is secure


@pytest.mark.parametrize(
    ("trusted", "error", "complaint"),
    [
        ("127.0.0.1", TypeError, r"trusted_proxies is a collection of addresses: \('127.0.0.1',\)"),
        (b"127.0.0.1", TypeError, "a collection"),
        (5, TypeError, "iterable"),
        ([5], TypeError, "a trusted proxy is named by a string, not 5"),
        ([""], ValueError, "'' names no trusted proxy"),
        (
            ["localhost"],
            ValueError,
            "'localhost' names no .*: take an IP address, a network as '10.0.0.0/8'",
        ),
        (["10.0.0.1/8"], ValueError, "has host bits set"),
        (["10.0.0.0/33"], ValueError, "names no trusted proxy"),
        (["fe80::1%eth0"], ValueError, "it has a zone"),
        (["Unix"], ValueError, "or 'unix'"),
    ],
)
def test_misuse(trusted: Any, error: type[Exception], complaint: str) -> None:
    with pytest.raises(error, match=complaint):
        Proxies(trusted)


addresses = st.ip_addresses().map(str)
near = st.sampled_from(["10.0.0.2", "10.9.9.9", "fd00::2", "192.0.2.7", "::ffff:10.0.0.3"])
garbage = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters=","), max_size=30)


@given(st.lists(addresses | near | garbage, max_size=40))
def test_whatever_the_header_says_it_is_an_address_or_the_peer_s(entries: list[str]) -> None:
    client = TRUSTED.client(PROXY, forwarded(",".join(entries)))
    if client is not PROXY:
        host, port = client
        assert (str(ipaddress.ip_address(host)), port) == (host, 0)
        assert "%" not in host


@given(st.lists(addresses | near | garbage, max_size=10), st.lists(near, max_size=HOPS - 1), addresses)
def test_nothing_left_of_the_first_stranger_matters(forged: list[str], chain: list[str], stranger: str) -> None:
    if TRUSTED.trust((stranger, 1)):
        return
    said = ",".join([stranger, *chain])
    assert TRUSTED.client(PROXY, forwarded(",".join([*forged, said]))) == TRUSTED.client(PROXY, forwarded(said))
