"""Who a client is, where a proxy stands before the server: X-Forwarded-For and X-Forwarded-Proto, from trusted peers.

Anybody can send these headers, so they are believed of peers that the operator has named, and of nobody else; each
proxy adds who came to it at the right end, so the list is read from there, and only as far as the names on it are
trusted too. What stands further left was written by a stranger.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

__all__ = ["Proxies"]

IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

UNIX: Final = "unix"
HOPS: Final = 32
"""The most entries that are looked at: a client may send thousands of trusted ones, and each costs microseconds."""


class Proxies:
    """The peers whose word on their clients is taken.

    Args:
        trusted: IP addresses, networks in CIDR notation ("10.0.0.0/8"), and "unix" for all peers on unix sockets.

    Raises:
        TypeError: it is no collection of strings.
        ValueError: one of them is none of these.
    """

    __slots__ = ("_networks", "_unix")

    def __init__(self, trusted: Iterable[str]) -> None:
        if isinstance(trusted, (str, bytes)):
            raise TypeError(f"trusted_proxies is a collection of addresses: ({trusted!r},)")
        names = tuple(trusted)
        self._unix = UNIX in names
        self._networks = tuple(_network(name) for name in names if name != UNIX)

    def trust(self, address: Any) -> bool:
        """Whether the peer at `address`, as its socket names it, is one of them."""
        if not isinstance(address, tuple):
            return self._unix  # a unix socket's peer: "", or the path that it is bound to
        if not self._networks:
            return False
        found = _ip(str(address[0]).partition("%")[0])
        return found is not None and self._has(found)

    def client(self, peer: Any, headers: Mapping[str, str]) -> Any:
        """The address of whom a trusted `peer` speaks for: (IP address, 0), its port being unknown; or `peer` itself.

        The first entry from the right that is not trusted, or the last one that could be read.
        """
        client = peer
        for entry in reversed(headers.get("x-forwarded-for", "").rsplit(",", HOPS)[-HOPS:]):
            text = entry.strip(" \t")
            if not text:  # RFC 9110 section 5.6.1: an empty element is none
                continue
            found = _ip(_without_port(text))
            if found is None:
                break
            client = (str(found), 0)
            if not self._has(found):
                break
        return client

    @staticmethod
    def secure(headers: Mapping[str, str]) -> bool | None:
        """Whether a trusted peer says that its client came by TLS; None: it says nothing."""
        scheme = headers.get("x-forwarded-proto")
        return None if scheme is None else scheme.rpartition(",")[2].strip(" \t").lower() in ("https", "wss")

    def _has(self, address: IPAddress) -> bool:
        return any(address in network for network in self._networks)


def _network(name: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if not isinstance(name, str):
        raise TypeError(f"a trusted proxy is named by a string, not {name!r}")
    try:
        if "%" not in name:
            return ipaddress.ip_network(name)
        problem = "it has a zone"
    except ValueError as error:
        problem = str(error)
    raise ValueError(
        f"{name!r} names no trusted proxy ({problem}): take an IP address, a network as '10.0.0.0/8', or 'unix'"
    )


def _ip(text: str) -> IPAddress | None:
    """An IP address; one of IPv4 in the clothes of IPv6 (::ffff:192.0.2.1) is one of IPv4."""
    if "%" in text:  # a zone may be any text at all, and means nothing on another machine
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped) or address


def _without_port(entry: str) -> str:
    """An entry without the port that some proxies add: 192.0.2.1:4711, [2001:db8::1]:4711."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry
