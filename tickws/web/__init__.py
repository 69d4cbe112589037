"""What a server hands to browsers, as package data: `tickws.js`, the client of a game in one ES module.

A page says `import { GameClient, held, press } from "/tickws.js"`; the file's own head is its manual.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

__all__ = ["FILES"]

FILES: Final[dict[str, Traversable]] = {"/tickws.js": files(__name__) / "tickws.js"}
"""URL path to file, as `WebSocketServer(files=...)` takes them."""
