"""The machine's listening sockets: bound to TCP addresses or to a unix path, or made by somebody else.

Promises: what is given is non-blocking and listens; what fails is given back, and its error names the address and says
what to do. Of the file system, nothing is removed but a unix socket's file to which nobody listens.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tickws.errors import ListenError

__all__ = ["SocketFile", "bind_path", "bind_tcp", "check_listening", "listen_error"]

_SKIPPED = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_UNIX: int | None = getattr(socket, "AF_UNIX", None)
"""None: Python has no unix sockets here (Windows)."""


# -- TCP ---------------------------------------------------------------------------------------------------------------


def bind_tcp(host: str, port: int, backlog: int, *, reuse_port: bool = False) -> list[socket.socket]:
    """Listening sockets, one for each address that `host` stands for; with port 0 all get the same.

    Raises:
        ListenError: none of them can be bound, or one is taken.
    """
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise _error(
            f"{host or '*'}:{port}", "this platform has no SO_REUSEPORT. Hand one socket over instead (`sock=`)"
        )
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
    except (OSError, UnicodeError) as error:
        raise listen_error(host, port, error) from error
    sockets: list[socket.socket] = []
    failed: OSError | None = None
    for family, _, _, _, wanted in dict.fromkeys(found):
        address = wanted if port or not sockets else (wanted[0], sockets[0].getsockname()[1], *wanted[2:])
        try:
            sockets.append(_bound(family, address, backlog, reuse_port))
        except OSError as error:
            failed = error
            if error.errno not in _SKIPPED:
                break
    if failed is not None and (not sockets or failed.errno not in _SKIPPED):
        for sock in sockets:
            sock.close()
        raise listen_error(host, port, failed) from failed
    return sockets


def _bound(family: int, address: Any, backlog: int, reuse_port: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:  # there SO_REUSEADDR would share the port with a stranger
            sock.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(backlog)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


_ADVICE = {
    errno.EADDRINUSE: "the port is taken. Stop what has it (an older run of this program?), or take another port; "
    "0 picks a free one",
    errno.EACCES: "no permission. Ports below 1024 belong to the administrator: take one above, as 8056",
    errno.EADDRNOTAVAIL: "this machine has no such address. Take 127.0.0.1 for this machine alone, 0.0.0.0 for all",
    errno.EMFILE: "this process has no file descriptors left. Raise its limit (ulimit -n), or close some",
    errno.ENFILE: "this machine has no file descriptors left",
}


def listen_error(host: str, port: int | None, error: Exception) -> ListenError:
    """What went wrong with an address of TCP (port None: with listening at all), and what to do about it."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, (socket.gaierror, UnicodeError)):
        advice = f"the host name is unknown ({error}). Take 127.0.0.1 for this machine alone, 0.0.0.0 for all"
    else:
        advice = _ADVICE.get(number or 0, str(error))
    return _error("anything" if port is None else f"{host or '*'}:{port}", advice, number)


def _error(place: object, advice: str, number: int | None = None) -> ListenError:
    made = ListenError(f"cannot listen on {place}: {advice}")
    made.errno = number
    return made


# -- unix sockets ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SocketFile:
    """The file that binding to a unix path has made."""

    path: Path
    device: int
    inode: int

    def remove(self) -> None:
        """Remove it, if it is still the one that was made, and nobody listens there: call it behind the close.

        A process that the listening socket was handed to does listen, and keeps its file.
        """
        try:
            found = self.path.lstat()
            if (found.st_dev, found.st_ino) == (self.device, self.inode) and _is_stale(self.path):
                self.path.unlink()
        except OSError:  # it is gone, or no longer ours to remove
            pass


