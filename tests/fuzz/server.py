"""The targets `server` and `tls`: a whole `WebSocketServer` on a memory network, beside one honest client.

For `server` the input is a script of what attackers do: they come, say heads and frames, whole or broken, read or do
not, go or vanish, while time passes. For `tls` it is what peers send to a port that speaks TLS: raw bytes, records that
were bent on their way, or frames inside a tunnel. Nothing raises, the honest client is heard and answered, what is held
stays in its bounds, and at the end nothing is left: see `tests/hostile/arena.py`.
"""

from __future__ import annotations

from tests.fuzz.target import Target, plan
from tests.hostile.script import Script
from tests.hostile.secure import play

__all__ = ["SERVER", "TLS"]


def run(data: bytes) -> None:
    """One input of `server`."""
    Script(plan(data)).play()


def run_tls(data: bytes) -> None:
    """One input of `tls`."""
    play(plan(data))


SERVER = Target(
    "server",
    run,
    files=(
        "transport/links.py",
        "transport/_pump_py.py",
        "transport/_writer_py.py",
        "transport/outbox.py",
        "transport/stream.py",
        "transport/link.py",
    ),
    packages=("tickws.transport", "tickws.protocol", "tickws.errors"),
    most_bytes=1024,
    by_chance=60,
)
TLS = Target(
    "tls",
    run_tls,
    files=("transport/tls.py",),
    packages=("tickws.transport", "tickws.errors"),
    most_bytes=1024,
    by_chance=60,
)
