"""Close in every state, by either side and by both: two of our ends, code and reason at each (RFC 6455 section 7)."""

from collections.abc import Callable, Iterator

import pytest

from tests.transport.ends import Two, Who, other
from tests.transport.peers import SLOW
from tickws.protocol.limits import Limits
from tickws.testing import MemoryNetwork
from tickws.transport.client import WebSocketClient
from tickws.transport.server import WebSocketServer
from tickws.transport.websocket import WebSocket

SIDES = pytest.mark.parametrize("side", ["server", "client"])
LIMITS = Limits(slice_bytes=500)
LONG = bytes(5000)
"""More than a slow line holds: one end's out-buffer is full as long as the other does not read."""
PIECE = bytes(400)
CODES: dict[Who, tuple[int, str]] = {"server": (4001, "the server's"), "client": (4002, "the client's")}


def story() -> Iterator[bytes]:
    for _ in range(12):
        yield PIECE


def queue(two: Two, who: Who) -> list[object]:
    for number in range(3):
        assert two.ws(who).send(f"{number}")
    return ["0", "1", "2"]


def fill(two: Two, who: Who) -> list[object]:
    assert two.ws(who).send(LONG)
    two.run(0.1, who)
    assert two.ws(who).queued_bytes > 3000
    return [LONG]


def tell(two: Two, who: Who) -> list[object]:
    assert two.ws(who).send_fragments(story())
    two.run(0.1, who)
    return [PIECE * 12]


Doing = Callable[[Two, Who], list[object]]
DOINGS: dict[str, Doing] = {"idle": lambda two, who: [], "queued": queue, "full": fill, "telling": tell}
"""What an end may be doing: begins it, and gives the messages that it owes."""
MINE = pytest.mark.parametrize("mine", DOINGS)
THEIRS = pytest.mark.parametrize("theirs", DOINGS)


def begun(mine: str, theirs: str, side: Who) -> tuple[Two, list[object], list[object]]:
    """Two ends that are busy; the messages that `side` owes, and those that the other does."""
    two = Two(conditions=SLOW, limits=LIMITS)
    return two, DOINGS[mine](two, side), DOINGS[theirs](two, other(side))


def over(two: Two) -> bool:
    """Whether both ends are through with it: asserts that nobody broke a rule, and nothing is left."""
    for end in two.ends.values():
        statistics = end.statistics()
        assert (statistics.connections, statistics.open, statistics.opened) == (0, 0, 1)
        assert dict(statistics.faults) == {}
        assert sum(statistics.closed.values()) == 1
    return True


@SIDES
@MINE
@THEIRS
def test_one_closes(mine: str, theirs: str, side: Who) -> None:
    """Both are told what the closer said; what it queued before arrives, what the other queued need not."""
    two, owed, _ = begun(mine, theirs, side)
    two.ws(side).close(*CODES[side])
    two.run(4.0)
    assert two.closes(side) == two.closes(other(side)) == [CODES[side]]
    assert two.heard(other(side)) == owed
    assert two.heard(side) == [], "no message is delivered behind close()"
    assert over(two)


@MINE
@THEIRS
@pytest.mark.parametrize("first", ["server", "client", "nobody"])
def test_both_close_at_once(mine: str, theirs: str, first: str) -> None:
    """Each is told its own Close, or both that which was first on the wire; never each the other's."""
    two, _, _ = begun(mine, theirs, "server")
    for who in two.ends:
        two.ws(who).close(*CODES[who])
    if first == "nobody":
        for end in two.ends.values():
            end.flush(None)
    elif first == "client":
        two.ends["client"].work(None, wait=0)
    two.run(4.0)
    told = two.closes("server"), two.closes("client")
    own = [CODES["server"]], [CODES["client"]]
    assert told in (own, (own[0], own[0]), (own[1], own[1]))
    if first == "nobody" and mine == theirs == "idle":
        assert told == own, "both were on the wire already"
    assert two.heard("server") == two.heard("client") == []
    assert over(two)


@SIDES
@MINE
@THEIRS
def test_the_other_reads_late(mine: str, theirs: str, side: Who) -> None:
    two, owed, _ = begun(mine, theirs, side)
    two.ws(side).close(*CODES[side])
    two.run(3.0, side)
    assert two.closes(side) == []
    two.run(1.5)
    assert two.closes(side) == two.closes(other(side)) == [CODES[side]]
    assert two.heard(other(side)) == owed
    assert over(two)


