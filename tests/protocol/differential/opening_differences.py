"""Where `websockets` lets others in than tickws does, or answers otherwise: all that is known, and what decides it."""

import re

from tests.protocol.differential.heads import ANSWER, REQUEST, HeadDifference, Pair, joined

CONTROL = "[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]"


def with_line(*lines: str, base: list[str] = REQUEST) -> list[str]:
    return [*base, *lines]


def replaced(first: str, base: list[str] = REQUEST) -> list[str]:
    return [first, *base[1:]]


def listed(pair: Pair, name: str) -> list[str]:
    """The elements of a header, empty ones too."""
    return [element.strip(" \t") for value in pair.values(name) for element in value.split(",")]


def target(pair: Pair) -> str:
    return pair.lines[0].split(" ")[1] if pair.lines[0].count(" ") == 2 else ""


def is_malformed(pair: Pair) -> bool:
    """Whether theirs takes it for no HTTP at all."""
    return pair.mine.status == 400 and pair.theirs.status == 0


def version_of(pair: Pair) -> str:
    return pair.lines[0].rpartition(" HTTP/")[2]


REQUESTS = [
    HeadDifference(
        "Host may be missing, empty or doubled",
        "RFC 6455 section 4.2.1, item 2; RFC 9112 section 3.2",
        '"A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host '
        'header field and to any request message that contains more than one Host header field line"; they leave it to '
        "their caller",
        lambda pair: pair.only_theirs and (len(pair.values("host")) != 1 or "" in pair.values("host")),
        [line for line in REQUEST if not line.startswith("Host")],
    ),
    HeadDifference(
        "any text is a request target",
        "RFC 6455 sections 3 and 4.2.1, item 1; RFC 9112 section 3.2",
        "a GET has a path, or an http URL, and no fragment",
        lambda pair: (
            pair.only_theirs and re.fullmatch(r"(/[^#]*|https?://[^/?#]+([/?][^#]*)?)", target(pair), re.I) is None
        ),
        replaced("GET /chat#here HTTP/1.1"),
    ),
    HeadDifference(
        "no version of HTTP is above 1.1",
        "RFC 6455 section 4.2.1, item 1",
        '"An HTTP/1.1 or higher GET request"',
        lambda pair: pair.only_mine and version_of(pair) in ("1.2", "2.0"),
        replaced("GET /chat HTTP/1.2"),
    ),
    HeadDifference(
        "Upgrade may name nothing but websocket, and once",
        "RFC 6455 section 4.2.1, item 3; RFC 9110 section 7.8",
        "Upgrade is a list, \"containing the value 'websocket'\"; the server takes of it what it speaks",
        lambda pair: pair.only_mine and len([name for name in listed(pair, "upgrade") if name]) > 1,
        with_line("Upgrade: h2c"),
    ),
    HeadDifference(
        "a subprotocol may be offered twice",
        "RFC 6455 section 4.1, item 10; section 4.2.1",
        '"The elements that comprise this value [...] MUST all be unique strings"',
        lambda pair: pair.only_theirs and len(set(names := listed(pair, "sec-websocket-protocol"))) < len(names),
        with_line("Sec-WebSocket-Protocol: chat"),
    ),
    HeadDifference(
        "a line of a list may not be empty, where another has elements",
        "RFC 6455 section 11.3.4; RFC 9110 sections 5.3 and 5.6.1.2",
        "lines of one name are one list, whose empty elements a recipient must ignore",
        lambda pair: (
            pair.only_mine
            and any(
                not value.strip(", \t") and any(listed(pair, name))
                for name in ("sec-websocket-protocol", "connection", "upgrade")
                for value in pair.values(name)
            )
        ),
        with_line("Sec-WebSocket-Protocol:"),
    ),
    HeadDifference(
        "extensions are not looked at where none are spoken",
        "RFC 6455 sections 4.2.1 and 9.1",
        '"violations of the ABNF grammar specified for the components of the handshake" are answered with an error',
        lambda pair: pair.only_theirs and ";" in pair.values("sec-websocket-extensions"),
        with_line("Sec-WebSocket-Extensions: ;"),
    ),
    HeadDifference(
        "one Origin line may have several origins",
        "RFC 6455 section 4.2.1, item 7; RFC 6454 section 7.1",
        "an origin has no comma in it; lines that a proxy has joined are still several",
        lambda pair: pair.only_theirs and any("," in value for value in pair.values("origin")),
        with_line("Origin: http://a, http://b"),
    ),
    HeadDifference(
        "the length 0 may be written in one way only",
        "RFC 9110 section 8.6",
        "Content-Length is 1*DIGIT, and what repeats itself may be taken for one",
        lambda pair: pair.only_mine and bool(re.search("00|0, ?0", "".join(pair.values("content-length")))),
        with_line("Content-Length: 00"),
    ),
    HeadDifference(
        "no control character may stand in a value that nobody reads",
        "RFC 9110 section 5.5",
        '"recipients MAY retain such characters for the sake of robustness"; NUL, CR and LF are refused',
        lambda pair: pair.only_mine and pair.has(f"X: {CONTROL}[ \t]*"),
        with_line("X: \x01"),
    ),
]

