"""Makes the vectors: `python tests/vectors/make.py` writes the JSON files beside it (README.md says what is in them).

Bytes and results come from tickws.sync and tickws.client; what is refused is written down by hand. `cases()` gives the
same as the files hold, which a test compares.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from tests.vectors.bytes_made import REFUSED, VALUES, texts, wire_messages  # noqa: E402
from tests.vectors.link import Line, play, shown  # noqa: E402
from tests.vectors.worlds import world_cases  # noqa: E402
from tickws.client.pacer import Pacer  # noqa: E402
from tickws.client.timeline import Timeline  # noqa: E402


def wire() -> dict[str, list[Any]]:
    return {"fingerprints": texts(), "values": VALUES, "messages": wire_messages(), "refused": REFUSED}


# --- timeline -------------------------------------------------------------------------------------------------------

TIMELINES: dict[str, tuple[Line, float]] = {
    "even arrivals, 20 a second": (Line(fps=30, trip=0.05), 2.0),
    "even arrivals, 60 a second": (Line(fps=30, snapshot_rate=60, trip=0.05), 1.0),
    "jitter of 20 ms": (Line(fps=30, trip=0.05, jitter=0.02), 4.0),
    "jitter of 80 ms": (Line(fps=30, trip=0.05, jitter=0.08), 4.0),
    "gaps and bursts: lost packets": (Line(fps=30, trip=0.05, jitter=0.005, spike=0.03), 6.0),
    "the server hangs for 1 s, its time slips": (Line(fps=30, trip=0.05, hangs=((1.0, 1.0),)), 4.0),
    "the client's hitch of 0.4 s": (Line(fps=30, trip=0.05, pauses=((1.0, 1.4),), at_arrival=False), 3.0),
    "a hidden tab, 5 s": (Line(fps=30, trip=0.05, pauses=((1.0, 6.0),)), 7.0),
    "10 frames a second": (Line(fps=10, trip=0.05, jitter=0.01, at_arrival=False), 4.0),
    "144 frames a second": (Line(fps=144, trip=0.05, jitter=0.01), 1.0),
}


def timelines() -> Iterator[dict[str, Any]]:
    for about, (line, seconds) in TIMELINES.items():
        yield {"about": about, "rate": line.snapshot_rate, "steps": play(line, seconds=seconds).timeline_calls}
    yield {
        "about": "what is not newer changes nothing",
        "rate": 20,
        "steps": timed(
            20, [(0.1, 5.0), (0.15, 5.05), (0.15, 5.06), (0.1, 5.07), (None, 5.08), (0.2, 5.1), (None, 5.11)]
        ),
    }
    back = [(0.05 * i, 7.0 + 0.05 * i) for i in range(10)] + [(None, 6.0), (0.5, 6.05), (None, 6.1), (0.55, 7.6)]
    yield {"about": "the clock goes back", "rate": 20, "steps": timed(20, [*back, (None, 7.61), (0.6, 7.65)])}
    slow = [(0.05 * i, 9.0 + 0.05 * i + (0.1 if i > 5 else 0.0)) for i in range(60)]
    yield {"about": "the way grows longer by 0.1 s", "rate": 20, "steps": timed(20, slow)}
    fast = [(0.05 * i, 9.0 + 0.05 * i - (0.2 if i > 5 else 0.0)) for i in range(60)]
    yield {"about": "the way grows shorter by 0.2 s", "rate": 20, "steps": timed(20, fast)}


def timed(rate: int, calls: Iterable[tuple[float | None, float]]) -> list[list[Any]]:
    """`insert(time, now)` for each pair, `advance(now)` where the time is None."""
    timeline = Timeline(rate)
    steps: list[list[Any]] = []
    for given, local in calls:
        now = round(local, 6)
        if given is None:
            timeline.advance(now)
            call: list[Any] = ["advance", now]
        else:
            time = round(given, 6)
            timeline.insert(time, now)
            call = ["insert", time, now]
        steps.append(call + shown(timeline, call[0]))
    return steps


# --- pacer ----------------------------------------------------------------------------------------------------------

PACERS: dict[str, tuple[Line, float]] = {
    "60 frames a second, no distance": (Line(), 1.5),
    "60 frames a second, 50 ms and jitter: late at first": (Line(trip=0.05, jitter=0.01), 3.0),
    "150 ms, 60 snapshots a second": (Line(trip=0.15, jitter=0.01, snapshot_rate=60), 2.0),
    "the way grows longer: late": (Line(trip=0.02, trips=((1.0, 0.2),), fps=30, rate=30, snapshot_rate=10), 7.0),
    "the way grows shorter: too early": (Line(trip=0.2, trips=((2.0, 0.02),), fps=30, rate=30, snapshot_rate=10), 9.0),
    "10 frames a second": (Line(fps=10, trip=0.05, jitter=0.01), 4.0),
    "144 frames a second": (Line(fps=144, trip=0.05, jitter=0.01), 1.2),
    "the server hangs for 1 s, its time slips: too far ahead": (Line(trip=0.05, hangs=((1.0, 1.0),), fps=30), 3.5),
    "a hitch of 0.3 s": (Line(trip=0.05, pauses=((0.5, 0.8),), fps=60), 1.2),
    "a hidden tab, 5 s": (Line(trip=0.05, pauses=((1.0, 6.0),), fps=30), 7.0),
    "lost packets": (Line(trip=0.05, jitter=0.005, spike=0.02, fps=30, rate=30, snapshot_rate=10), 6.0),
}


def pacers() -> Iterator[dict[str, Any]]:
    for about, (line, seconds) in PACERS.items():
        run = play(line, seconds=seconds)
        start = {"rate": line.rate, "tick": 0, "time": 0.0, "now": run.welcomed}
        yield {"about": about, **start, "steps": run.pacer_calls}
    yield paced(
        "the clock goes back", 60, 100, 3.0, 50.0, [("due", 50.0), ("due", 49.0), ("due", 50.02), ("due", 50.1)]
    )
    yield paced(
        "the server's time has slipped before we came",
        60,
        100,
        3.0,
        50.0,
        [("snapshot", 3.1, 1.333333, 50.1), ("due", 50.1)],
    )
    yield paced(
        "as far ahead as may be, and what an old frame says counts no more",
        60,
        0,
        0.0,
        5.0,
        [
            ("due", 5.0),
            ("feedback", 0, 0, 4, 5.0),
            ("feedback", 3, -100, 4, 5.1),
            ("feedback", 3, -100, 4, 5.2),
            ("due", 5.2),
        ],
    )
    for ticks in (8, 9, 10):
        calls: list[tuple[Any, ...]] = [("snapshot", 0.0, 0.0, 5.0)]
        calls += [("due", round(5 + tick / 60, 6)) for tick in range(ticks + 1)]
        hung = round(ticks / 60, 6)
        calls += [("snapshot", hung, hung, 5 + hung), ("due", 5 + hung)]
        yield paced(f"{ticks} ticks of its time slip at once", 60, 0, 0.0, 5.0, calls)
    early = [("feedback", i, 30, i + 1, 5.0 + i / 10) for i in range(1, 80)]
    yield paced("far too early: never below nothing", 60, 0, 0.0, 5.0, early)


def paced(about: str, rate: int, tick: int, time: float, now: float, calls: list[tuple[Any, ...]]) -> dict[str, Any]:
    pacer = Pacer(rate, tick, time, now)
    steps: list[list[Any]] = []
    for name, *arguments in calls:
        result = getattr(pacer, name)(*arguments)
        after: dict[str, Callable[[], object]] = {
            "due": lambda: list(result),  # noqa: B023
            "snapshot": lambda: pacer.tick(arguments[-1]),  # noqa: B023
            "feedback": lambda: pacer.lead,
        }
        steps.append([name, *arguments, after[name]()])
    return {"about": about, "rate": rate, "tick": tick, "time": time, "now": now, "steps": steps}


# --- the files ------------------------------------------------------------------------------------------------------


def files() -> dict[str, str]:
    """The text of each file, by its name."""
    return {
        "wire.json": text(wire()),
        "timeline.json": text({"cases": list(timelines())}),
        "pacer.json": text({"cases": list(pacers())}),
        "world.json": text({"cases": world_cases()}),
    }


def text(value: dict[str, list[Any]]) -> str:
    """JSON with a line for each row, and for each step of a case."""
    parts = [f"{json.dumps(name)}: [\n{rows(items)}\n]" for name, items in value.items()]
    return "{" + ",\n".join(parts) + "}\n"


def rows(items: list[Any]) -> str:
    return ",\n".join(row(item) for item in items)


def row(item: Any) -> str:
    if isinstance(item, dict) and "steps" in item:
        head = json.dumps({name: part for name, part in item.items() if name != "steps"}, ensure_ascii=False)
        return f'{head[:-1]}, "steps": [\n{rows(item["steps"])}\n]}}'
    return json.dumps(item, ensure_ascii=False)


if __name__ == "__main__":
    for name, content in files().items():
        (HERE / name).write_text(content, encoding="utf-8")
        print(f"{name}: {len(content.encode()):,} bytes")
