"""How many connections come from one address: one of IPv4, or a network of 64 bits of IPv6, as one customer has it."""

from __future__ import annotations

import ipaddress
from collections import Counter
from typing import Final

from tickws.transport.network import Address

__all__ = ["Addresses", "address_key"]

_SITE_BITS: Final = 64


class Addresses:
    """Counts connections by where they come from.

    Args:
        most: of one address.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._counts: Counter[str] = Counter()

    def take(self, key: str) -> bool:
        """One more comes from there; False: it would be one too many, and is not counted."""
        if self._counts[key] >= self._most:
            return False
        self._counts[key] += 1
        return True

    def give(self, key: str) -> None:
        """One that was taken is gone."""
        self._counts[key] -= 1
        if not self._counts[key]:
            del self._counts[key]


def address_key(address: Address) -> str | None:
    """What an address is counted as; None: as nothing (a unix socket's peer has no address)."""
    if not isinstance(address, tuple) or not address:
        return None
    host = str(address[0]).partition("%")[0]
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host  # a network of another kind
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, _SITE_BITS), strict=False))
    return host
