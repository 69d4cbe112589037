"""The tokens of docs/authentication.md: what is good once, and what is forged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.authentication import BODY, GOOD, SECRET, Calendar, load, signed

tokens_py = load("tokens")


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def tokens(calendar: Calendar) -> Any:
    return load("tokens").Tokens(SECRET, seconds=30.0, clock=calendar)


@pytest.mark.parametrize("user", ["ada", "Ada é 🎮", "a.b", "", 'quote " and \\', "x" * 300])
def test_a_token_says_who_it_is(tokens: Any, user: str) -> None:
    token = tokens.issue(user)
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert tokens.redeem(token) == user


def test_a_token_counts_once(tokens: Any) -> None:
    token, other = tokens.issue("ada"), tokens.issue("ada")
    assert token != other
    assert tokens.redeem(token) == "ada"
    with pytest.raises(tokens_py.BadToken, match="used before"):
        tokens.redeem(token)
    assert tokens.redeem(other) == "ada"


def test_used_tokens_are_forgotten_when_nobody_would_take_them(tokens: Any, calendar: Calendar) -> None:
    for second in range(300):
        calendar.now = 1e9 + second
        tokens.redeem(tokens.issue("ada"))
        assert len(tokens._used) <= 30
    with pytest.raises(tokens_py.BadToken):
        tokens.redeem("forged")
    assert len(tokens._used) == 30


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1e9, "not valid yet"),
        (-6.0, "not valid yet"),
        (-5.0, None),
        (0.0, None),
        (29.0, None),
        (30.0, "has expired"),
        (31.0, "has expired"),
        (1e9, "has expired"),
    ],
)
def test_a_token_has_its_time(tokens: Any, calendar: Calendar, seconds: float, words: str | None) -> None:
    token = tokens.issue("ada")
    calendar.now += seconds
    if words is None:
        assert tokens.redeem(token) == "ada"
    else:
        with pytest.raises(tokens_py.BadToken, match=words):
            tokens.redeem(token)


def test_a_token_cannot_be_used_again_however_the_clock_goes(tokens: Any, calendar: Calendar) -> None:
    calendar.now += 5  # issued where the clock is ahead
    token = tokens.issue("ada")
    calendar.now -= 5
    assert tokens.redeem(token) == "ada"
    for _ in range(400):
        calendar.now += 0.1
        with pytest.raises(tokens_py.BadToken):
            tokens.redeem(token)


FORGED = {
    "empty": ("", "is missing"),
    "no signature": (BODY, "not ours"),
    "an empty signature": (f"{BODY}.", "not ours"),
    "an empty body": ("." + GOOD.partition(".")[2], "not ours"),
    "a point": (".", "not ours"),
    "another secret": (signed(BODY, b"x" * 32), "not ours"),
    "no secret": (signed(BODY, b""), "not ours"),
    "SHA-1": (signed(BODY, algorithm="sha1"), "not ours"),
    "SHA-512": (signed(BODY, algorithm="sha512"), "not ours"),
    "MD5": (signed(BODY, algorithm="md5"), "not ours"),
    "the signature cut": (GOOD[:-1], "not ours"),
    "the signature longer": (GOOD + "A", "not ours"),
    "padded": (GOOD + "=", "not ours"),
    "a bit of the padding": (GOOD[:-1] + chr(ord(GOOD[-1]) + 1), "not ours"),
    "another user": (BODY.replace("Z", "a") + GOOD[GOOD.index(".") :], "not ours"),
    "a blank before": (" " + GOOD, "not ours"),
    "a blank behind": (GOOD + " ", "not ours"),
    "a newline": (GOOD + "\n", "not ours"),
    "twice": (f"{GOOD}.{GOOD}", "not ours"),
    "JSON Web Token, algorithm none": ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.", "not ours"),
    "not ASCII": ("é.ü", "not ours"),
    "an emoji": (GOOD + "🎮", "not ours"),
    "the replacement character": ("\ufffd", "not ours"),
    "NUL": ("\0" + GOOD, "not ours"),
    "digits of elsewhere": ("٣.٣", "not ours"),
    "16 KiB": ("A" * 16384, "too long"),
    "1 MiB": (GOOD + "A" * (1 << 20), "too long"),
    "a valid one behind the bound": (signed("A" * 1024), "too long"),
}


def test_the_token_that_the_forged_are_made_from_is_good(tokens: Any) -> None:
    assert tokens.redeem(GOOD) == "ada"


@pytest.mark.parametrize(("token", "words"), FORGED.values(), ids=FORGED)
def test_forged(tokens: Any, token: str, words: str) -> None:
    with pytest.raises(tokens_py.BadToken, match=words):
        tokens.redeem(token)
    assert tokens.redeem(GOOD) == "ada"  # and it has used nothing up


def test_signatures_are_compared_in_constant_time(tokens: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[Any, Any]] = []

    def compare(left: Any, right: Any) -> bool:
        compared.append((left, right))
        return False

    monkeypatch.setattr(tokens_py.hmac, "compare_digest", compare)
    with pytest.raises(tokens_py.BadToken):  # nothing else decides
        tokens.redeem(GOOD)
    [(left, right)] = compared
    assert left == right == GOOD.partition(".")[2].encode()
