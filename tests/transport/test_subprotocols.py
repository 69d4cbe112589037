"""Subprotocols, extra headers and origins, as the two ends agree on them (RFC 6455 sections 1.9, 4.1, 4.2.2, 10.2)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.transport.lines import Line, over
from tests.transport.peers import House, Peer
from tickws.errors import ConnectError
from tickws.protocol.handshake import Accept, Reject, Request
from tickws.testing import Pair

OFFER = "Sec-WebSocket-Protocol: "


def ask(house: House, *more: str) -> tuple[Peer, int, list[str]]:
    """Ask for a WebSocket: the peer, the status, and the lines of the answer."""
    peer = house.dial()
    peer.ask("/", *more)
    house.turn(3)
    lines = peer.receive_head().decode().split("\r\n")
    return peer, int(lines[0].split()[1]), lines[1:-2]


def chosen_in(lines: list[str]) -> list[str]:
    return [line.partition(": ")[2] for line in lines if line.lower().startswith("sec-websocket-protocol")]


def asking() -> tuple[list[Request], Callable[[Request], bool]]:
    """A hook that lets everybody in, and whom it was asked about."""
    asked: list[Request] = []

    def on_request(request: Request) -> bool:
        asked.append(request)
        return True

    return asked, on_request


ANSWERS: dict[str, Any] = {
    "no hook": None,
    "True": lambda request: True,
    "Accept()": lambda request: Accept(),
    "Accept(None)": lambda request: Accept(subprotocol=None),
    "hook takes the last": lambda request: Accept(subprotocol=request.subprotocols[-1]),
}
OFFERS: list[tuple[list[str], tuple[str, ...], str | None]] = [
    (["a"], ("a",), "a"),
    (["b, a"], ("a", "b"), "b"),
    (["c, b, a"], ("a", "b"), "b"),
    (["c,b,a"], ("b", "a"), "b"),
    (["c", "b", "a"], ("a", "b"), "b"),
    (["c", "a, b"], ("b", "a"), "a"),
    ([" ,a , ,, b,"], ("b", "a"), "a"),
    (["\ta\t,\tb"], ("b",), "b"),
    (["A, a"], ("a", "A"), "A"),
    (["a, A"], ("A",), "A"),
    (["A"], ("a",), None),
    (["aa, a.b"], ("a", "b"), None),
    (["a, b"], (), None),
    (["!#$%&'*+-.^_`|~0"], ("!#$%&'*+-.^_`|~0",), "!#$%&'*+-.^_`|~0"),
    ([f"{number}" for number in range(40)], ("39", "x"), "39"),
]
"""Header lines, what the server speaks, and what its list chooses: the first of the client's, to the letter."""


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(("offer", "spoken", "expected"), OFFERS)
def test_the_choice(offer: list[str], spoken: tuple[str, ...], expected: str | None, answer: str) -> None:
    """By list, in the client's order, unless the hook names one; which need not be in the list."""
    house = House(subprotocols=spoken, on_request=ANSWERS[answer])
    _, status, lines = ask(house, *(OFFER + line for line in offer))
    request = house.ws().request
    if answer == "hook takes the last":
        expected = request.subprotocols[-1]
    assert status == 101
    assert house.ws().subprotocol == expected
    assert chosen_in(lines) == ([] if expected is None else [expected])
    assert all(name == name.strip(" \t") != "" for name in request.subprotocols)


@pytest.mark.parametrize("answer", ["no hook", "True", "Accept()"])
def test_where_none_is_offered_none_is_chosen(answer: str) -> None:
    house = House(subprotocols=("a", "b"), on_request=ANSWERS[answer])
    _, status, lines = ask(house)
    assert (status, chosen_in(lines), house.ws().subprotocol) == (101, [], None)
    assert house.ws().request.subprotocols == ()


