"""One server of a contest, in a process of its own, and its guests in others: what flood, stall, hitch and storm share.

with Bout("tickws", entities=50) as bout:
    players = bout.guests("players", {"--players": 20})
    players.hear(30)                  # they are in
    bout.window("calm")               # what is measured from now on has this name
    time.sleep(5)
    bout.end(players)                 # a BoutResult
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

from benchmarks import child, contenders, process
from benchmarks.child import Failed, Talk
from benchmarks.contenders.host import SNAPSHOT_TICKS
from benchmarks.contenders.window import BUDGET, RATE, WindowResult
from benchmarks.contest import MS, Contest
from benchmarks.packing import OFFER
from benchmarks.payloads import ENTITIES
from benchmarks.secure import as_file

__all__ = ["PERIOD", "READY_SECONDS", "Bout", "BoutResult", "cpus", "longest_step"]

PERIOD = 1 / RATE
"""Of a tick, in seconds."""
READY_SECONDS = 60.0
"""How long anybody may take to get ready, or to answer."""

LONGEST = "longest step "
NOBODY: dict[str, Any] = {"said": {}, "lost": {}, "faults": {}, "newcomers": {}, "messages": {}, "late_seconds": 0.0}
"""What no players would say."""


def cpus() -> tuple[int | None, int | None]:
    """One for the server, one for all others; None where there are no two."""
    usable = process.usable_cpus()
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


@dataclass(frozen=True, slots=True)
class BoutResult:
    """What both ends say."""

    windows: dict[str, WindowResult]
    said: int
    """Inputs of all players."""
    lost_by: dict[int, int]
    """By player: those that did not arrive, or came twice or out of order."""
    disconnected: int
    """Players whose connection ended."""
    faults: dict[str, str]
    """What players have against what they were sent."""
    slipped: float
    """Seconds that the loop did not simulate."""
    loop: dict[str, Any]
    """The loop's own statistics, since its beginning."""
    step: tuple[str, float] | None
    """The kind of step that took longest, and its seconds; None where the server does not tell."""
    players: dict[str, Any]
    """All that the players' process said."""

    def longest_step(self) -> dict[str, float | None]:
        """The same as a metric; where the server does not tell, the longest callback that the game saw."""
        callback = max(window.callback_worst for window in self.windows.values())
        kind, seconds = ("callback", callback) if self.step is None else self.step
        return {f"{LONGEST}({kind}), ms": seconds * MS}

    def lost_of(self, names: Iterable[int]) -> int:
        """Inputs lost by those players."""
        return sum(self.lost_by[name] for name in names)

    def losses(self) -> dict[str, float | None]:
        """What must not be, and what would make the rest worthless, as metrics."""
        return {
            "inputs lost": float(sum(self.lost_by.values())),
            "players disconnected": float(self.disconnected),
            "players' turns late, worst, ms": self.players["late_seconds"] * MS,
        }


def longest_step(contest: Contest, case: str, server: str = "tickws") -> tuple[float, str]:
    """Milliseconds of the longest step of one of ours, the median of all rounds; and of what kind it was."""
    rounds = [
        max(
            ((value or 0.0, name) for name, value in cases.get(case, {}).items() if name.startswith(LONGEST)),
            default=None,
        )
        for cases in contest.rounds[server]
    ]
    known = sorted(found for found in rounds if found)
    milliseconds, name = known[len(known) // 2] if known else (0.0, "")
    return milliseconds, name.removeprefix(LONGEST).removesuffix(", ms")


class Bout:
    """A server and its guests.

    Args:
        server: its name.
        budget: seconds of a frame.
        entities: in a snapshot.
        every: ticks from one snapshot to the next; 0: there are none.
        send_buffer: bytes that the kernel may hold for each of the server's connections; None: what it likes.
    """

    def __init__(
        self,
        server: str,
        *,
        budget: float = BUDGET,
        entities: int = ENTITIES,
        every: int = SNAPSHOT_TICKS,
        send_buffer: int | None = None,
    ) -> None:
        self._server = server
        self._options = {"--server": server, "--budget": budget, "--entities": entities, "--every": every}
        if send_buffer is not None:
            self._options["--send-buffer"] = send_buffer
        self._server_cpu, self._guest_cpu = cpus()
        self._stack = ExitStack()
        self._host: Talk
        self._authority = ""
        self.port = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            talk = child.converse("benchmarks.contenders.host", self._options, self._server_cpu)
            self._host = stack.enter_context(talk)
            said = self._host.hear(READY_SECONDS)
            self.port = int(said["port"])
            self._authority = stack.enter_context(as_file(said["authority"]))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def guests(self, kind: str, options: dict[str, object]) -> Talk:
        """Start a program of `benchmarks.guests`; it speaks as the server likes it."""
        offer = OFFER if self._server == contenders.DEFLATE else ""
        given = {"--port": self.port, "--offer": offer, "--authority": self._authority, **options}
        talk = child.converse(f"benchmarks.guests.{kind}", given, self._guest_cpu)
        return self._stack.enter_context(talk)

    def players(self, count: int, **options: object) -> Talk:
        """Start players, and wait until they play."""
        talk = self.guests("players", {"--players": count, **{f"--{name}": value for name, value in options.items()}})
        talk.hear(READY_SECONDS)
        return talk

    def window(self, name: str, *talks: Talk) -> None:
        """What is measured from now on counts as `name`, here and with those guests."""
        self._tell("window", name)
        for talk in talks:
            talk.tell("window", name)

    def hitch(self, seconds: float) -> None:
        """The game blocks, once."""
        self._tell("hitch", seconds)

    def _tell(self, *words: object) -> None:
        """Give the server's process a command; a server that failed has told its end already."""
        try:
            self._host.tell(*words)
        except Failed:
            self._answer()
            raise

    def _answer(self) -> dict[str, Any]:
        answer = self._host.hear(READY_SECONDS)
        if answer["failed"]:
            raise Failed(f"the server ended with {answer['failed']}")
        return answer

    def end(self, players: Talk | None = None) -> BoutResult:
        """Stop the players, if there are any, wait until all they said has arrived, and tell the result."""
        seen = NOBODY if players is None else players.ask("stop", timeout=READY_SECONDS)
        self._tell("end")
        host = self._answer()
        tallies = host["clients"]
        nothing = {"received": 0, "missing": 0, "disordered": 0}
        lost_by = {}
        for name, said in seen["said"].items():
            tally = tallies.get(name, nothing)
            lost_by[int(name)] = abs(said - tally["received"]) + tally["disordered"]
        return BoutResult(
            windows={row["name"]: WindowResult.load(row) for row in host["windows"]},
            said=sum(seen["said"].values()),
            lost_by=lost_by,
            disconnected=len(seen["lost"]),
            faults=seen["faults"],
            slipped=host["slipped"],
            loop=host["loop"],
            step=tuple(host["step"]) if host["step"] else None,
            players=seen,
        )
