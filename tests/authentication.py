"""The samples of docs/authentication.md as modules, and a calendar for their tokens and sessions."""

import base64
import hmac
import importlib
import sys
from typing import Any

from tests.program import ROOT

FOLDER = ROOT / "docs" / "samples" / "authentication"
SECRET = b"this is 32 bytes, and no secret."


def load(name: str) -> Any:
    """A sample, imported as a reader's Python does: from the folder it lies in."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))


def signed(body: str, secret: bytes = SECRET, algorithm: str = "sha256") -> str:
    """A token made by hand."""
    digest = hmac.digest(secret, body.encode(), algorithm)
    return f"{body}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


BODY = "WyJhZGEiLCAxMDAwMDAwMDAwLjAsICIwMCJd"
"""["ada", 1000000000.0, "00"]"""
GOOD = signed(BODY)


class Calendar:
    """Seconds since 1970, for a clock argument: 2001-09-09, until a test says otherwise."""

    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now
