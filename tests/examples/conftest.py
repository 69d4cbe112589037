"""A chat in memory, and programs that are ended whatever a test does."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.examples.program import Program
from tests.examples.room import Room


@pytest.fixture
def room() -> Room:
    """An empty room."""
    return Room()


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """A function that starts the program."""
    with contextlib.ExitStack() as stack:

        def start(port: int = 0) -> Program:
            program = Program(port)
            stack.callback(program.close)
            return program

        yield start
