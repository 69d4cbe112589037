"""SIGTERM, the word of service managers and `docker stop`: a loop that runs takes it as a wish to end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["heeding_sigterm"]


@contextmanager
def heeding_sigterm(stop: Callable[[], object]) -> Iterator[None]:
    """Have SIGTERM call `stop`, on the main thread alone, and where nobody else has a handler for it.

    Args:
        stop: takes a note and no lock: it may come amid anything, and once more while it is running.
    """

    def heed(number: int, frame: FrameType | None) -> None:
        stop()

    heeds = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if heeds:
        try:
            signal.signal(signal.SIGTERM, heed)
        except ValueError:  # signals are the main thread's
            heeds = False
    try:
        yield
    finally:
        if heeds and signal.getsignal(signal.SIGTERM) is heed:  # a system may have set another
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
