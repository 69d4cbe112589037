"""Limits: the defaults are the documented ones, and nonsense is refused by name."""

import math
import re
from dataclasses import FrozenInstanceError, asdict, fields, replace

import pytest

from tickws.protocol.limits import Limits

NAMES = [field.name for field in fields(Limits)]
TIMES = [field.name for field in fields(Limits) if field.type == "float"]
WHOLE = [name for name in NAMES if name not in TIMES]


def test_defaults() -> None:
    assert asdict(Limits()) == {
        "message_bytes": 1024 * 1024,
        "header_bytes": 16 * 1024,
        "header_count": 64,
        "handshake_seconds": 10.0,
        "closing_seconds": 5.0,
        "ping_seconds": 20.0,
        "handshakes": 512,
        "address_connections": math.inf,
        "dead_seconds": 20.0,
        "queue_bytes": 1024 * 1024,
        "queue_messages": 4096,
        "slow_seconds": 1.0,
        "latest_keys": 16,
        "slice_messages": 64,
        "slice_bytes": 64 * 1024,
        "messages_per_second": math.inf,
        "messages_burst": 256,
        "bytes_per_second": math.inf,
        "bytes_burst": 256 * 1024,
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, -1, True, False, None, "1", math.nan, -math.inf, 1j])
def test_refuses_what_is_no_positive_number(name: str, value: object) -> None:
    kind = "number" if name in TIMES else "int"
    expected = re.escape(f"Limits.{name} must be a positive {kind}, not {value!r}")
    with pytest.raises(ValueError, match=f"^{expected}$"):
        Limits(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", [1.0, 0.5, math.inf])
def test_refuses_fractions_of_what_is_counted(name: str, value: float) -> None:
    with pytest.raises(ValueError, match="must be a positive int"):
        Limits(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", WHOLE)
def test_takes_any_whole_number_from_one(name: str) -> None:
    assert getattr(Limits(**{name: 1}), name) == 1
    assert getattr(Limits(**{name: 2**63}), name) == 2**63


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", [1, 0.001, math.inf])
def test_takes_any_time_or_rate(name: str, value: float) -> None:
    assert getattr(Limits(**{name: value}), name) == value  # type: ignore[arg-type]


def test_is_checked_when_replaced_and_cannot_change() -> None:
    limits = Limits()
    assert replace(limits, message_bytes=5).message_bytes == 5
    with pytest.raises(ValueError, match=r"Limits\.message_bytes"):
        replace(limits, message_bytes=0)
    with pytest.raises(FrozenInstanceError):
        limits.message_bytes = 5  # type: ignore[misc]


def test_is_by_name_only() -> None:
    with pytest.raises(TypeError):
        Limits(5)  # type: ignore[call-arg]
