"""What is agreed of permessage-deflate (RFC 7692 section 7.1): offers, answers, and answers that a client refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.helpers import UPGRADE, answer_head, counting_source, request_head, right_accept
from tests.transport.lines import Line
from tickws.errors import ConnectError
from tickws.protocol.connection import Connection, Role
from tickws.protocol.events import Failed, Opened
from tickws.protocol.extensions import Deflate, Terms, accept_answer, answer_offers, make_offer, parse_extensions
from tickws.protocol.handshake import Request
from tickws.protocol.limits import Limits

NAME = "permessage-deflate"
FREE = Deflate(window_bits=15, peer_window_bits=15, context_takeover=True, peer_context_takeover=True)
"""Who agrees to everything."""

# -- a server's answer -----------------------------------------------------------------------------------------------

PLAIN = "server_no_context_takeover; client_no_context_takeover; "
ANSWERS: list[tuple[str, Deflate, str]] = [
    # offer, what the server agrees to, its answer behind the name
    ("", FREE, ""),
    ("", Deflate(), f"{PLAIN}server_max_window_bits=12"),
    ("client_max_window_bits", FREE, ""),
    ("client_max_window_bits", Deflate(), f"{PLAIN}server_max_window_bits=12; client_max_window_bits=12"),
    ("client_max_window_bits=9", Deflate(), f"{PLAIN}server_max_window_bits=12; client_max_window_bits=9"),
    ("client_max_window_bits=15", Deflate(), f"{PLAIN}server_max_window_bits=12; client_max_window_bits=12"),
    ("client_max_window_bits=8", FREE, "client_max_window_bits=8"),
    ('client_max_window_bits="8"', FREE, "client_max_window_bits=8"),
    ("server_max_window_bits=8", FREE, "server_max_window_bits=8"),
    ("server_max_window_bits=10", Deflate(), f"{PLAIN}server_max_window_bits=10"),
    ("server_max_window_bits=14", Deflate(), f"{PLAIN}server_max_window_bits=12"),
    # section 7.1.2.1: it is accepted "by including" it, also where it bounds nothing
    ("server_max_window_bits=15", FREE, "server_max_window_bits=15"),
    ("server_no_context_takeover", FREE, "server_no_context_takeover"),
    ("client_no_context_takeover", FREE, "client_no_context_takeover"),
    (
        "client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=11; server_no_context_takeover",
        FREE,
        f"{PLAIN}server_max_window_bits=9; client_max_window_bits=11",
    ),
]
DECLINED = [
    "unknown", "unknown=1", "Server_No_Context_Takeover", "server_no_context_takeover=1",
    "server_no_context_takeover=true",
    "client_no_context_takeover=0", "server_max_window_bits", "server_max_window_bits=7", "server_max_window_bits=16",
    "server_max_window_bits=08", "server_max_window_bits=+8", "server_max_window_bits=8.0", "server_max_window_bits=-9",
    "server_max_window_bits=1e1", "server_max_window_bits=0", "server_max_window_bits=108",
    "client_max_window_bits=7", "client_max_window_bits=16", "client_max_window_bits=012", "client_max_window_bits=15x",
    "client_max_window_bits=100", "client_max_window_bits=x",
    "server_no_context_takeover; server_no_context_takeover", "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits=9; server_max_window_bits=9", "client_max_window_bits; client_max_window_bits",
    "client_max_window_bits; client_max_window_bits=9", "client_max_window_bits=9; client_max_window_bits=10",
    "server_max_window_bits=9; server_no_context_takeover; unknown",
]  # fmt: skip


def offered(header: str, ours: Deflate) -> str | None:
    """The server's answer to an offer; None: it declines."""
    terms = answer_offers(parse_extensions(header), ours)
    return None if terms is None else terms.header


@pytest.mark.parametrize(("offer", "ours", "answer"), ANSWERS)
def test_what_a_server_answers(offer: str, ours: Deflate, answer: str) -> None:
    assert offered("; ".join(filter(None, [NAME, offer])), ours) == "; ".join(filter(None, [NAME, answer]))


@pytest.mark.parametrize("offer", DECLINED)
def test_an_impossible_offer_is_declined_and_the_next_one_taken(offer: str) -> None:
    for ours in (FREE, Deflate()):
        assert offered(f"{NAME}; {offer}", ours) is None
    assert offered(f"x; {offer}, {NAME}; {offer}, {NAME}; server_max_window_bits=9, {NAME}", FREE) == (
        f"{NAME}; server_max_window_bits=9"
    )


