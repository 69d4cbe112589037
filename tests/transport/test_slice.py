"""What a slice costs, exactly: every look at the clock and every callback takes time here."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.transport.peers import House, Ticking, text
from tickws.protocol.limits import Limits
from tickws.transport.websocket import WebSocket

STEP = 0.010
"""Seconds that a callback takes here."""
LOOK = 0.0001
"""Seconds that a look at the clock takes."""
LOOKS = 12 * LOOK
"""Of a slice: those at its ends."""
BUDGETS = (-1.0, 0, 0.0, 0.004, 0.010, 0.033, 0.040, 0.1234, 1, None)


class Load:
    """A house with more to do than any slice has time for; each step takes `STEP`."""

    def __init__(self, **options: Any) -> None:
        self.clock = Ticking(reading=LOOK)
        self.done = 0
        self.house = House(clock=self.clock, **options)

    def step(self, *arguments: object) -> None:
        self.clock.advance(STEP)
        self.done += 1


def messages_on_many_links() -> Load:
    load: Load = Load(on_message=lambda ws, message: load.step())
    for peer in load.house.peers(40):
        peer.say(text("x"))
    return load


def messages_on_one_link() -> Load:
    load: Load = Load(on_message=lambda ws, message: load.step(), limits=Limits(slice_messages=40))
    load.house.peer().say(text("x") * 40)
    return load


def frames_on_one_link() -> Load:
    load: Load = Load(on_frame=lambda ws, frame: load.step(), limits=Limits(slice_messages=40))
    load.house.peer().say(text("x") * 40)
    return load


def requests() -> Load:
    def on_request(request: object) -> bool:
        load.step()
        return False

    load = Load(on_request=on_request)
    peers = [load.house.dial() for _ in range(40)]
    load.house.turn()
    for peer in peers:
        peer.ask()
    return load


def openings() -> Load:
    load: Load = Load(on_open=lambda ws: load.step())
    peers = [load.house.dial() for _ in range(40)]
    load.house.turn()
    for peer in peers:
        peer.ask()
    return load


def closings() -> Load:
    load: Load = Load(on_close=lambda ws, code, reason: load.step())
    load.house.peers(40)
    for ws in load.house.server.connections:
        ws.abort()
    return load


def accepts() -> Load:
    load = Load()
    network: Any = load.house.network
    network.accepted = load.step
    for _ in range(40):
        load.house.dial()
    return load


def producers() -> Load:
    def produce() -> str:
        load.step()
        return "x"

    load = Load()
    load.house.peers(40)
    for ws in load.house.server.connections:
        ws.send_latest("key", produce)
    return load


RECEIVED = [messages_on_many_links, messages_on_one_link, frames_on_one_link, requests, openings, closings, accepts]


def slice_of(load: Load, half: str, budget: float | None) -> float:
    """Seconds that one slice took."""
    calls: dict[str, Callable[[], bool]] = {
        "work": lambda: load.house.server.work(budget, wait=0),
        "receive": lambda: load.house.server.receive(budget),
        "flush": lambda: load.house.server.flush(budget),
    }
    before = load.clock.instant
    assert calls[half]()
    return load.clock.instant - before


# What a slice costs


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize(
    ("half", "make"), [(half, make) for half in ("work", "receive") for make in RECEIVED] + [("flush", producers)]
)
def test_the_overshoot_is_at_most_one_step(half: str, make: Callable[[], Load], budget: float | None) -> None:
    load = make()
    slices = 0
    while load.done < 40 and slices < 100:
        done, spent = load.done, slice_of(load, half, budget)
        slices += 1
        assert load.done > done or make is accepts, "each slice makes progress"
        if budget is not None:
            assert spent <= max(0, budget) + STEP + LOOKS
        if load.done < 40 and budget is not None and make is not accepts:
            used = budget * (0.75 if half == "work" else 1)  # the rest is flush's
            assert spent >= used, "time is not given away while there is something to do"
    assert load.done == 40, "nothing is lost"
    if budget in (None, 1) and make is not accepts:
        assert slices == 1


def test_newcomers_have_a_quarter_of_the_slice_and_what_nobody_else_needs() -> None:
    load = accepts()
    slice_of(load, "receive", 0.2)
    assert load.done == 20, "there is nobody else"
    load.house.server.receive(None)
    assert load.done == 40

    said: list[str] = []

    def step(what: str) -> None:
        said.append(what)
        load.step()

    load = Load(on_message=lambda ws, message: step("message"))
    peers = load.house.peers(60)
    network: Any = load.house.network
    network.accepted = lambda sock: step("accept")
    for peer in peers:
        peer.say(text("x"))
        load.house.dial()
    slice_of(load, "receive", 0.4)
    assert said[:30] == ["message"] * 30, "those who are in come first"
    assert 5 <= said.count("accept") <= 10
    assert len(said) == 40
    said.clear()
    slice_of(load, "receive", 0.4)
    assert "accept" in said
    slice_of(load, "receive", None)
    assert load.done == 120, "and nobody is forgotten"


@pytest.mark.parametrize("budget", [0.0, 0.010, 0.040, 0.120])
def test_a_slow_receive_leaves_flush_its_reserve(budget: float) -> None:
    """In each slice something is written, however much there is to read."""

    def echo(ws: WebSocket, message: str) -> None:
        load.step()
        ws.send(message)

    load = Load(on_message=echo)
    peer = load.house.peer()
    flooder = load.house.peer("/flooder")
    for number in range(20):
        flooder.say(text("flood") * 64)
        load.house.ws().send(f"{number}")
        for _ in range(3):  # at worst after the flooder's turn
            spent = slice_of(load, "work", budget)
            assert spent <= budget + STEP + LOOKS
        assert peer.receive() == [f"{number}"]


def test_who_is_dropped_at_the_end_of_a_slice_is_not_carried_over() -> None:
    load: Load = Load(on_message=lambda ws, message: ws.abort())
    load.house.peer().say(text("x") * 10)
    for _ in range(4):
        load.house.server.work(0, wait=0)
    assert load.house.heard("message") == ["x"]
    assert load.house.closes == [("/", 1006, "")]
    assert load.house.statistics.carried_over == 0


def test_the_reserve_of_flush_is_a_quarter_of_the_slice() -> None:
    load: Load = Load(on_message=lambda ws, message: load.step())
    flooder = load.house.peer("/flooder")
    written: list[float] = []

    def produce() -> str:
        load.step()
        written.append(load.clock.instant)
        return "x"

    load.house.peers(40)
    for ws in load.house.server.connections[1:]:
        ws.send_latest("key", produce)
    flooder.say(text("x") * 60)
    load.house.server.work(0.2, wait=0)
    assert 3 <= len(written) <= 5, "0.05 s, less what receive overshot"


def test_flush_stops_at_its_deadline_and_goes_on_in_turn() -> None:
    load = producers()
    served = []
    while load.done < 40:
        slice_of(load, "flush", 3 * STEP)
        served.append(load.done)
    assert served == [3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 40]


@pytest.mark.parametrize("budget", [0, -5.0, 1e-9])
def test_at_no_budget_every_kind_of_work_goes_on(budget: float) -> None:
    """Accept, read, deadlines and on_close each get a step within a few slices, while the others never end."""
    load: Load = Load(on_message=lambda ws, message: load.step())
    house = load.house
    for _ in range(40):
        house.dial()  # and never a word: their deadlines pass together
    while house.statistics.timed_out == 0 and load.clock.instant < 9.7:
        load.clock.advance(0.2)
        house.turn()
    flooders = house.peers(2)
    for _ in range(40):
        house.peer("/leaving")
    for ws in house.server.connections[2:]:
        ws.abort()
    load.clock.advance(0.25)
    moved: dict[str, list[int]] = {"accepted": [], "received": [], "timed out": [], "told": []}
    before = [0, 0, 0, 0]
    for number in range(160):
        if number % 16 == 0:
            house.dial()
        for peer in flooders:
            peer.say(text("x") * 2)
        house.server.work(budget, wait=0)
        told = house.statistics
        now = [told.accepted, told.messages_received, told.timed_out, len(house.closes)]
        for kind, since, after in zip(moved, before, now, strict=True):
            if after > since:
                moved[kind].append(number)
        before = now
    assert (told.timed_out, len(house.closes)) == (40, 40)
    longest = {
        kind: max(after - since for since, after in itertools.pairwise(slices)) for kind, slices in moved.items()
    }
    assert max(longest["timed out"], longest["told"]) <= 6, "six kinds of work take turns"
    assert longest["accepted"] <= 16 + 6
    assert longest["received"] <= 6, "two flooders and a newcomer take turns"


@pytest.mark.parametrize("kind", ["receive", "flush"])
def test_a_callbacks_error_in_every_slice_starves_nobody(kind: str) -> None:
    def on_request(request: Any) -> bool:
        if request.path == "/bad":
            raise ZeroDivisionError
        return True

    def produce() -> str:
        raise ZeroDivisionError

    house = House(errors="raise", on_request=on_request, on_message=lambda ws, message: ws.send(message))
    honest = house.peer("/honest")
    house.peers(43)
    victims = [house.ws(f"/{number}") for number in range(43)]
    raised = echoed = 0
    for number in range(40):
        if kind == "receive":
            house.dial().ask("/bad")
        else:
            victims[number].send_latest("key", produce)
        if number == 10:
            for ws in victims[40:]:
                ws.abort()
        honest.say(text(str(number)))
        try:
            house.turn()
        except ZeroDivisionError:
            raised += 1
        echoed += len(honest.receive())
    assert raised >= 38
    assert echoed >= 20
    assert {name for name, code, _ in house.closes if code == 1006} == {"/40", "/41", "/42"}


def test_each_producer_and_each_fragment_is_a_step() -> None:
    """A client with sixteen slow producers takes one of them beyond the budget, and the others come later."""
    load: Load = Load()
    house = load.house
    peer = house.peer()
    made: list[int] = []

    def produce(number: int) -> str:
        load.step()
        made.append(number)
        return str(number)

    ws = house.ws()
    for number in range(16):
        ws.send_latest(number, partial(produce, number))
    house.server.flush(0)
    assert made == [0]
    ws.send_fragments(str(produce(100 + number)) for number in range(3))
    for _ in range(40):
        before = len(made)
        house.server.flush(0)
        assert len(made) <= before + 2  # a fragment is looked ahead
    house.server.flush(None)
    assert sorted(made) == [*range(16), 100, 101, 102]
    assert [heard for heard in peer.receive() if isinstance(heard, str)] == list(map(str, range(16)))
