"""The machine sees what it is there for: each of these defects is found within the examples of the ordinary run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.hostile.test_machine import SETTINGS, Siege
from tickws.protocol.events import Closed
from tickws.transport.links import Links
from tickws.transport.notices import Notices
from tickws.transport.outbox import Outbox
from tickws.transport.pump import Pump
from tickws.transport.server import WebSocketServer
from tickws.transport.stream import Stream
from tickws.transport.timers import Timers

Old = Callable[..., Any]
KEPT: list[object] = []


def forgets_a_farewell(old: Old, links: Links, link: Any, code: int, reason: str) -> None:
    owed = len(links.notices.farewells)
    old(links, link, code, reason)
    if code == 1006 and len(links.notices.farewells) > owed:
        links.notices.farewells.pop()


def drops_a_message_where_the_quota_ends(old: Old, pump: Pump, link: Any, *arguments: Any, **options: Any) -> None:
    old(pump, link, *arguments, **options)
    if link.quota <= 0:
        link.connection.next_event()


def raises_for_a_reset(old: Old, stream: Stream, most: int) -> Any:
    data = old(stream, most)
    if stream.lost:
        raise ConnectionResetError
    return data


def keeps_timers(old: Old, timers: Timers, link: Any) -> None: ...


def keeps_descriptors(old: Old, stream: Stream) -> None: ...


def delivers_behind_the_end(old: Old, links: Links, link: Any, event: Any) -> None:
    old(links, link, event)
    if isinstance(event, Closed):
        link.callbacks.deliver(link.websocket, "too late")


def reorders_what_is_said(old: Old, outbox: Outbox, share: int) -> Any:
    taken = old(outbox, share)
    return taken[::-1] if len(taken) > 3 else taken


def overshoots(old: Old, pump: Pump, queue: Any, most: int, deadline: int) -> Any:
    return old(pump, queue, most, deadline + 10_000_000)


def keeps_websockets(old: Old, notices: Notices, link: Any, websocket: Any, code: int, reason: str) -> None:
    old(notices, link, websocket, code, reason)
    KEPT.append(websocket)


def takes_one_too_many(old: Old, server: Any, deadline: int) -> Any:
    server._max_connections += 1
    try:
        return old(server, deadline)
    finally:
        server._max_connections -= 1


DEFECTS: list[tuple[Any, str, Callable[..., Any]]] = [
    (Links, "_bid_farewell", forgets_a_farewell),
    (Pump, "_interrupt", drops_a_message_where_the_quota_ends),
    (Stream, "read", raises_for_a_reset),
    (Timers, "clear", keeps_timers),
    (Stream, "close", keeps_descriptors),
    (Links, "handle", delivers_behind_the_end),
    (Outbox, "take_reliable", reorders_what_is_said),
    (Pump, "_serve", overshoots),
    (Notices, "_tell_closed", keeps_websockets),
    (WebSocketServer, "_accept", takes_one_too_many),
]


@pytest.mark.parametrize(("owner", "name", "defect"), DEFECTS, ids=[defect.__name__ for *_, defect in DEFECTS])
def test_a_defect_is_found(owner: Any, name: str, defect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    KEPT.clear()
    old = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda self, *arguments, **options: defect(old, self, *arguments, **options))
    once = settings(SETTINGS, phases=[Phase.generate], derandomize=True, report_multiple_bugs=False)
    with pytest.raises((AssertionError, ConnectionResetError)):
        run_state_machine_as_test(Siege, settings=once)
