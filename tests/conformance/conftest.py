"""The suite as a thing that a machine may lack: `require("autobahn")`, and `TICKWS_REQUIRE=autobahn` in CI.

TICKWS_REQUIRE may name it only where this folder's tests are named to pytest: else this file is read too late.
"""

from collections.abc import Callable

import pytest

from tests.conformance.suite import Suite, find, home_folder
from tests.conftest import FINDERS, HINTS


def find_autobahn() -> str | None:
    """The folder of the suite, where it is set up."""
    suite = find(home_folder())
    return str(suite.home) if suite else None


FINDERS["autobahn"] = find_autobahn
HINTS["autobahn"] = "python dev.py conformance --quick sets it up, on Debian"


@pytest.fixture
def suite(require: Callable[[str], str]) -> Suite:
    """The suite."""
    require("autobahn")
    found = find(home_folder())
    assert found is not None
    return found
