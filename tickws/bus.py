"""The entity/event bus: what happened, told once, at one point of the tick, in one order.

    bus = EventBus()

    @bus.on(PlayerJoined)
    def joined(event): ...

    bus.emit(PlayerJoined(player))       # only queues: from a callback, a system, another thread
    bus.dispatch()                       # the loop does it at the beginning of each tick

Promises: events come in the order of their emission, each to its subscribers in the order of their registration,
whatever mixture of types and base types they asked for; so the same emissions give the same run. One subscriber's
exception does not stop the others, and no event is lost by it. Nothing is called outside of `dispatch`.

Costs: `emit` one tuple and one append, without a lock. An event one look into a cache and one call per subscriber;
those of other types and entities cost nothing. Subscribing and cancelling empty the cache.
"""

from __future__ import annotations

import itertools
import logging
from collections import Counter, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from tickws.errors import LoopErrorPolicy, UsageError, check_callback, check_loop_error_policy

__all__ = ["MOST_FRESH", "BusStatistics", "EventBus", "Subscription"]

logger = logging.getLogger("tickws")

E = TypeVar("E")

MOST_FRESH: Final = 10_000
"""Events that may be emitted and delivered in one and the same dispatch: beyond it, subscribers feed each other."""


@dataclass(frozen=True, slots=True)
class BusStatistics:
    """A bus since it was made."""

    emitted: int
    """Events given to `emit`: those delivered, dropped and queued."""
    delivered: int
    """Events taken from the queue and given to whoever had subscribed, be it nobody."""
    dropped: int
    """Events that `forget` took out of the queue."""
    queued: int
    """Events waiting now."""
    subscriptions: int
    """Not cancelled, now."""
    errors: int
    """Exceptions that subscribers let out."""
    storms: int
    """Dispatches that ended because subscribers kept emitting."""


class Subscription:
    """A callback and what it is called for; `EventBus.subscribe` makes it."""

    __slots__ = ("_bus", "active", "callback", "entity", "kind", "number")

    def __init__(
        self, bus: EventBus, number: int, kind: type, callback: Callable[[Any], object], entity: Hashable
    ) -> None:
        self._bus = bus
        self.number = number
        """Its place in the order of registration."""
        self.kind = kind
        self.callback = callback
        self.entity = entity
        self.active = True

    def cancel(self) -> None:
        """Call it no more, from now on, also where its event is just being delivered. A second time does nothing."""
        if self.active:
            self.active = False
            self._bus._remove(self)


