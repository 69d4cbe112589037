"""Reading a head within bounds, before h11 sees it; and its fields by name."""

import pytest

from tests.protocol.helpers import cuts, request_head
from tickws.errors import HTTPFault
from tickws.protocol.http import Headers, HeadReader, reason_phrase
from tickws.protocol.limits import Limits

LIMITS = Limits(header_bytes=200, header_count=5)
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def read(data: bytes, limits: Limits = LIMITS) -> list[tuple[bytes, bytes] | None]:
    """What a reader says of `data` in every cut, a fault as its status; bytes behind the head are put together."""
    outcomes: list[tuple[bytes, bytes] | None] = []
    for chunks in cuts(data):
        reader, found = HeadReader(limits), None
        for chunk in chunks:
            if found is None:
                found = reader.receive(chunk)
            else:
                found = (found[0], found[1] + chunk)
        outcomes.append(found)
    return outcomes


def refused(data: bytes, limits: Limits = LIMITS) -> tuple[int, str]:
    """The one fault that `data` is in every cut."""
    faults = set()
    for chunks in cuts(data):
        reader = HeadReader(limits)
        try:
            while chunks and reader.receive(chunks.pop(0)) is None:
                pass
        except HTTPFault as fault:
            faults.add((fault.status, fault.reason))
        else:
            faults.add((0, "no fault"))
    assert len(faults) == 1, faults
    return faults.pop()


def lines(count: int) -> bytes:
    return request_head("GET / HTTP/1.1", {f"X-{i}": "y" for i in range(count)})


def padded(size: int) -> bytes:
    """A head of `size` bytes."""
    return HEAD[:-2] + b"X: " + b"y" * (size - len(HEAD) - 5) + b"\r\n\r\n"


# HeadReader


@pytest.mark.parametrize("rest", [b"", b"\x81\x00", b"\r\n\r\n", HEAD])
def test_reads_a_head_and_leaves_what_is_behind_it(rest: bytes) -> None:
    assert set(read(HEAD + rest)) == {(HEAD, rest)}


def test_waits_for_the_blank_line() -> None:
    assert set(read(HEAD[:-1])) == {None}
    assert HeadReader(LIMITS).receive(b"") is None


def test_reads_one_head_after_the_other() -> None:
    reader = HeadReader(LIMITS)
    assert reader.receive(HEAD + b"HTTP") == (HEAD, b"HTTP")
    assert reader.receive(b"HTTP") is None
    assert reader.receive(b"/1.1 200 OK\r\n\r\n.") == (b"HTTP/1.1 200 OK\r\n\r\n", b".")


def test_header_bytes_at_the_limit_and_above() -> None:
    assert set(read(padded(200) + b"z" * 300)) == {(padded(200), b"z" * 300)}
    assert refused(padded(201)) == (431, "header above 200 bytes")
    assert refused(padded(202)) == (431, "header above 200 bytes")


def test_header_bytes_without_an_end() -> None:
    """Refused with the first byte above the limit; what a head may hold is held."""
    assert HeadReader(LIMITS).receive(b"G" * 200) is None
    assert refused(b"G" * 201) == (431, "header above 200 bytes")
    reader = HeadReader(LIMITS)
    for _ in range(200):
        assert reader.receive(b"\n") is None
    with pytest.raises(HTTPFault, match="header above 200 bytes"):
        reader.receive(b"\n")


def test_header_count_at_the_limit_and_above() -> None:
    assert set(read(lines(5))) == {(lines(5), b"")}
    assert refused(lines(6)) == (431, "more than 5 header lines")
    assert refused(lines(7)) == (431, "more than 5 header lines")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "folded"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n", "folded"),
        (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "folded"),
        (b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "folded"),
        (b"GET / HTTP/1.1\nHost: a\r\n\r\n", "bare line feed"),
        (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "bare line feed"),
        (b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "bare line feed or carriage return"),
        (b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "bare line feed or carriage return"),
        (b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bare line feed"),
    ],
)
def test_refuses_lines_that_h11_would_mend(data: bytes, reason: str) -> None:
    """RFC 9112 sections 2.2 and 5.2."""
    status, said = refused(data)
    assert status == 400
    assert reason in said


def test_knows_tls_by_its_first_byte() -> None:
    assert refused(b"\x16") == refused(bytes.fromhex("160301020001"))
    status, said = refused(b"\x16")
    assert (status, "not TLS" in said) == (400, True)


# Headers


def test_headers_by_name_in_any_case() -> None:
    headers = Headers([(b"Host", b"a"), (b"X-Name", b"gr\xfc\xdfe")])
    assert (headers["HOST"], headers["x-name"], headers.get("X-NAME")) == ("a", "grüße", "grüße")
    assert ("hOsT" in headers, "none" in headers, headers.get("none")) == (True, False, None)
    assert (list(headers), len(headers)) == (["host", "x-name"], 2)
    assert repr(headers) == "Headers({'host': 'a', 'x-name': 'grüße'})"
    with pytest.raises(KeyError):
        headers["none"]


def test_fields_that_come_twice_are_joined() -> None:
    """RFC 9110 section 5.3; cookies with a semicolon (RFC 9113 section 8.2.3)."""
    headers = Headers([(b"X", b"1"), (b"Cookie", b"a=1"), (b"x", b"2"), (b"cookie", b"b=2"), (b"X", b"3")])
    assert dict(headers) == {"x": "1, 2, 3", "cookie": "a=1; b=2"}


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        (b"", []),
        (b",", []),
        (b"a", ["a"]),
        (b"a,b", ["a", "b"]),
        (b" a\t, ,b ,\t,a", ["a", "b", "a"]),
        (b"keep-alive, Upgrade", ["keep-alive", "Upgrade"]),
    ],
)
def test_tokens(value: bytes, tokens: list[str]) -> None:
    assert Headers([(b"X", value)]).tokens("x") == tokens
    assert Headers([]).tokens("x") == []


@pytest.mark.parametrize(("status", "words"), [(404, "Not Found"), (101, "Switching Protocols"), (299, ""), (0, "")])
def test_reason_phrase(status: int, words: str) -> None:
    assert reason_phrase(status) == words