def test_others_are_declined() -> None:
    assert offered("permessage-bzip2, x-webkit-deflate-frame; no_context_takeover", FREE) is None
    assert offered("Permessage-Deflate", FREE) is None
    assert offered(f"permessage-bzip2, {NAME}", FREE) == NAME
    assert offered(f"{NAME}, {NAME}; client_max_window_bits=8", FREE) == NAME, "the first that can be kept"
    assert answer_offers([], FREE) is None


@pytest.mark.parametrize("bits", range(8, 16))
@pytest.mark.parametrize("asked", range(8, 16))
def test_the_smaller_window_is_taken_both_ways(bits: int, asked: int) -> None:
    ours = Deflate(window_bits=bits, peer_window_bits=bits)
    offer = f"{NAME}; server_max_window_bits={asked}; client_max_window_bits={asked}"
    terms = answer_offers(parse_extensions(offer), ours)
    assert terms is not None
    least = min(bits, asked)
    assert (terms.window_bits, terms.peer_window_bits) == (least, least)
    assert f"server_max_window_bits={least}" in terms.header
    assert (f"client_max_window_bits={least}" in terms.header) is (least < 15)
    without = answer_offers(parse_extensions(NAME), ours)
    assert without is not None
    assert (without.window_bits, without.peer_window_bits) == (bits, 15), "who does not say that it can is not told to"
    assert "client_max_window_bits" not in without.header


# -- a client's offer, and what it takes for an answer ---------------------------------------------------------------


def test_what_a_client_offers() -> None:
    assert make_offer(FREE) == f"{NAME}; client_max_window_bits"
    assert make_offer(Deflate(window_bits=8, peer_window_bits=9)) == (
        f"{NAME}; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=9; client_max_window_bits=8"
    )
    assert make_offer(Deflate(context_takeover=True, window_bits=15)) == (
        f"{NAME}; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits"
    )


BOUND = Deflate(peer_window_bits=12, peer_context_takeover=True, context_takeover=True)
"""Who offers server_max_window_bits=12, and no bound on contexts."""
TAKEN: list[tuple[str, Deflate, tuple[int, bool, int, bool]]] = [
    # answer behind the name, who offered, and: our window and takeover, the peer's
    ("", FREE, (15, True, 15, True)),
    ("server_no_context_takeover", FREE, (15, True, 15, False)),
    ("client_no_context_takeover", FREE, (15, False, 15, True)),
    ("server_max_window_bits=8", FREE, (15, True, 8, True)),
    ("client_max_window_bits=8", FREE, (8, True, 15, True)),
    ('server_max_window_bits="12"', BOUND, (12, True, 12, True)),
    ("server_max_window_bits=11; client_max_window_bits=10", BOUND, (10, True, 11, True)),
    ("server_max_window_bits=12; client_max_window_bits=15", BOUND, (12, True, 12, True)),  # ours was a hint
    ("server_no_context_takeover; server_max_window_bits=12", Deflate(), (12, False, 12, False)),
]
REFUSED: list[tuple[str, Deflate | None]] = [
    (NAME, None),
    ("x", None),
    ("permessage-bzip2", FREE),
    ("Permessage-Deflate", FREE),
    (f"{NAME}, {NAME}", FREE),
    (f"{NAME}, x", FREE),
    (f"x, {NAME}", FREE),
    *((f"{NAME}; {parameters}", FREE) for parameters in DECLINED),
    (f"{NAME}; client_max_window_bits", FREE),  # section 7.1.2.2: in an answer it has a value
    (f"{NAME}; server_max_window_bits", BOUND),
    (NAME, BOUND),  # section 7.1.2.1: it was asked for a bound
    (f"{NAME}; server_max_window_bits=13", BOUND),
    (f"{NAME}; server_max_window_bits=12", Deflate()),  # section 7.1.1.1: and for no takeover
    (f"{NAME}; client_no_context_takeover; server_max_window_bits=12", Deflate()),
]


@pytest.mark.parametrize(("answer", "ours", "meant"), TAKEN)
def test_an_answer_that_a_client_takes(answer: str, ours: Deflate, meant: tuple[int, bool, int, bool]) -> None:
    header = "; ".join(filter(None, [NAME, answer]))
    assert accept_answer(header, ours) == Terms(*meant, header)


@pytest.mark.parametrize(("header", "ours"), REFUSED)
def test_an_answer_that_a_client_refuses(header: str, ours: Deflate | None) -> None:
    with pytest.raises(ValueError):
        accept_answer(header, ours)


