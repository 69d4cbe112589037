"""Servers side by side: each in a 60 Hz loop of its own process (`host`), driven as its users drive it from a loop.

`NAMES` are those that there are; `missing` tells what a machine lacks for one. `DEFLATE` is tickws with
permessage-deflate and `TLS` tickws over TLS: each stands beside tickws where that is asked for.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.contenders.contender import Contender

__all__ = ["DEFLATE", "NAMES", "OURS", "TLS", "missing", "of", "suffix", "title"]

_PACKAGES = {
    "tickws": "tickws",
    "picows": "picows",
    "websockets": "websockets",
    "simple": "SimpleWebSocketServer",
}
NAMES = tuple(_PACKAGES)
DEFLATE, TLS = "deflate", "tls"
_SUFFIXES = {"tickws": "", DEFLATE: ", compressed", TLS: ", TLS"}
OURS = tuple(_SUFFIXES)
_NEEDED = {**_PACKAGES, TLS: "trustme"}


def missing(name: str) -> str | None:
    """Why a server cannot take part here; None where it can."""
    try:
        import_module(f"benchmarks.contenders.{name}_server")
    except ImportError as error:  # a peer's: what is ours is here
        return f"{_NEEDED[name]} cannot be imported ({error}): pip install {_NEEDED[name]}"
    return None


def suffix(name: str) -> str:
    """What stands behind the name of one of ours."""
    return _SUFFIXES[name]


def title(name: str) -> str:
    """Its package and version."""
    if name in OURS[1:]:
        return title("tickws") + suffix(name)
    try:
        return f"{_PACKAGES[name]} {version(_PACKAGES[name])}"
    except PackageNotFoundError:
        return _PACKAGES[name]


def of(name: str) -> type[Contender]:
    """Its class."""
    found: type[Contender] = import_module(f"benchmarks.contenders.{name}_server").Server
    return found
