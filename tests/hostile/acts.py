"""What the server's program does, beside the frames and inside its callbacks: each act is three small numbers."""

from __future__ import annotations

from tests.hostile.program import Act, Program
from tickws.transport.websocket import WebSocket

__all__ = ["ACTS", "CALLBACKS", "make_act"]

CALLBACKS = ("request", "open", "message", "close", "slow")
"""Where it can be planned."""
ACTS = 13
"""How many kinds of act there are."""
_THREAD_SAFE = (0, 1, 2, 3, 4, 5, 6, 7)


def make_act(kind: int, index: int, size: int) -> Act:
    """An act.

    Args:
        kind: which; any number.
        index: of whom it is done to; one in three times, inside a callback, it is whom that is called for.
        size: of what is said, in bytes, up to 2,500.
    """
    kind %= ACTS
    size %= 2501

    def act(arena: Program, ws: WebSocket | None) -> None:
        if kind == 10:
            arena.oops(ws)
        elif kind == 11:
            arena.from_thread(
                lambda: _do(arena, _THREAD_SAFE[index % len(_THREAD_SAFE)], ws or arena.pick(index), size)
            )
        elif kind == 12:
            arena.close(abort=index % 2 == 0)
        else:
            _do(arena, kind, ws if ws is not None and index % 3 == 0 else arena.pick(index), size)

    return act


def _do(arena: Program, kind: int, ws: WebSocket | None, size: int) -> None:
    if kind == 5:
        arena.tell_all(size)
    elif kind == 6:
        arena.tell_all_latest(size % 4, size)
    elif ws is None:
        return
    elif kind == 0:
        arena.tell(ws, size)
    elif kind == 1:
        for _ in range(size % 60):
            arena.tell(ws, size)
    elif kind == 2:
        ws.ping(b"?" * (size % 126))
    elif kind == 3:
        arena.tell_latest(ws, size % 6, size, kind=0)
    elif kind == 4:
        arena.tell_latest(ws, size % 6, size, kind=1 + size % 3)
    elif kind == 7:
        arena.dismiss(ws)
    elif kind == 8:
        arena.dismiss(ws, abort=True)
    elif kind == 9:
        arena.tell_pieces(ws, [size // 3] * (size % 5), fails=size % 7 == 0)