def bind_path(path: str | os.PathLike[str], backlog: int) -> tuple[socket.socket, SocketFile]:
    """A listening unix stream socket, and its file. A socket's file to which nobody listens any more is replaced.

    Two that do so in the same moment may both believe that they have the path; the later has it.

    Raises:
        TypeError, ValueError: that is no path.
        ListenError: it cannot be bound.
    """
    name = os.fspath(path)
    if not isinstance(name, str):
        raise TypeError(f"path is a str or a pathlib.Path, not {path!r}")
    if not name or "\0" in name:
        raise ValueError(f"path names a file, which {name!r} does not; bind others yourself, and give them as sock=")
    if _UNIX is None:
        raise _error(name, "Python has no unix sockets on this platform. Take a port of 127.0.0.1")
    try:
        sock = socket.socket(_UNIX, socket.SOCK_STREAM)
    except OSError as error:
        raise _path_error(name, error) from error
    try:
        try:
            sock.bind(name)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not _is_stale(Path(name)):
                raise
            Path(name).unlink(missing_ok=True)
            sock.bind(name)
        sock.listen(backlog)
        sock.setblocking(False)
        found = os.lstat(name)
    except OSError as error:
        sock.close()
        raise _path_error(name, error) from error
    return sock, SocketFile(Path(name).absolute(), found.st_dev, found.st_ino)


def _is_stale(path: Path) -> bool:
    """Whether this is a socket's file to which nobody listens, or no longer there.

    It asks by connecting, so whoever does listen sees a connection that ends at once.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return True
    if _UNIX is None or not stat.S_ISSOCK(mode):
        return False
    with socket.socket(_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a full backlog would have us wait
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _path_error(path: str, error: OSError) -> ListenError:
    number = error.errno
    if number is None:  # Python itself refuses what is too long for the system's structure
        number = errno.ENAMETOOLONG
    if number == errno.EADDRINUSE:
        try:
            taken = stat.S_ISSOCK(os.lstat(path).st_mode)
        except OSError:
            taken = True
        advice = (
            "the path is taken: somebody listens there. Stop it (an older run of this program?), or take another path"
            if taken
            else "something that is no socket is in the way. Remove it, or take another path"
        )
    else:
        advice = _PATH_ADVICE.get(number, str(error))
    return _error(path, advice, number)


_PATH_ADVICE = {
    errno.ENOENT: "there is no such directory. Make it first",
    errno.ENOTDIR: "it leads through something that is no directory",
    errno.EACCES: "no permission to make a file in that directory. Take one of your own, or change its owner or mode",
    errno.EROFS: "that file system cannot be written to. Take a directory under /run or /tmp",
    errno.ENAMETOOLONG: "the path is too long: a unix socket's has at most 107 bytes (macOS: 103). Take a shorter one, "
    "under /run or /tmp, or one relative to the working directory",
    errno.EMFILE: _ADVICE[errno.EMFILE],
    errno.ENFILE: _ADVICE[errno.ENFILE],
}


# -- ready sockets -----------------------------------------------------------------------------------------------------


def check_listening(sock: object) -> socket.socket:
    """A socket that was bound and listens already, made non-blocking.

    Raises:
        TypeError: it is no plain socket.
        ValueError: it is closed, no stream socket of TCP or unix, or does not listen.
    """
    if isinstance(sock, ssl.SSLSocket):
        raise TypeError("sock is the plain socket: give the TLS context as ssl_context=")
    if not isinstance(sock, socket.socket):
        raise TypeError(f"sock is a socket.socket, not {sock!r}; of a descriptor make one: socket.socket(fileno=fd)")
    if sock.fileno() < 0:
        raise ValueError("the socket is closed")
    if sock.family not in (socket.AF_INET, socket.AF_INET6, _UNIX) or sock.type != socket.SOCK_STREAM:
        raise ValueError(f"a server listens with stream sockets of TCP or unix, not with {sock!r}")
    try:
        listens = sock.getsockopt(socket.SOL_SOCKET, getattr(socket, "SO_ACCEPTCONN", 0))
    except OSError:  # this system does not tell
        listens = 1
    if not listens:
        raise ValueError(f"{sock!r} does not listen: call its bind() and listen() first")
    sock.setblocking(False)
    return sock