STATUSES = [
    HeadDifference(
        "what is no HTTP gets no answer",
        "RFC 6455 section 4.2.1",
        '"return an HTTP response with an appropriate error code (such as 400 Bad Request)"',
        is_malformed,
        with_line(" folded"),
    ),
    HeadDifference(
        "HTTP/1.0 is a version that is not supported",
        "RFC 6455 section 4.2.1; RFC 9110 section 15.6.6",
        "505 is for a major version; 1.0 is understood, and is no WebSocket handshake",
        lambda pair: (pair.mine.status, pair.theirs.status) == (400, 505) and version_of(pair) == "1.0",
        replaced("GET /chat HTTP/1.0"),
    ),
    HeadDifference(
        "the method is looked at before the target",
        "RFC 9112 section 3.2",
        "a target that is malformed is a 400 with any method",
        lambda pair: (
            (pair.mine.status, pair.theirs.status) == (400, 405) and pair.lines[0].startswith(("CONNECT", "OPTIONS *"))
        ),
        replaced("OPTIONS * HTTP/1.1"),
    ),
    HeadDifference(
        "every request is for a WebSocket",
        "RFC 6455 section 4.2.1, item 3; RFC 9110 section 7.8",
        "one without websocket in Upgrade is plain HTTP, which the application answers",
        lambda pair: pair.mine.status == 200 and "websocket" not in (name.lower() for name in listed(pair, "upgrade")),
        [line for line in REQUEST if not line.startswith("Upgrade")],
    ),
    HeadDifference(
        "426 where Connection does not say Upgrade",
        "RFC 6455 sections 4.2.1, item 4, and 4.4",
        "the request is malformed; 426 is for another version than 13, and names the right one",
        lambda pair: (
            (pair.mine.status, pair.theirs.status) == (400, 426)
            and "upgrade" not in (name.lower() for name in listed(pair, "connection"))
        ),
        [line for line in REQUEST if not line.startswith("Connection")],
    ),
    HeadDifference(
        "400 where the version is not 13",
        "RFC 6455 sections 4.2.2, item 4, and 4.4",
        '"an appropriate HTTP error code (such as 426 Upgrade Required) and a |Sec-WebSocket-Version| header field"',
        lambda pair: (
            (pair.mine.status, pair.theirs.status) == (426, 400) and pair.values("sec-websocket-version") != ["13"]
        ),
        [line.replace(": 13", ": 8") for line in REQUEST],
    ),
]

ANSWERS = [
    HeadDifference(
        "the status line must be of HTTP/1.1, with a space behind the status and only text behind that",
        "RFC 6455 section 4.1, items 1 to 6; RFC 9112 section 4",
        'what the client must check is the status code; "A client SHOULD ignore the reason-phrase content"',
        lambda pair: (
            pair.only_mine
            and re.fullmatch(f"HTTP/[12][.][0-9] 101( [^\r]*{CONTROL}[^\r]*)?|HTTP/(1.0|2.0) 101 .*", pair.lines[0])
            is not None
        ),
        replaced("HTTP/1.1 101", ANSWER),
    ),
    HeadDifference(
        "a status may have four digits",
        "RFC 9112 section 4",
        "status-code = 3DIGIT",
        lambda pair: pair.only_theirs and pair.lines[0].startswith("HTTP/1.1 0101"),
        replaced("HTTP/1.1 0101 x", ANSWER),
    ),
    HeadDifference(
        "an interim answer is the answer",
        "RFC 9110 section 15.2",
        '"A client MUST be able to parse one or more 1xx responses received prior to a final response"',
        lambda pair: pair.only_mine and b"\r\n\r\nHTTP/" in joined(pair.lines),
        replaced("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 x", ANSWER),
    ),
    HeadDifference(
        "Upgrade may have empty elements",
        "RFC 6455 section 4.1, item 2",
        "\"contains a value that is not an ASCII case-insensitive match for the value 'websocket'\": fail",
        lambda pair: pair.only_theirs and listed(pair, "upgrade") != ["websocket"],
        [line.replace(": websocket", ": ,websocket,") for line in ANSWER],
    ),
    HeadDifference(
        "a length or a coding that makes no sense does not matter",
        "RFC 9110 section 8.6; RFC 9112 section 6.1",
        '"A server MUST NOT send" Content-Length, nor Transfer-Encoding, with a status of 1xx; one that is valid is '
        "let pass, one that is none makes the whole head doubtful",
        lambda pair: (
            pair.only_theirs
            and (
                any(not value.isdigit() for value in pair.values("content-length"))
                or len(set(pair.values("content-length"))) > 1
                or len(pair.values("transfer-encoding")) > 1
            )
        ),
        with_line("Content-Length: x", base=ANSWER),
    ),
    HeadDifference(
        "no control character may stand in a value that nobody reads",
        "RFC 9110 section 5.5",
        '"recipients MAY retain such characters for the sake of robustness"; NUL, CR and LF are refused',
        lambda pair: pair.only_mine and pair.has(f"X: {CONTROL}[ \t]*"),
        with_line("X: \x01", base=ANSWER),
    ),
]
