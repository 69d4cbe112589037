"""Programs that are ended whatever a test does."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.program import Program


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """A function that starts the program; its arguments are the command line's."""
    with contextlib.ExitStack() as stack:

        def start(*arguments: str, port: int = 0) -> Program:
            program = Program("-m", "examples.pong_server", "--port", str(port), *arguments)
            stack.callback(program.close)
            program.listens()
            return program

        yield start