@pytest.mark.parametrize(
    "offer", [[""], [","], [" , ,"], ["a, a"], ["a", "b", "a"], ["a b"], ['"a"'], ["a;q=1"], ["a/b"], ["\xe4"], ["a=b"]]
)
@pytest.mark.parametrize("spoken", [(), ("a",)])
def test_an_offer_that_is_none_is_400_before_anybody_is_asked(offer: list[str], spoken: tuple[str, ...]) -> None:
    """Section 4.1, item 10: tokens, all different; section 11.3.4: the header lists them, over any number of lines."""
    asked, on_request = asking()
    house = House(subprotocols=spoken, on_request=on_request)
    _, status, _ = ask(house, *(OFFER + line for line in offer))
    assert (status, asked, house.opens) == (400, [], [])


@pytest.mark.parametrize("name", ["b", "A", "", "a, b", "a b"])
@pytest.mark.parametrize("offer", [["a"], []])
def test_a_hook_cannot_choose_what_was_not_offered(offer: list[str], name: str) -> None:
    """Section 4.2.2, item 5.5: "if the server does not agree to any ... it MUST NOT send back" one."""
    errors: list[Exception] = []
    house = House(
        subprotocols=("a", "b"),
        on_request=lambda request: Accept(subprotocol=name),
        errors=lambda error, source: errors.append(error),
    )
    _, status, lines = ask(house, *(OFFER + line for line in offer))
    assert (status, chosen_in(lines), house.opens) == (500, [], [])
    assert [type(error) for error in errors] == [ValueError]


@pytest.mark.parametrize(
    ("offered", "chosen", "fits"),
    [
        (("a", "b"), None, True),
        (("a", "b"), "b", True),
        (("a",), "A", False),
        (("a",), "b", False),
        (("a", "b"), "a, b", False),
        (("a",), "", False),
        ((), "a", False),
        ((), None, True),
    ],
)
def test_a_client_takes_nothing_but_what_it_offered(offered: tuple[str, ...], chosen: str | None, fits: bool) -> None:
    """Section 4.1: "the client MUST _Fail the WebSocket Connection_" otherwise."""
    line = Line(subprotocols=offered)
    end = line.accept()
    head = end.answer(*([] if chosen is None else [OFFER + chosen]))
    assert (OFFER.encode() + b", ".join(name.encode() for name in offered) in head) == bool(offered)
    line.turn()
    if fits:
        ws = line.client.websocket
        assert ws is not None
        assert (line.log, ws.subprotocol) == ([("open",)], chosen)
    else:
        over(line)
        assert "which was not offered" in str(line.error)


def test_a_client_does_not_take_two() -> None:
    line = Line(subprotocols=("a", "b"))
    line.accept().answer(OFFER + "a", OFFER + "b")
    over(line)


def test_both_ends_know_what_was_chosen() -> None:
    for spoken, offered, chosen in ((("a", "b"), ("b", "a"), "b"), (("a",), ("b",), None), ((), ("b",), None)):
        pair = Pair(subprotocols=spoken, client={"subprotocols": offered})
        ends = pair.server.connections[0], pair.client.websocket
        assert [ws.subprotocol for ws in ends if ws is not None] == [chosen, chosen]


# Extra headers


@pytest.mark.parametrize("kind", [dict, list])
def test_extra_headers_of_both_ends(kind: Any) -> None:
    extra = kind([("X-Tick", "60"), ("Set-Cookie", "a=1; Path=/"), ("Server", "mine")])
    house = House(on_request=lambda request: Accept(headers=extra))
    _, status, lines = ask(house, "X-Token: sesame", "x-token: open", "Cookie: a=1; b=2")
    assert status == 101
    assert [line for line in lines if line.startswith(("X-", "Set-", "Server"))] == [
        "X-Tick: 60",
        "Set-Cookie: a=1; Path=/",
        "Server: mine",
    ]
    request = house.ws().request
    assert request.headers["X-TOKEN"] == "sesame, open"
    assert request.cookies == {"a": "1", "b": "2"}


