"""The stage on which our endpoints and other people's talk."""

from collections.abc import Iterator

import pytest

from tests.interop.helpers import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A new stage, swept afterwards."""
    stage = Stage()
    yield stage
    stage.close()