@SIDES
@MINE
@THEIRS
def test_the_other_never_reads(mine: str, theirs: str, side: Who) -> None:
    """1006 for who waits in vain, when the closing time is over; the other learns what had reached it, once."""
    two, _, _ = begun(mine, theirs, side)
    two.ws(side).close(*CODES[side])
    two.run(4.8, side)
    assert two.closes(side) == []
    two.run(0.4, side)
    assert two.closes(side) == [(1006, "")]
    assert two.ends[side].statistics().timed_out == 1
    two.run(6.0)
    said = mine in ("idle", "queued")  # the others' Close is behind what does not fit
    assert two.closes(other(side)) == [CODES[side] if said else (1006, "")]
    assert over(two)


@SIDES
@MINE
@THEIRS
@pytest.mark.parametrize("also", [False, True])
def test_the_whole_end_closes(mine: str, theirs: str, side: Who, also: bool) -> None:
    """`close` of the server or the client; a WebSocket closed before keeps its own code, and a second is vain."""
    two, owed, _ = begun(mine, theirs, side)
    if also:
        two.ws(side).close(*CODES[side])
    two.ends[side].close(1012, "restart")
    two.ends[side].close(1001, "again")
    two.ws(side).close(4999, "again")
    two.run(4.0)
    assert two.closes(side) == two.closes(other(side)) == [CODES[side] if also else (1012, "restart")]
    assert two.heard(other(side)) == owed
    assert not two.ends[side].work(0)
    assert over(two)


@SIDES
@MINE
@THEIRS
@pytest.mark.parametrize("closing", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_abort(mine: str, theirs: str, side: Who, closing: bool, whole: bool) -> None:
    """Without a word: 1006 at both ends, whatever was said before."""
    two, _, _ = begun(mine, theirs, side)
    if closing:
        two.ws(side).close(*CODES[side])
    (two.ends[side] if whole else two.ws(side)).abort()
    two.run(1.0)
    assert two.closes(side) == two.closes(other(side)) == [(1006, "")]
    assert over(two)


# Before it is open


@pytest.mark.parametrize("turns", [0, 1, 2])
@pytest.mark.parametrize("how", ["server", "client", "client's WebSocket", "on_open", "on_request"])
def test_a_close_in_the_handshake(how: str, turns: int) -> None:
    """Whoever was told of an opening is told of its end, and the code is the closer's; the others hear nothing."""
    network = MemoryNetwork()
    logs: dict[str, list[object]] = {"server": [], "client": []}

    def on_request(request: object) -> bool:
        if how == "on_request":
            server.close(4000, "early")
        return True

    def on_open(ws: WebSocket) -> None:
        logs["server"].append("open")
        if how == "on_open":
            ws.close(4000, "early")

    server = WebSocketServer(
        network=network,
        on_request=on_request,
        on_open=on_open,
        on_close=lambda ws, code, reason: logs["server"].append((code, reason)),
    )
    client = WebSocketClient(
        f"ws://127.0.0.1:{server.port}/",
        network=network,
        on_open=lambda ws: logs["client"].append("open"),
        on_close=lambda ws, code, reason: logs["client"].append((code, reason)),
    )
    for _ in range(turns):
        client.work(None, wait=0)
        server.work(None, wait=0)
    ws = client.websocket
    assert ws is not None
    if how == "server":
        server.close(4000, "early")
    elif how == "client":
        client.close(4000, "early")
    elif how == "client's WebSocket":
        ws.close(4000, "early")
    for _ in range(120):
        client.work(None, wait=0)
        server.work(None, wait=0)
        network.clock.advance(1 / 60)
    if how in ("on_open", "client's WebSocket") or (how == "server" and turns == 2):
        assert logs["server"] == logs["client"] == ["open", (4000, "early")]
    elif how == "client" and turns:
        assert logs == {"server": ["open", (1006, "")], "client": []}, "it had asked, and hung up before the answer"
    else:
        assert logs == {"server": [], "client": []}
        assert client.error is not None
    assert not client.work(0)
    assert client.statistics().connections == server.statistics().connections == 0
    server.abort()
