"""Files on the game's own port: a page, its script, its pictures. A fixed mapping from URL to file, GET and HEAD only.

No path of a caller's reaches the file system: a request is looked up in the mapping, and nothing is joined. Files are
held in memory, once for all that ask, and read anew when they have changed, so that a page can be edited while the
server runs. Reading is one step: they are meant to be pages, scripts and pictures, not downloads.
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeAlias

__all__ = ["File", "Files"]

File: TypeAlias = str | os.PathLike[str] | Traversable
"""A path, or a package resource (`importlib.resources.files(...) / ...`)."""

_TYPES = {  # what browsers insist on, and Windows' registry is known to have wrong
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}


class Files:
    """The files of a server.

    Args:
        files: URL path ("/", "/game.js") to file.

    Raises:
        TypeError: `files` is no mapping.
        ValueError: a URL path does not begin with a slash.
        FileNotFoundError: there is no such file.
    """

    def __init__(self, files: Mapping[str, File]) -> None:
        self._files: dict[str, Traversable] = {}
        self._read: dict[str, tuple[object, bytes]] = {}
        self.add(files)

    def add(self, files: Mapping[str, File]) -> None:
        """Serve further files; a URL path that is served already gets the new one. Raises as the constructor."""
        if not isinstance(files, Mapping):
            raise TypeError(f"files maps URL paths to files, as {{'/': 'index.html'}}; it is no {type(files).__name__}")
        for url, file in files.items():
            if not url.startswith("/"):
                raise ValueError(f"files: the URL path {url!r} must begin with a slash")
            found = Path(file) if isinstance(file, (str, os.PathLike)) else file
            if not found.is_file():
                raise FileNotFoundError(f"files: {url!r} is to be served from {found}, which is no file")
            self._files[url] = found
            self._content(url, found)

    def __bool__(self) -> bool:
        return bool(self._files)

    def get(self, url: str) -> tuple[list[tuple[str, str]], bytes] | None:
        """Headers and content for a URL path; None where there is no such file (any more)."""
        file = self._files.get(url)
        if file is None:
            return None
        try:
            content = self._content(url, file)
        except OSError:
            return None
        return [("Content-Type", content_type(file.name)), ("Cache-Control", "no-cache")], content

    def _content(self, url: str, file: Traversable) -> bytes:
        """The bytes of a file: read anew when it has changed, else those that others who asked hold already."""
        stamp = None
        if isinstance(file, Path):
            status = file.stat()
            stamp = (status.st_mtime_ns, status.st_size)
        if url not in self._read or self._read[url][0] != stamp:
            self._read[url] = (stamp, file.read_bytes())
        return self._read[url][1]


def content_type(name: str) -> str:
    """The media type for a file name."""
    suffix = os.path.splitext(name)[1].lower()
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
