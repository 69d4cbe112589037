"""The bus under hostile subscribers: who gets what, in which order, and what is left after something went wrong."""

import gc
import logging
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickws.bus import MOST_FRESH, BusStatistics, EventBus
from tickws.errors import UsageError


@dataclass(frozen=True)
class Hit:
    damage: int = 0


@dataclass(frozen=True)
class HeadShot(Hit):
    pass


@dataclass(frozen=True)
class Heal:
    amount: int = 0


class Boom(Exception):
    pass


def noting(got: list[Any], name: object) -> Callable[[Any], None]:
    """A subscriber that notes who it is, and what it got."""
    return lambda event: got.append((name, event))


def boom(event: object) -> None:
    raise Boom(event)


# Who gets what


def test_nothing_is_called_before_dispatch() -> None:
    bus, got = EventBus(), list[object]()
    bus.subscribe(Hit, got.append)
    bus.emit(Hit(1))
    assert got == []
    assert bus.dispatch() == 1
    assert bus.dispatch() == 0
    assert got == [Hit(1)]


def test_on_gives_the_function_back() -> None:
    bus = EventBus()

    def hurt(event: Hit) -> None: ...

    assert bus.on(Hit)(hurt) is hurt
    assert bus.on(Hit, entity=5)(hurt) is hurt
    assert bus.statistics().subscriptions == 2


def test_events_come_in_the_order_of_emission_and_subscribers_in_that_of_registration() -> None:
    bus = EventBus()
    got: list[object] = []
    for name in "abc":
        bus.subscribe(Hit if name != "b" else Heal, noting(got, name))
    for event in (Hit(1), Heal(2), Hit(3)):
        bus.emit(event)
    assert bus.dispatch() == 3
    assert got == [("a", Hit(1)), ("c", Hit(1)), ("b", Heal(2)), ("a", Hit(3)), ("c", Hit(3))]


def test_a_base_class_gets_derived_events_in_one_order_with_the_others() -> None:
    bus = EventBus()
    got: list[tuple[str, Hit]] = []
    for name, kind in (("base", Hit), ("derived", HeadShot), ("all", object), ("base again", Hit)):
        bus.subscribe(kind, noting(got, name))
    bus.emit(HeadShot())
    bus.dispatch()
    assert [name for name, _ in got] == ["base", "derived", "all", "base again"]
    got.clear()
    bus.emit(Hit())
    bus.dispatch()
    assert [name for name, _ in got] == ["base", "all", "base again"]


def test_entities() -> None:
    bus = EventBus()
    got: list[tuple[object, Hit]] = []
    for entity in (None, 0, "a"):
        bus.subscribe(Hit, noting(got, entity), entity)
    bus.emit(Hit(1))
    bus.emit(Hit(2), entity=0)
    bus.emit(Hit(3), entity="a")
    bus.emit(Hit(4), entity="nobody")
    assert bus.dispatch() == 4
    order = [(None, 1), (None, 2), (0, 2), (None, 3), ("a", 3), (None, 4)]
    assert [(entity, event.damage) for entity, event in got] == order


def test_subscribers_with_and_without_an_entity_share_one_order() -> None:
    bus = EventBus()
    got: list[tuple[int, object]] = []
    for number, (kind, entity) in enumerate([(Hit, 7), (object, None), (HeadShot, 7), (Hit, None), (object, 7)]):
        bus.subscribe(kind, noting(got, number), entity)
    bus.emit(HeadShot(), entity=7)
    bus.dispatch()
    assert [number for number, _ in got] == [0, 1, 2, 3, 4]


def test_the_same_callback_twice_is_called_twice() -> None:
    bus, got = EventBus(), list[object]()
    first = bus.subscribe(Hit, got.append)
    bus.subscribe(Hit, got.append)
    bus.emit(Hit())
    bus.dispatch()
    assert len(got) == 2
    first.cancel()
    bus.emit(Hit())
    bus.dispatch()
    assert len(got) == 3


def test_entities_that_nobody_asked_for_leave_nothing_behind() -> None:
    bus = EventBus()
    bus.subscribe(Hit, lambda event: None)
    bus.subscribe(Hit, lambda event: None, entity="player")
    for entity in range(1000):
        bus.emit(Hit(), entity)
    bus.dispatch()
    assert len(bus._cache) == 1


