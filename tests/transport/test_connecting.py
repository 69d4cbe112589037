"""The client that does not open, or not at once: refusals, bad answers, silence, several addresses."""

import errno
import logging
from typing import Any

import pytest

from tests.protocol.helpers import answer_head
from tests.transport.lines import URL, Line, hang_up, over
from tests.transport.peers import ServerEnd
from tickws.protocol.limits import Limits
from tickws.testing import Conditions, MemoryNetwork


def test_a_refused_connection_says_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    line = Line(listens=False)
    line.client.send("early")
    over(line)
    advice = "nobody listens there. Is the server running, and is the port right?"
    assert str(line.error) == f"cannot connect to {URL}: {advice}"
    assert (line.error.errno, line.error.status) == (errno.ECONNREFUSED, None)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == str(line.error)


def test_an_unknown_host_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(network: MemoryNetwork, host: str, port: int) -> Any:
        raise OSError(errno.ENOENT, "Name or service not known")

    monkeypatch.setattr(MemoryNetwork, "resolve", resolve)
    line = Line()
    assert line.client.websocket is None
    over(line)
    assert "the host name is unknown (Name or service not known)" in str(line.error)


def test_a_name_lookup_that_is_interrupted_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(network: MemoryNetwork, host: str, port: int) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(MemoryNetwork, "resolve", resolve)
    with pytest.raises(KeyboardInterrupt):
        Line()


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EMFILE, None])
def test_a_connection_that_fails_at_once_is_no_exception(number: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(network: MemoryNetwork, family: int, address: object) -> Any:
        raise OSError(number, "no") if number else OSError("no")

    monkeypatch.setattr(MemoryNetwork, "connect", connect)
    line = Line()
    over(line)
    assert line.error.errno == number


@pytest.mark.parametrize("status", [200, 301, 401, 404, 426, 500, 503])
def test_a_refusal_carries_its_status(status: int) -> None:
    line = Line()
    line.client.send("early")
    line.accept().say(f"HTTP/1.1 {status} Because\r\nContent-Length: 0\r\n\r\n".encode())
    over(line)
    assert line.error.status == status
    assert f"the server answered with HTTP status {status}" in str(line.error)
    assert dict(line.client.statistics().answered) == {status: 1}


RIGHT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 101 OK\r\n\r\n",
        answer_head(RIGHT),  # right for another key
        answer_head("", "Sec-WebSocket-Extensions: x"),
        b"HTTP/1.1 101 OK\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 70 + b"\r\n",
        b"X" * 20_000,
    ],
)
def test_an_answer_that_is_none_is_refused(answer: bytes) -> None:
    line = Line()
    end = line.accept()
    end.say(answer)
    over(line)
    assert end.gone


@pytest.mark.parametrize("more", ["Sec-WebSocket-Protocol: unoffered", "Sec-WebSocket-Extensions: permessage-deflate"])
def test_an_answer_with_more_than_was_offered_is_refused(more: str) -> None:
    line = Line(subprotocols=["a"])
    line.accept().answer(more)
    over(line)
    assert "not offered" in str(line.error)


@pytest.mark.parametrize("how", ["close", "reset", "end"])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 101"])
def test_a_server_that_goes_away_in_the_handshake_is_an_error(said: bytes, how: str) -> None:
    line = Line()
    end = line.accept()
    end.say(said)
    hang_up(end, how)
    over(line)
    assert "went away" in str(line.error) or "the connection was lost" in str(line.error)


@pytest.mark.parametrize("asked", [True, False])
def test_who_never_answers_is_given_up_once(asked: bool, caplog: pytest.LogCaptureFixture) -> None:
    line = Line(limits=Limits(handshake_seconds=2.0))
    if not asked:
        line.door.close()
        line = Line(limits=Limits(handshake_seconds=2.0), listens=False)
        line.network.sockets[line.client._link.stream.fd].refuse(0)  # type: ignore[union-attr]
        line.network.sockets[line.client._link.stream.fd].connect_at(1 << 61)  # type: ignore[union-attr]
        del caplog.records[:]
    line.run(1.9)
    assert line.client.error is None
    over(line, seconds=0.3)
    assert str(line.error) == f"cannot connect to {URL}: no answer within 2 s"
    assert len(caplog.records) == 1
    assert line.client.statistics().timed_out == 1


# Several addresses


def several(monkeypatch: pytest.MonkeyPatch, ways: str, **options: Any) -> tuple[Line, list[int]]:
    """A client of a name with several addresses: r refuses, x fails at once, s stays silent, o opens."""
    tried: list[int] = []
    real = MemoryNetwork.connect

    def connect(network: MemoryNetwork, family: int, address: Any) -> Any:
        tried.append(address[1])
        way = ways[address[1]]
        if way == "x":
            raise OSError(errno.ENETUNREACH, "unreachable")
        if way == "s":
            return network.dial(8056, conditions=Conditions(latency=1e6))
        return real(network, family, (address[0], 8056 if way == "o" else 1))

    monkeypatch.setattr(MemoryNetwork, "resolve", lambda *_: [(0, ("host", number)) for number in range(len(ways))])
    monkeypatch.setattr(MemoryNetwork, "connect", connect)
    return Line(**options), tried


@pytest.mark.parametrize(
    ("ways", "tried", "opens"),
    [
        ("o", 1, True), ("ro", 2, True), ("xo", 2, True), ("so", 2, True), ("rxso", 4, True), ("oo", 1, True),
        ("r", 1, False), ("x", 1, False), ("rr", 2, False), ("rx", 2, False), ("xr", 2, False), ("sr", 2, False),
    ],
)  # fmt: skip
def test_each_address_is_tried_once_in_order_and_early_words_are_kept(
    ways: str, tried: int, opens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, tries = several(monkeypatch, ways, limits=Limits(handshake_seconds=1.0))
    ws = line.client.websocket
    line.client.send("early")
    line.run(0.1 + ways.count("s"))
    assert tries == list(range(tried))
    assert line.client.websocket is ws or ws is None
    if not opens:
        assert (line.client.error is not None, line.client.work(0)) == (True, False)
        return
    end = ServerEnd(line.door.accept()[0])
    end.answer()
    line.turn(2)
    assert line.log == [("open",)]
    line.client.send("later")
    line.turn()
    assert end.receive() == ["early", "later"]
    assert line.client.error is None


@pytest.mark.parametrize("how", ["abort", "close", "client abort", "client close"])
def test_who_is_closed_while_it_connects_tries_no_further(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line, tries = several(monkeypatch, "so", limits=Limits(handshake_seconds=1.0))
    ws = line.client.websocket
    assert ws is not None
    {"abort": ws.abort, "close": ws.close, "client abort": line.client.abort, "client close": line.client.close}[how]()
    over(line, seconds=1.5)
    assert tries == [0]
    assert "it was closed before that" in str(line.error)
