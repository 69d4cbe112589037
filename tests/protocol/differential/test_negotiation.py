"""permessage-deflate is agreed on by the same terms, or by none, or the handshake fails on both sides."""

import re

import pytest
from hypothesis import given, settings

from tests.protocol.differential.negotiating import (
    FAILED,
    Agreed,
    Result,
    get_along,
    headers,
    our_answer,
    our_offer,
    our_reading,
    their_answer,
    their_client,
    their_reading,
    their_server,
    wishes,
    wsproto_answer,
    wsproto_extension,
    wsproto_reading,
)
from tickws import Deflate
from tickws.protocol.connection import Role

WIDEST = Deflate(window_bits=15, peer_window_bits=15, context_takeover=True, peer_context_takeover=True)


def eight_of_the_sender(mine: Result, theirs: Result, sender: str) -> bool:
    """Listed: `websockets` declines 8 bits of its own, which zlib does not compress to (RFC 7692 section 7.1.2.1).

    Ours takes them: zlib's window of 9 bits looks back no further than 250 bytes.
    """
    return mine != theirs and isinstance(mine, Agreed) and getattr(mine, sender) == 8


def beyond_the_hint(ours: Deflate, answer: str, theirs: Result) -> bool:
    """Listed: `websockets`' client fails where a server grants it a larger window than it offered to keep to.

    The offer's value is a hint, and the answer may have one "greater than the one in the extension negotiation offer"
    (RFC 7692 section 7.1.2.2); ours goes on, with the smaller.
    """
    granted = re.findall(r'client_max_window_bits\s*=\s*"?(\d+)', answer)
    return theirs == FAILED and any(int(bits) > ours.window_bits for bits in granted)


@settings(deadline=None, max_examples=300)
@given(wishes, headers)
def test_offers_are_answered_the_same(ours: Deflate, offer: str) -> None:
    mine, theirs = our_answer(ours, offer)[0], their_answer(their_server(ours), offer)[0]
    if not eight_of_the_sender(mine, theirs, "server_bits"):
        assert mine == theirs


@settings(deadline=None, max_examples=300)
@given(wishes, headers)
def test_answers_are_read_the_same(ours: Deflate, answer: str) -> None:
    mine, theirs = our_reading(ours, answer), their_reading(their_client(ours), answer)
    if not eight_of_the_sender(mine, theirs, "client_bits") and not beyond_the_hint(ours, answer, theirs):
        assert mine == theirs


def test_what_is_listed_is_still_so() -> None:
    offer = "permessage-deflate; server_max_window_bits=8"
    mine, theirs = our_answer(WIDEST, offer)[0], their_answer(their_server(WIDEST), offer)[0]
    assert eight_of_the_sender(mine, theirs, "server_bits")
    answer = "permessage-deflate; client_max_window_bits=8"
    mine, theirs = our_reading(WIDEST, answer), their_reading(their_client(WIDEST), answer)
    assert eight_of_the_sender(mine, theirs, "client_bits")
    narrow, answer = Deflate(window_bits=9, peer_window_bits=15), "permessage-deflate; client_max_window_bits=10"
    answer += "; server_no_context_takeover"
    assert isinstance(our_reading(narrow, answer), Agreed)
    assert beyond_the_hint(narrow, answer, their_reading(their_client(narrow), answer))


@settings(deadline=None, max_examples=150)
@given(wishes, wishes)
def test_both_ends_come_to_the_same(ours: Deflate, theirs: Deflate) -> None:
    agreed, answer = their_answer(their_server(theirs), our_offer(ours))
    assert get_along(agreed, our_reading(ours, answer) if answer else None)

    factory = their_client(theirs)
    offer = "; ".join(
        ["permessage-deflate", *(f"{name}={value}" if value else name for name, value in factory.get_request_params())]
    )
    agreed, answer = our_answer(ours, offer)
    assert isinstance(agreed, Agreed)
    read = their_reading(factory, answer)
    assert get_along(agreed, read) or eight_of_the_sender(agreed, read, "client_bits")


@settings(deadline=None, max_examples=150)
@given(wishes, wishes)
def test_both_ends_come_to_the_same_with_wsproto(ours: Deflate, theirs: Deflate) -> None:
    extension = wsproto_extension(theirs, Role.CLIENT)
    agreed, answer = our_answer(ours, f"permessage-deflate; {extension.offer()}")
    read = wsproto_reading(extension, answer)
    assert get_along(agreed, read) or eight_of_the_sender(agreed, read, "client_bits")

    agreed, answer = wsproto_answer(wsproto_extension(theirs, Role.SERVER), our_offer(ours))
    assert get_along(agreed, our_reading(ours, answer) if answer else None)


def test_an_offer_of_15_bits_is_answered_with_them() -> None:
    assert "server_max_window_bits=15" in our_answer(WIDEST, "permessage-deflate; server_max_window_bits=15")[1]


def test_an_empty_list_is_refused() -> None:
    assert our_reading(WIDEST, "") == FAILED
    assert our_answer(WIDEST, "")[0] == FAILED


@pytest.mark.parametrize("value", ['"12"', r'"1\2"', r'"\1\2"'])
def test_a_quoted_pair_is_unescaped(value: str) -> None:
    header = f"permessage-deflate; server_max_window_bits={value}"
    assert our_answer(WIDEST, header)[0] == their_answer(their_server(WIDEST), header)[0]
    assert our_reading(WIDEST, header) == their_reading(their_client(WIDEST), header)