class EventBus:
    """Queues typed events and delivers them where you say.

    Args:
        errors: what happens to an exception that a subscriber lets out. The others still get the event in any case.
            "raise": then the exception leaves `dispatch` (the first of several; the others are logged), and what is
            queued behind stays queued. "log": logged with its traceback. A callable gets the exception and the event.

    Only `emit` is thread-safe.

    Raises:
        ValueError: `errors` is none of these.
    """

    def __init__(self, errors: LoopErrorPolicy = "raise") -> None:
        self._errors = check_loop_error_policy(errors)
        self._queue: deque[tuple[int, object, Hashable]] = deque()  # emission number, event, entity
        self._emissions = itertools.count()
        self._registrations = itertools.count()
        self._subscribers: dict[tuple[type, Hashable], dict[int, Subscription]] = {}  # by type and entity; by number
        self._of_entity: dict[Hashable, dict[int, Subscription]] = {}
        self._cache: dict[tuple[type, Hashable], tuple[Subscription, ...]] = {}
        self._stormed: set[type] = set()
        self._dispatching = False
        self._delivered = 0
        self._dropped = 0
        self._subscriptions = 0
        self._error_count = 0
        self._storms = 0

    # -- who listens -------------------------------------------------------------------------------------------------

    def on(self, kind: type[E], entity: Hashable = None) -> Callable[[Callable[[E], object]], Callable[[E], object]]:
        """Subscribe the function below: `@bus.on(PlayerJoined)`. The function stays what it was.

        Args and raises as `subscribe`.
        """
        _check_kind(kind)

        def register(callback: Callable[[E], object]) -> Callable[[E], object]:
            self.subscribe(kind, callback, entity)
            return callback

        return register

    def subscribe(self, kind: type[E], callback: Callable[[E], object], entity: Hashable = None) -> Subscription:
        """Have `callback(event)` called for each event of a type, and of the types derived from it.

        Inside a callback it takes effect from the next event. The bus keeps `callback` until it is cancelled; the same
        one subscribed twice is called twice.

        Args:
            kind: the class of the events; `object` for all of them.
            callback: a plain function of one argument.
            entity: None: all events, whomever they are addressed to; else only what is addressed to this entity.

        Raises:
            TypeError: `kind` is not a class, `entity` is not hashable, or `callback` is not a plain function that takes
                an event.
        """
        _check_kind(kind)
        check_callback(f"the subscriber to {kind.__name__}", callback, ("event",))
        subscription = Subscription(self, next(self._registrations), kind, callback, entity)
        self._subscribers.setdefault((kind, entity), {})[subscription.number] = subscription
        if entity is not None:
            self._of_entity.setdefault(entity, {})[subscription.number] = subscription
        self._subscriptions += 1
        self._cache.clear()
        return subscription

    def _remove(self, subscription: Subscription) -> None:
        """Strike a subscription from the tables; an entity without any leaves nothing behind."""
        self._strike(self._subscribers, (subscription.kind, subscription.entity), subscription)
        if subscription.entity is not None:
            self._strike(self._of_entity, subscription.entity, subscription)
        self._subscriptions -= 1
        self._cache.clear()

    @staticmethod
    def _strike(table: dict[Any, dict[int, Subscription]], key: Hashable, subscription: Subscription) -> None:
        row = table[key]
        del row[subscription.number]
        if not row:
            del table[key]

    def forget(self, entity: Hashable) -> None:
        """`entity` is gone: cancel the subscriptions bound to it, and drop the queued events addressed to it.

        Events of a class that says `lasting = True` (`PlayerLeft`) are delivered nevertheless, to those who see all.

        Raises:
            ValueError: `entity` is None, which addresses nobody.
        """
        if entity is None:
            raise ValueError("forget needs an entity: None addresses nobody")
        for subscription in list(self._of_entity.get(entity, {}).values()):
            subscription.cancel()
        # Other threads may append meanwhile; nobody else takes out.
        queue = self._queue
        taken = [queue.popleft() for _ in range(len(queue))]
        kept = [entry for entry in taken if entry[2] is None or entry[2] != entity or _lasts(entry[1])]
        self._dropped += len(taken) - len(kept)
        queue.extendleft(reversed(kept))

    # -- what happened -----------------------------------------------------------------------------------------------

    def emit(self, event: object, entity: Hashable = None) -> None:
        """Queue an event for the next `dispatch`, or for the one that is running. Thread-safe.

        Args:
            event: any object, by custom an instance of a frozen dataclass.
            entity: whom it is addressed to; None: nobody in particular.

        Raises:
            TypeError: `event` is a class, or `entity` is not hashable.
        """
        if isinstance(event, type):
            raise TypeError(f"emit an instance: {event.__name__}(...), not the class")
        hash(entity)
        self._queue.append((next(self._emissions), event, entity))

    @property
    def waiting(self) -> bool:
        """Whether anything is queued."""
        return bool(self._queue)

    def dispatch(
        self,
        until: Callable[[], bool] | None = None,
        told: Callable[[Callable[[Any], object], object], object] | None = None,
    ) -> int:
        """Deliver what is queued, and what is emitted meanwhile.

        At most 10,000 events that were emitted during this very dispatch are delivered in it. The rest waits for the
        next one, and the log says so, once for each type.

        Args:
            until: asked between two events; True ends the dispatch, and the rest stays queued. One event is always
                delivered.
            told: called with each subscriber and its event behind it, so that they can be timed.

        Returns:
            How many events were delivered.

        Raises:
            UsageError: called inside a subscriber, or by two threads.
            Exception: a subscriber's own, where the policy says so.
        """
        if self._dispatching:
            raise UsageError("dispatch() is running: what a subscriber emits is delivered in the same dispatch")
        self._dispatching = True
        try:
            return self._dispatch(until, told)
        finally:
            self._dispatching = False

    def _dispatch(self, until: Callable[[], bool] | None, told: Callable[..., object] | None) -> int:
        queue = self._queue
        first_fresh = next(self._emissions)
        fresh: Counter[type] = Counter()
        room = MOST_FRESH
        delivered = 0
        while queue:
            if delivered and until is not None and until():
                break
            if queue[0][0] > first_fresh:
                if not room:
                    self._storm(fresh)
                    break
                room -= 1
                fresh[type(queue[0][1])] += 1
            _, event, entity = queue.popleft()
            delivered += 1
            self._delivered += 1
            self._deliver(event, entity, told)
        return delivered

    def _deliver(self, event: object, entity: Hashable, told: Callable[..., object] | None) -> None:
        """Give one event to all of its subscribers.

        Raises:
            Exception: the first that a subscriber let out and the error policy lets through.
        """
        failed: Exception | None = None
        for subscription in self._listeners(type(event), entity):
            if not subscription.active:
                continue
            try:
                subscription.callback(event)
            except Exception as error:
                raised = self._report(error, event)
                if failed is None:
                    failed = raised
                elif raised is not None:
                    _log(raised, event)
            if told is not None:
                told(subscription.callback, event)
        try:
            if failed is not None:
                raise failed
        finally:
            failed = raised = None  # their tracebacks refer to this frame

    def _listeners(self, kind: type, entity: Hashable) -> tuple[Subscription, ...]:
        """Who gets an event of this type for this entity, in the order of registration."""
        if entity not in self._of_entity:
            entity = None  # so that the cache does not grow with every entity that was ever addressed
        found = self._cache.get((kind, entity))
        if found is None:
            keys = [(base, address) for base in kind.__mro__ for address in {None, entity}]
            rows = [self._subscribers[key] for key in keys if key in self._subscribers]
            everyone = [subscription for row in rows for subscription in row.values()]
            found = tuple(sorted(everyone, key=lambda subscription: subscription.number))
            self._cache[kind, entity] = found
        return found

    # -- what went wrong ---------------------------------------------------------------------------------------------

    def _report(self, error: Exception, event: object) -> Exception | None:
        """Do what the error policy says; gives what is to leave `dispatch`."""
        self._error_count += 1
        if self._errors == "raise":
            return error
        if self._errors == "log":
            _log(error, event)
            return None
        try:
            self._errors(error, event)
        except Exception as raised:
            return raised
        return None

    def _storm(self, fresh: Counter[type]) -> None:
        """Say once for each type that subscribers emit without end."""
        self._storms += 1
        kind, count = fresh.most_common(1)[0]
        if kind not in self._stormed:
            self._stormed.add(kind)
            logger.warning(
                "an event storm: %d of the %d events that were emitted and delivered within one dispatch are %s; the "
                "rest waits for the next one. Do subscribers emit what they listen to?",
                count,
                MOST_FRESH,
                kind.__qualname__,
            )

    def statistics(self) -> BusStatistics:
        """Counters since the beginning, frozen."""
        queued = len(self._queue)
        return BusStatistics(
            emitted=self._delivered + self._dropped + queued,
            delivered=self._delivered,
            dropped=self._dropped,
            queued=queued,
            subscriptions=self._subscriptions,
            errors=self._error_count,
            storms=self._storms,
        )


def _lasts(event: object) -> bool:
    return getattr(type(event), "lasting", False) is True


def _check_kind(kind: object) -> None:
    if not isinstance(kind, type):
        raise TypeError(f"subscribe to a class of events, as in @bus.on(PlayerJoined), not to {kind!r}")


def _log(error: Exception, event: object) -> None:
    logger.error("a subscriber to %s raised an exception", type(event).__qualname__, exc_info=error)
