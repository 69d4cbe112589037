"""The loop's error policy by itself; what becomes of a frame is in test_tickloop."""

from typing import Any

import pytest

from tickws.loop.failures import Failures, bus_policy


@pytest.mark.parametrize("policy", ["close", None, 5])
def test_no_policy(policy: Any) -> None:
    with pytest.raises(ValueError, match='"raise", "log" or a callable'):
        Failures(policy)


def test_what_is_held_back_is_let_out_once() -> None:
    failures = Failures("raise")
    failures.let_out()
    failures.guard("it", lambda: 1 // 0)
    assert failures.count == 1
    with pytest.raises(ZeroDivisionError):
        failures.let_out()
    failures.let_out()


def test_arguments_are_passed_on() -> None:
    got: list[object] = []
    Failures("raise").guard("it", lambda *arguments: got.extend(arguments), 1, 2)
    assert got == [1, 2]


def test_a_bus_tells_a_callable_the_type_of_the_event() -> None:
    told: list[object] = []
    policy: Any = bus_policy(lambda error, name: told.append((error, name)))
    error = ValueError()
    policy(error, 5)
    assert told == [(error, "int")]
    assert bus_policy("log") == "log"
