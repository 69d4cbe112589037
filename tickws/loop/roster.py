"""Who is in a loop: subsystems and systems, in the order in which they were added, each under a name of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeAlias

from tickws.errors import check_callback
from tickws.loop.events import Cause
from tickws.loop.ledger import Account, Ledger
from tickws.loop.subsystem import Member

__all__ = ["Roster", "System"]

System: TypeAlias = tuple[Account, Callable[[Any], object]]


class Roster:
    """The members and systems of a loop. Whoever goes through them may add to them: tuples, replaced as a whole.

    Args:
        ledger: opens an account for each.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._names = {ledger.bus.name, ledger.host.name}
        self.members: tuple[Member, ...] = ()
        self.systems: tuple[System, ...] = ()
        self.stretching = False
        """Whether some member may use more than its budget where the frame has time left."""
        self.idling = False
        """Whether some member wants its `idle`."""

    def add(self, loop: object, subsystem: Any, budget: int, most: int | None, name: str | None) -> None:
        """Attach a subsystem to `loop`, with nanoseconds as `Member`. What raises while it is attached stays out.

        Raises:
            TypeError: it is none.
            ValueError: it is here already; `most` is less than `budget`.
        """
        if any(member.subsystem is subsystem for member in self.members):
            raise ValueError(f"{subsystem!r} is in the loop already")
        member = Member(subsystem, budget, most)
        if member.attach is not None:
            member.attach(loop)
        member.name = self._unique(name or type(subsystem).__name__)
        self._ledger.open(member.network, member.ticking, member.waiting)
        self.members += (member,)
        self.stretching = self.stretching or member.most > member.budget
        self.idling = self.idling or member.idle is not None

    def register(self, function: Callable[[Any], object], name: str | None) -> None:
        """Add a system.

        Raises:
            TypeError: it cannot be called with a tick, or would never run.
        """
        check_callback("a system", function, ("tick",))
        own_name: str = getattr(function, "__name__", type(function).__name__)
        account = Account(Cause.SYSTEM, self._unique(name or own_name))
        self._ledger.open(account)
        self.systems += ((account, function),)

    def _unique(self, name: str) -> str:
        """`name`, or the first of "name 2", "name 3", … that is free."""
        unique = name
        for number in itertools.count(2):
            if unique not in self._names:
                break
            unique = f"{name} {number}"
        self._names.add(unique)
        return unique

    def networks(self) -> list[Account]:
        """Of members: `receive` and `flush`."""
        return [member.network for member in self.members]

    def steps(self) -> list[Account]:
        """Of what runs in each tick, in order."""
        ticking = [member.ticking for member in self.members if member.tick is not None]
        return ticking + [account for account, _ in self.systems]

    def leave(self, stack: ExitStack) -> None:
        """Have `stack` close all members, the last first, whatever some of them raise."""
        for member in self.members:
            stack.callback(member.leave)
