"""Handlers and callbacks: which of them are called, and what cannot be one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tickws.protocol.handshake import Request
from tickws.transport.handler import Callbacks, Handler

NAMES = ("on_request", "on_open", "on_message", "on_frame", "on_close")


def used(callbacks: Callbacks) -> set[str]:
    return {name for name in NAMES if getattr(callbacks, name) is not None}


def test_a_bare_handler_wants_nothing_and_does_nothing() -> None:
    handler: Any = Handler()
    assert used(Callbacks(handler)) == set()
    assert handler.on_request(None) is True
    assert [handler.on_open(0), handler.on_message(0, ""), handler.on_frame(0, 0), handler.on_close(0, 0, "")] == (
        [None] * 4
    )


@pytest.mark.parametrize("names", [(), ("on_open",), ("on_request", "on_message"), ("on_frame", "on_close")])
def test_what_a_subclass_overrides_is_called(names: tuple[str, ...]) -> None:
    kind = type("Game", (Handler,), {name: lambda self, *arguments: (self, arguments) for name in names})
    handler = kind()
    callbacks = Callbacks(handler)
    assert used(callbacks) == set(names)
    for name in names:
        assert getattr(callbacks, name)(1, 2) == (handler, (1, 2))


def test_an_override_may_be_inherited_or_set_on_the_instance() -> None:
    class Base(Handler):
        def on_open(self, ws: object) -> None: ...

    class Game(Base): ...

    game: Any = Game()
    assert used(Callbacks(game)) == {"on_open"}
    game.on_close = print
    assert used(Callbacks(game)) == {"on_open", "on_close"}


@pytest.mark.parametrize("name", NAMES)
def test_a_callback_is_taken_as_it_is(name: str) -> None:
    callbacks = Callbacks(None, **{name: print})  # type: ignore[arg-type]
    assert used(callbacks) == {name}
    assert getattr(callbacks, name) is print


class OnFrame(Handler):
    def on_frame(self, ws: object, frame: object) -> None: ...


class Both(OnFrame):
    def on_message(self, ws: object, message: object) -> None: ...


def on_request(request: Request) -> bool:
    return True


class Misspelt(Handler):
    def on_mesage(self, ws: object, message: object) -> None: ...
    def on_tick(self) -> None: ...


async def asleep(ws: object) -> None: ...


def telling(ws: object) -> Iterator[None]:
    yield


class Sleeper:
    async def __call__(self, ws: object) -> None: ...


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"handler": Handler}, "handler is an instance"),
        ({"handler": object()}, r"handler is an instance of a subclass of tickws\.Handler"),
        ({"handler": 8056}, "by keyword: port=8056"),
        ({"handler": print}, "by keyword: port=8056, on_message="),
        ({"handler": Misspelt()}, r"Misspelt\.on_mesage is never called: is on_message meant"),
        ({"handler": None, "on_message": lambda message: None}, r"on_message is called with \(ws, message\): too many"),
        ({"handler": None, "on_close": lambda ws: None}, r"on_close is called with \(ws, code, reason\)"),
        ({"handler": None, "on_open": asleep}, "on_open is async, or a generator, and would never run"),
        ({"handler": None, "on_open": telling}, "on_open is async, or a generator"),
        ({"handler": None, "on_open": Sleeper()}, "on_open is async, or a generator"),
        ({"handler": Handler(), "on_open": print, "on_close": print}, "not both: on_open, on_close"),
        ({"handler": None, "on_message": 5}, "on_message must be callable, not 5"),
        ({"handler": None, "on_request": True}, "on_request must be callable, not True"),
        ({"handler": None, "on_message": print, "on_frame": print}, "on_frame takes the place of on_message"),
        ({"handler": Both()}, "on_frame takes the place of on_message"),
    ],
)
def test_misuse_raises(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        Callbacks(**arguments)


def test_one_of_on_frame_and_on_message_is_enough() -> None:
    made: list[Callable[[], Callbacks]] = [
        lambda: Callbacks(OnFrame()),
        lambda: Callbacks(None, on_request, on_frame=print),
    ]
    assert [used(make()) for make in made] == [{"on_frame"}, {"on_request", "on_frame"}]


def test_a_builtin_that_does_not_tell_what_it_takes_is_taken() -> None:
    silent: Any = {}.update
    assert used(Callbacks(None, on_open=silent)) == {"on_open"}
