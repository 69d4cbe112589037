"""The exception tree, and the error policy."""

import re

import pytest

from tickws import errors
from tickws.errors import (
    ConnectError,
    HTTPFault,
    ListenError,
    PeerFault,
    ProtocolFault,
    TickwsError,
    UsageError,
    check_error_policy,
)


def nothing(error: Exception, source: object) -> None:
    """A policy."""


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (UsageError("no"), (TickwsError, RuntimeError)),
        (ListenError(98, "in use"), (TickwsError, OSError)),
        (ConnectError("refused"), (TickwsError, OSError)),
        (HTTPFault(404, "no"), (PeerFault, TickwsError)),
        (ProtocolFault(1002, "no"), (PeerFault, TickwsError)),
    ],
)
def test_every_error_is_ours_and_one_of_python_s(error: Exception, bases: tuple[type[Exception], ...]) -> None:
    assert all(isinstance(error, base) for base in bases)


def test_the_tree_in_the_docstring_is_complete() -> None:
    """Every exception of the module stands in it, under its parent."""
    assert errors.__doc__ is not None
    drawn = re.findall(r"^    (.*?)(\w+)(?:\((\w+)\))?(?=\s{2}|$)", errors.__doc__, re.MULTILINE)
    names = {name for _, name, _ in drawn}
    real = {name for name in errors.__all__ if isinstance(getattr(errors, name), type)}
    assert names == real
    for _, name, beside in drawn:
        if beside:
            assert beside in [base.__name__ for base in getattr(errors, name).__bases__]


def test_errors_carry_what_is_to_be_answered() -> None:
    assert ListenError(98, "in use").errno == 98
    assert (str(ConnectError("refused", status=503)), ConnectError("refused", status=503).status) == ("refused", 503)
    assert ConnectError("no answer").status is None
    http = HTTPFault(405, "no", (("Allow", "GET"),))
    assert (str(http), http.status, http.reason, http.headers) == ("no", 405, "no", (("Allow", "GET"),))
    assert HTTPFault(400, "no").headers == ()
    fault = ProtocolFault(1009, "big")
    assert (str(fault), fault.close_code, fault.reason) == ("big", 1009, "big")


@pytest.mark.parametrize("policy", ["close", "raise", nothing])
def test_a_policy_is_given_back(policy: errors.ErrorPolicy) -> None:
    assert check_error_policy(policy) is policy


@pytest.mark.parametrize("policy", ["", "Close", "ignore", None, 0, False, ("close",)])
def test_refuses_other_policies(policy: object) -> None:
    with pytest.raises(ValueError, match=re.escape(f'"close", "raise" or a callable, not {policy!r}')):
        check_error_policy(policy)  # type: ignore[arg-type]
