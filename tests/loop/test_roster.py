"""Who is in a loop: in which order, under which names, and who stays out."""

from typing import Any

import pytest

from tests.loop.rigs import Plain, Rig
from tickws.loop.subsystem import Subsystem


def test_attach_comes_first_and_an_exception_in_it_keeps_the_subsystem_out() -> None:
    rig = Rig()
    with pytest.raises(ZeroDivisionError):
        rig.sub(attach=ZeroDivisionError())
    assert rig.log == [("sub.attach",)]
    rig.frames(1)
    assert rig.loop.statistics().subsystems == {}
    rig.sub()
    assert rig.log[1:] == [("sub.attach",)]
    assert list(rig.loop.statistics().subsystems) == ["sub"]


def test_a_subsystem_may_add_another_while_it_is_attached() -> None:
    class Game(Subsystem):
        def attach(self, loop: Any) -> None:
            loop.add(Plain(), name="its server")

    rig = Rig()
    rig.loop.add(Game())
    assert list(rig.loop.statistics().subsystems) == ["its server", "Game"]


def test_twice_is_refused_and_names_are_unique() -> None:
    rig, plain = Rig(), Plain()
    rig.loop.add(plain)
    with pytest.raises(ValueError, match="in the loop already"):
        rig.loop.add(plain)
    rig.loop.add(Plain())
    rig.loop.add(Plain(), name="Plain 2")
    for _ in range(2):
        rig.system("Plain")
    statistics = rig.loop.statistics()
    assert list(statistics.subsystems) == ["Plain", "Plain 2", "Plain 2 2"]
    assert list(statistics.systems) == ["Plain 3", "Plain 4"]