def test_a_thousand_players_come_and_go_and_leave_nothing_behind() -> None:
    bus = EventBus()
    for player in range(1000):
        bus.subscribe(Hit, lambda event: None, entity=player)
        bus.subscribe(Heal, lambda event: None, entity=player)
        bus.emit(Hit(), entity=player)
        bus.dispatch()
        bus.forget(player)
    assert (bus._subscribers, bus._of_entity, bus._cache, bus.statistics().subscriptions) == ({}, {}, {}, 0)


def test_a_cancelled_callback_is_given_up() -> None:
    class Paddle:
        def hit(self, event: Hit) -> None: ...

    bus, paddle = EventBus(), Paddle()
    subscription = bus.subscribe(Hit, paddle.hit)
    bus.emit(Hit())
    bus.dispatch()
    subscription.cancel()
    gone = weakref.ref(paddle)
    del paddle, subscription
    assert gone() is None


# What cannot be used


async def coroutine(event: object) -> None: ...


def generator(event: object) -> Iterator[None]:
    yield


async def async_generator(event: object) -> AsyncIterator[None]:
    yield


class AsyncCall:
    async def __call__(self, event: object) -> None: ...


@pytest.mark.parametrize("callback", [coroutine, generator, async_generator, AsyncCall()])
def test_what_would_never_run_is_refused(callback: Any) -> None:
    bus = EventBus()
    with pytest.raises(TypeError, match="would never run"):
        bus.subscribe(Hit, callback)
    with pytest.raises(TypeError, match="the subscriber to Hit is async"):
        bus.on(Hit)(callback)
    assert bus.statistics().subscriptions == 0