def test_no_answer_is_no_extension() -> None:
    assert accept_answer(None, FREE) is None
    assert accept_answer(None, None) is None
    for ours in (FREE, None):
        with pytest.raises(ValueError):  # RFC 6455 section 9.1: a list has one element at least
            accept_answer("", ours)


@pytest.mark.parametrize(("header", "ours"), REFUSED[:8] + REFUSED[-6:])
def test_a_client_fails_the_connection(header: str, ours: Deflate | None) -> None:
    line = Line(compression=ours)
    request = line.accept()
    head = request.answer(f"Sec-WebSocket-Extensions: {header}")
    assert (b"\r\nSec-WebSocket-Extensions: " in head) is (ours is not None)
    line.run(0.1)
    assert isinstance(line.error, ConnectError)
    assert line.error.status == 101
    assert "server" in str(line.error)
    assert line.log == [], "neither opened nor closed"
    assert request.gone


def test_a_header_in_two_lines_is_one() -> None:
    """RFC 6455 section 9.1: it may be split across lines; an answer in two is two extensions."""
    server = Connection(Role.SERVER, Limits(), counting_source(), compression=FREE)
    extensions = [f"Sec-WebSocket-Extensions: {NAME}; x", f"Sec-WebSocket-Extensions: {NAME}; server_max_window_bits=9"]
    server.receive(request_head("GET / HTTP/1.1", UPGRADE, *extensions))
    request = server.next_event()
    assert isinstance(request, Request)
    assert [len(parameters) for _, parameters in request.extensions] == [1, 1]
    server.accept(request)
    assert server.extensions == f"{NAME}; server_max_window_bits=9"

    for lines, event in ((1, Opened), (2, Failed)):
        client = Connection(Role.CLIENT, Limits(), counting_source(), compression=FREE)
        client.request("server.example.com", "/")
        client.receive(answer_head(right_accept(client), *[f"Sec-WebSocket-Extensions: {NAME}"] * lines))
        assert isinstance(client.next_event(), event)


# -- both ------------------------------------------------------------------------------------------------------------

deflates = st.builds(
    Deflate,
    window_bits=st.integers(8, 15),
    peer_window_bits=st.integers(8, 15),
    context_takeover=st.booleans(),
    peer_context_takeover=st.booleans(),
)


@given(deflates, deflates)
def test_whatever_a_client_of_ours_offers_is_agreed_on(client: Deflate, server: Deflate) -> None:
    there = answer_offers(parse_extensions(make_offer(client)), server)
    assert there is not None
    here = accept_answer(there.header, client)
    assert here is not None
    assert here.peer_window_bits == there.window_bits <= client.peer_window_bits
    assert here.window_bits == there.peer_window_bits <= server.peer_window_bits
    assert here.peer_context_takeover == there.context_takeover
    assert here.context_takeover <= there.peer_context_takeover, "the client may do less than it may"
    assert there.context_takeover <= client.peer_context_takeover
    assert there.peer_context_takeover <= server.peer_context_takeover


@given(
    st.booleans(), st.booleans(), st.none() | st.integers(8, 15), st.none() | st.just(0) | st.integers(8, 15), deflates
)
def test_an_answer_keeps_to_whatever_was_offered(
    server_alone: bool, client_alone: bool, server_bits: int | None, client_bits: int | None, ours: Deflate
) -> None:
    """By the tables of RFC 7692 section 7.1, which clients such as `websockets` go by."""
    offer = NAME + "; server_no_context_takeover" * server_alone + "; client_no_context_takeover" * client_alone
    if server_bits is not None:
        offer += f"; server_max_window_bits={server_bits}"
    if client_bits is not None:
        offer += "; client_max_window_bits" + (f"={client_bits}" if client_bits else "")
    terms = answer_offers(parse_extensions(offer), ours)
    assert terms is not None
    [(name, pairs)] = parse_extensions(terms.header)
    answer = dict(pairs)
    assert name == NAME
    assert len(answer) == len(pairs)
    assert "server_no_context_takeover" in answer or not server_alone
    if server_bits is not None:
        assert 8 <= int(answer["server_max_window_bits"] or 0) <= server_bits
    if client_bits is None:
        assert "client_max_window_bits" not in answer
    assert terms.window_bits == int(answer.get("server_max_window_bits") or 15)
    assert terms.peer_window_bits == int(answer.get("client_max_window_bits") or 15)
    assert terms.context_takeover is ("server_no_context_takeover" not in answer)
    assert terms.peer_context_takeover is ("client_no_context_takeover" not in answer)
