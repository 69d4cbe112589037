"""Socket activation: listening sockets that systemd opened for this process, as sd_listen_fds(3) takes them over."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from typing import Final

from tickws.errors import ListenError

__all__ = ["systemd_sockets"]

FIRST: Final = 3
"""The descriptor of the first one; the others follow (SD_LISTEN_FDS_START)."""


def systemd_sockets(environment: MutableMapping[str, str] | None = None) -> list[socket.socket]:
    """The sockets that systemd has handed to this process, in the order of its `.socket` unit; none without systemd.

        for sock in tickws.systemd_sockets():
            server.listen(sock=sock)

    They are this process's from then on, and no child inherits them. The variables that tell of them are removed, as
    no child may take them for its own: a second call gives none.

    Args:
        environment: where LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES are; None: `os.environ`.

    Raises:
        ListenError: the variables are none of systemd's; or what was handed over is no socket.
    """
    variables = os.environ if environment is None else environment
    pid, count = variables.pop("LISTEN_PID", ""), variables.pop("LISTEN_FDS", "")
    variables.pop("LISTEN_FDNAMES", None)
    if not pid:
        return []
    if not (pid.isascii() and pid.isdecimal() and count.isascii() and count.isdecimal()):
        raise ListenError(
            f"LISTEN_PID={pid!r} and LISTEN_FDS={count!r} are to be numbers, as systemd sets them: unset them otherwise"
        )
    sockets: list[socket.socket] = []
    if int(pid) == os.getpid():  # else they are another process's, which we have the environment of
        for fd in range(FIRST, FIRST + int(count)):
            try:
                sock = socket.socket(fileno=fd)
            except OSError as error:
                for made in sockets:
                    made.close()
                raise ListenError(
                    f"descriptor {fd}, which systemd handed over, is no socket ({error}): "
                    "the .socket unit must have nothing but ListenStream="
                ) from error
            sock.set_inheritable(False)
            sockets.append(sock)
    return sockets