@pytest.mark.parametrize(
    ("callback", "complaint"),
    [(5, "must be callable, not 5"), (lambda: 0, "is called with \\(event\\)"), (lambda a, b: 0, "is called with")],
)
def test_what_cannot_be_called_with_an_event_is_refused(callback: Any, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        EventBus().subscribe(Hit, callback)


@pytest.mark.parametrize("kind", [Hit(), "Hit", None, lambda event: None, list[int]])
def test_only_classes_are_subscribed_to(kind: Any) -> None:
    with pytest.raises(TypeError, match="subscribe to a class"):
        EventBus().subscribe(kind, print)
    with pytest.raises(TypeError, match=r"@bus\.on\(PlayerJoined\)"):
        EventBus().on(kind)


def test_builtins_will_do() -> None:
    bus, got = EventBus(), set[object]()
    bus.subscribe(Hit, got.add)
    bus.emit(Hit())
    bus.dispatch()
    assert got == {Hit()}


def test_an_event_is_an_instance() -> None:
    bus = EventBus()
    with pytest.raises(TypeError, match=r"emit an instance: Hit\(\.\.\.\), not the class"):
        bus.emit(Hit)
    unusable: list[Any] = [[], {}]
    for entity in unusable:
        with pytest.raises(TypeError, match="unhashable"):
            bus.emit(Hit(), entity)
        with pytest.raises(TypeError, match="unhashable"):
            bus.subscribe(Hit, print, entity)
    assert bus.statistics() == BusStatistics(0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("event", [None, 0, "text", (), object()])
def test_any_object_is_an_event(event: object) -> None:
    bus, got = EventBus(), list[object]()
    bus.subscribe(type(event), got.append)
    bus.emit(event)
    bus.dispatch()
    assert got == [event]


@pytest.mark.parametrize("errors", ["close", "", None, 5])
def test_no_policy(errors: Any) -> None:
    with pytest.raises(ValueError, match='"raise", "log" or a callable'):
        EventBus(errors)


# In the middle of a delivery


def test_cancel_takes_effect_at_once() -> None:
    bus = EventBus()
    got: list[str] = []

    @bus.on(Hit)
    def first(event: Hit) -> None:
        got.append("first")
        own.cancel()
        later.cancel()
        later.cancel()

    own = bus.subscribe(Hit, lambda event: got.append("own"))
    later = bus.subscribe(Hit, lambda event: got.append("later"))
    bus.subscribe(Hit, lambda event: got.append("last"))
    bus.emit(Hit())
    bus.emit(Hit())
    bus.dispatch()
    assert got == ["first", "last", "first", "last"]
    assert not own.active
    assert bus.statistics().subscriptions == 2


def test_a_subscriber_may_cancel_itself() -> None:
    bus, got = EventBus(), list[object]()

    def only_once(event: Hit) -> None:
        got.append(event)
        subscription.cancel()

    subscription = bus.subscribe(Hit, only_once)
    for _ in range(3):
        bus.emit(Hit())
    bus.dispatch()
    assert len(got) == 1


def test_subscribing_takes_effect_from_the_next_event() -> None:
    bus = EventBus()
    got: list[int] = []

    @bus.on(Hit)
    def subscribe(event: Hit) -> None:
        if event.damage == 1:
            bus.subscribe(Hit, lambda event: got.append(event.damage))

    for damage in (1, 2, 3):
        bus.emit(Hit(damage))
    bus.dispatch()
    assert got == [2, 3]


def test_what_is_emitted_in_a_delivery_follows_in_the_same_dispatch() -> None:
    bus = EventBus()
    got: list[object] = []
    bus.subscribe(object, got.append)
    bus.subscribe(Hit, lambda event: bus.emit(Heal(event.damage)))
    bus.emit(Hit(1))
    bus.emit(Hit(2))
    assert bus.dispatch() == 4
    assert got == [Hit(1), Hit(2), Heal(1), Heal(2)]


def test_dispatch_in_a_dispatch_is_refused() -> None:
    bus = EventBus()
    bus.subscribe(Hit, lambda event: bus.dispatch())
    bus.emit(Hit())
    with pytest.raises(UsageError, match="is running"):
        bus.dispatch()
    bus.emit(Heal())
    assert bus.dispatch() == 1, "it works again afterwards"


def test_forget_in_a_delivery() -> None:
    bus = EventBus()
    got: list[object] = []

    @bus.on(Hit)
    def dies(event: Hit) -> None:
        bus.forget("ball")

    bus.subscribe(Hit, got.append, entity="ball")
    bus.subscribe(Heal, got.append)
    bus.emit(Hit(), entity="ball")
    bus.emit(Heal(1), entity="ball")
    bus.emit(Heal(2), entity="paddle")
    bus.emit(Heal(3))
    assert bus.dispatch() == 3
    assert got == [Heal(2), Heal(3)]
    statistics = bus.statistics()
    assert (statistics.emitted, statistics.delivered, statistics.dropped, statistics.subscriptions) == (4, 3, 1, 2)


def test_forget_keeps_the_order_and_the_entities_that_are_falsy() -> None:
    bus = EventBus()
    got: list[object] = []
    bus.subscribe(Hit, lambda event: got.append(event.damage))
    for damage in range(9):
        bus.emit(Hit(damage), entity=(None, 0, 1)[damage % 3])
    bus.forget(0)
    bus.emit(Hit(9))
    bus.dispatch()
    assert got == [0, 2, 3, 5, 6, 8, 9]
    bus.forget("never heard of")
    with pytest.raises(ValueError, match="None addresses nobody"):
        bus.forget(None)


# Not everything at once


def test_until_is_asked_between_events_and_one_is_always_delivered() -> None:
    bus = EventBus()
    got: list[object] = []
    bus.subscribe(Hit, got.append)
    for damage in range(5):
        bus.emit(Hit(damage))
    assert bus.dispatch(until=lambda: True) == 1
    assert bus.dispatch(until=lambda: len(got) >= 3) == 2
    assert bus.statistics().queued == 2
    assert bus.dispatch(until=lambda: False) == 2
    assert got == [Hit(damage) for damage in range(5)]
    assert bus.dispatch(until=boom_now) == 0, "nothing is asked where nothing is queued"


def boom_now() -> bool:
    raise Boom


def test_until_may_raise() -> None:
    bus = EventBus()
    bus.emit(Hit())
    bus.emit(Hit())
    with pytest.raises(Boom):
        bus.dispatch(boom_now)
    assert bus.dispatch() == 1


def test_what_lasts_is_delivered_though_its_entity_is_forgotten() -> None:
    class Left:
        lasting = True

    bus = EventBus()
    heard: list[object] = []
    bus.subscribe(Left, heard.append)
    bus.subscribe(Left, lambda event: heard.append("bound"), entity=7)
    bus.subscribe(str, heard.append)
    left = Left()
    bus.emit("gone", 7)
    bus.emit(left, 7)
    bus.forget(7)
    bus.dispatch()
    assert heard == [left]


def test_a_storm_ends_after_ten_thousand(caplog: pytest.LogCaptureFixture) -> None:
    bus = EventBus()
    count = 0

    @bus.on(Hit)
    def again(event: Hit) -> None:
        nonlocal count
        count += 1
        bus.emit(Hit())

    for _ in range(5):
        bus.emit(Hit())
    assert bus.dispatch() == count == 5 + MOST_FRESH
    assert bus.statistics().queued == 5, "nothing is lost"
    assert bus.dispatch() == 5 + MOST_FRESH
    assert bus.statistics().storms == 2
    [record] = caplog.records
    assert (record.levelname, record.name) == ("WARNING", "tickws")
    assert "10000 of the 10000 events" in record.getMessage()
    assert "are Hit;" in record.getMessage()


def test_a_storm_is_said_once_for_each_type(caplog: pytest.LogCaptureFixture) -> None:
    bus = EventBus()
    storming: type = Hit
    bus.subscribe(object, lambda event: bus.emit(storming()))
    bus.emit(Hit())
    bus.dispatch()
    storming = Heal
    bus.dispatch()
    bus.dispatch()
    assert [record.args[2] for record in caplog.records if record.args] == ["Hit", "Heal"]  # type: ignore[index]


def test_what_was_queued_before_is_no_storm(caplog: pytest.LogCaptureFixture) -> None:
    bus = EventBus()
    for damage in range(3 * MOST_FRESH):
        bus.emit(Hit(damage))
    assert bus.dispatch() == 3 * MOST_FRESH
    bus.subscribe(Hit, lambda event: bus.emit(Heal()))
    for damage in range(MOST_FRESH):
        bus.emit(Hit(damage))
    assert bus.dispatch() == 2 * MOST_FRESH
    assert bus.statistics().storms == 0
    assert not caplog.records


# Errors


def test_raise_lets_the_others_have_the_event_and_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    bus = EventBus()
    got: list[object] = []
    bus.subscribe(Hit, boom)
    bus.subscribe(Hit, got.append)
    bus.subscribe(Hit, lambda event: 1 // 0)
    bus.emit(Hit(1))
    bus.emit(Heal(2))
    bus.subscribe(Heal, got.append)
    with pytest.raises(Boom):
        bus.dispatch()
    assert got == [Hit(1)]
    [record] = caplog.records
    assert record.levelname == "ERROR"
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    assert bus.statistics().queued == 1
    assert bus.dispatch() == 1
    assert got == [Hit(1), Heal(2)]
    assert bus.statistics().errors == 2


def test_log_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    bus = EventBus("log")
    got: list[object] = []
    bus.subscribe(Hit, boom)
    bus.subscribe(Hit, got.append)
    bus.emit(Hit(1))
    bus.emit(Hit(2))
    assert bus.dispatch() == 2
    assert got == [Hit(1), Hit(2)]
    assert [record.getMessage() for record in caplog.records] == ["a subscriber to Hit raised an exception"] * 2
    assert all(record.exc_info for record in caplog.records)


def test_a_callable_gets_the_exception_and_the_event() -> None:
    told: list[tuple[str, object]] = []
    bus = EventBus(lambda error, event: told.append((repr(error), event)))
    bus.subscribe(Hit, lambda event: 1 // event.damage)
    bus.emit(Hit(0))
    bus.emit(Hit(1))
    assert bus.dispatch() == 2
    assert told == [("ZeroDivisionError('integer division or modulo by zero')", Hit(0))]


def test_a_callable_may_raise() -> None:
    def policy(error: Exception, event: object) -> None:
        raise Boom from error

    bus = EventBus(policy)
    got: list[object] = []
    bus.subscribe(Hit, lambda event: 1 // 0)
    bus.subscribe(Hit, got.append)
    bus.emit(Hit())
    with pytest.raises(Boom) as caught:
        bus.dispatch()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert got == [Hit()]


@pytest.mark.parametrize("errors", ["raise", "log", lambda error, event: None])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_only_exceptions_are_caught(errors: Any, kind: type[BaseException]) -> None:
    def interrupt(event: object) -> None:
        raise kind

    bus = EventBus(errors)
    bus.subscribe(Hit, interrupt)
    bus.emit(Hit())
    bus.emit(Heal())
    with pytest.raises(kind):
        bus.dispatch()
    assert bus.dispatch() == 1


def test_an_exception_on_its_way_out_keeps_nothing_alive() -> None:
    bus = EventBus()
    bus.subscribe(Hit, boom)

    class Marked(Hit):
        pass

    event = Marked()
    gone = weakref.ref(event)
    bus.emit(event)
    gc.disable()
    try:
        try:
            bus.dispatch()
        except Boom:
            pass
        del event
        assert gone() is None
    finally:
        gc.enable()


# Threads


def test_any_thread_may_emit() -> None:
    bus = EventBus()
    got: dict[int, list[int]] = {number: [] for number in range(8)}
    bus.subscribe(tuple, lambda event: got[event[0]].append(event[1]))

    def emit(number: int) -> None:
        for count in range(2000):
            bus.emit((number, count))

    threads = [threading.Thread(target=emit, args=(number,)) for number in got]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        bus.dispatch()
        bus.forget("nobody")  # takes the queue apart, and must neither lose nor reorder
    bus.dispatch()
    assert got == {number: list(range(2000)) for number in got}
    assert bus.statistics().emitted == bus.statistics().delivered == 16000


def test_emit_is_fine_anywhere(caplog: pytest.LogCaptureFixture) -> None:
    """Where a finalizer emits, in a subscriber, in the error policy, in `until`."""
    bus = EventBus(lambda error, event: bus.emit(Heal(1)))
    got: list[object] = []

    class Mortal:
        def __del__(self) -> None:
            bus.emit(Heal(2))

    mortal = [Mortal()]
    bus.subscribe(Heal, got.append)
    bus.subscribe(Hit, lambda event: mortal.clear())
    bus.subscribe(Hit, boom)
    asked = iter([Heal(3)])
    bus.emit(Hit())

    def until() -> bool:
        for event in asked:
            bus.emit(event)
        return False

    assert bus.dispatch(until) == 4
    assert got == [Heal(2), Heal(1), Heal(3)]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


# Against a model


KINDS: list[type] = [Hit, HeadShot, Heal, object]
ENTITIES = [None, 0, "a"]


@st.composite
def plans(draw: Callable[..., Any]) -> list[tuple[str, int, int]]:
    step = st.tuples(st.sampled_from(["subscribe", "cancel", "emit", "dispatch", "forget"]), st.integers(0, 3),
                     st.integers(0, 2))  # fmt: skip
    plan: list[tuple[str, int, int]] = draw(st.lists(step, max_size=40))
    return plan


@given(plans())
def test_the_bus_does_what_a_simple_one_does(plan: list[tuple[str, int, int]]) -> None:
    """The model: a list of subscriptions and a list of events, gone through from front to back."""
    bus = EventBus()
    got: list[tuple[int, object]] = []
    expected: list[tuple[int, object]] = []
    subscriptions: dict[int, Any] = {}
    model: dict[int, tuple[type, object]] = {}
    queue: list[tuple[object, object]] = []
    for number, (call, which, where) in enumerate([*plan, ("dispatch", 0, 0)]):
        kind, entity = KINDS[which], ENTITIES[where]
        if call == "subscribe":
            subscriptions[number] = bus.subscribe(kind, noting(got, number), entity)
            model[number] = (kind, entity)
        elif call == "cancel" and model:
            gone = sorted(model)[which % len(model)]
            subscriptions[gone].cancel()
            del model[gone]
        elif call == "emit":
            event = kind()
            bus.emit(event, entity)
            queue.append((event, entity))
        elif call == "forget" and entity is not None:
            bus.forget(entity)
            model = {key: value for key, value in model.items() if value[1] != entity}
            queue = [entry for entry in queue if entry[1] != entity]
        elif call == "dispatch":
            assert bus.dispatch() == len(queue)
            expected += [
                (key, event)
                for event, to in queue
                for key, (wanted, bound) in sorted(model.items())
                if isinstance(event, wanted) and bound in (None, to)
            ]
            queue = []
        assert bus.statistics().subscriptions == len(model)
        assert bus.statistics().queued == len(queue)
    assert got == expected


# Who is told


def test_each_subscriber_is_told_of_when_it_is_done() -> None:
    bus, log = EventBus("log"), list[tuple[object, ...]]()

    def first(event: Hit) -> None:
        log.append(("first", event))
        if event.damage == 1:
            bus.emit(Heal(1))

    def second(event: Hit) -> None:
        log.append(("second", event))

    bus.subscribe(Hit, first)
    bus.subscribe(Hit, boom)
    bus.subscribe(Hit, second)
    bus.subscribe(Heal, boom).cancel()
    bus.emit(HeadShot(1))
    assert bus.dispatch(told=lambda callback, event: log.append(("told", callback, event))) == 2
    shot = HeadShot(1)
    assert log == [
        ("first", shot),
        ("told", first, shot),
        ("told", boom, shot),
        ("second", shot),
        ("told", second, shot),
    ], "also of one that raised, and of none where nobody listens"


def test_what_told_raises_leaves_and_the_event_is_done_with() -> None:
    bus = EventBus()
    bus.subscribe(Hit, lambda event: None)
    bus.emit(Hit(1))
    bus.emit(Hit(2))

    def told(callback: object, event: object) -> None:
        raise Boom(event)

    with pytest.raises(Boom):
        bus.dispatch(told=told)
    assert bus.statistics().queued == 1
    assert bus.dispatch() == 1