@pytest.mark.parametrize("header", [("X", "a\r\nInjected: b"), ("X\r\nY", "a"), ("X Y", "a"), ("", "a"), ("X", "a\0b")])
def test_an_extra_header_cannot_break_the_answer(header: tuple[str, str]) -> None:
    errors: list[Exception] = []
    for made in (Accept(headers=[header]), Reject(403, headers=[header])):
        house = House(
            on_request=lambda request, made=made: made,
            errors=lambda error, source: errors.append(error),
        )
        _, status, lines = ask(house)
        assert status == 500
        assert not any("Injected" in line for line in lines)
    assert len(errors) == 2
    with pytest.raises(ValueError):
        Line(headers=[header])


# Origins

GAME = "https://game.example"
SUBDOMAINS = re.compile(r"https://([a-z]+\.)?game\.example(:\d+)?")
ORIGINS: list[tuple[Any, str | None, bool]] = [
    ([GAME], "HTTPS://GAME.EXAMPLE", False),  # RFC 6454 section 6.2: browsers write it in lower case
    ([GAME], "https://game.example/", False),
    ([GAME], "https://game.example:443", False),
    ([GAME], "https://game.example.", False),
    ([GAME], "https://game.example https://evil.example", False),
    ([GAME], "", False),
    ([f"{GAME}:8443"], f"{GAME}:8443", True),
    ([f"{GAME}:8443"], GAME, False),
    (["null"], "null", True),
    (["null"], None, False),
    ([None], None, True),
    ([None], "null", False),
    ([None], "", False),
    ([None, "null"], "null", True),
    (["http://[::1]:8056"], "http://[::1]:8056", True),
    ([SUBDOMAINS], GAME, True),
    ([SUBDOMAINS], "https://eu.game.example:8443", True),
    ([SUBDOMAINS], "https://eu.game.example:8443.evil.example", False),
    ([SUBDOMAINS], "https://evilgame.example", False),
    ([SUBDOMAINS], "http://game.example", False),
    ([SUBDOMAINS], None, False),
    ([SUBDOMAINS, None], None, True),
    ([re.compile("https://GAME.example", re.IGNORECASE)], GAME, True),
    (["https://other.example", SUBDOMAINS], GAME, True),
    (["https://.*"], GAME, False),
    ((), None, False),
    ([], "null", False),
]


@pytest.mark.parametrize(("origins", "origin", "let_in"), ORIGINS)
def test_an_origin(origins: Any, origin: str | None, let_in: bool) -> None:
    """To the letter or by a pattern as a whole; who may not come is told 403, and the hook is not asked."""
    asked, on_request = asking()
    house = House(origins=origins, on_request=on_request)
    peer, status, _ = ask(house, *([] if origin is None else [f"Origin: {origin}"]))
    assert (status, len(asked), len(house.opens)) == ((101, 1, 1) if let_in else (403, 0, 0))
    if not let_in:
        house.turn(2)
        assert peer.gone
        assert dict(house.statistics.answered) == {403: 1}


@pytest.mark.parametrize(
    ("origin", "status"), [(GAME, None), ("null", None), (None, None), ("https://evil.example", 403), ("NULL", 403)]
)
def test_the_client_s_origin(origin: str | None, status: int | None) -> None:
    options: dict[str, Any] = {"origins": [GAME, "null", None], "client": {"origin": origin}}
    if status is None:
        assert Pair(**options).server.connections[0].request.origin == origin
        return
    with pytest.raises(ConnectError) as refused:
        Pair(**options)
    assert refused.value.status == status


def test_an_origin_that_may_not_come_does_not_spoil_plain_http() -> None:
    """Origins are for WebSockets; a page is served to whoever asks (section 10.2)."""
    house = House(origins=[GAME])
    peer = house.dial()
    peer.say(b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n\r\n")
    house.turn(2)
    assert peer.receive_status() == 426


def test_a_client_can_read_the_headers_of_the_answer() -> None:
    pair = Pair(on_request=lambda request: Accept(headers={"X-Room": "7"}))
    ws = pair.client.websocket
    assert ws is not None
    assert ws.response_headers is not None
    assert ws.response_headers["x-room"] == "7"
    (there,) = pair.server.connections
    assert there.response_headers is None
