"""The load generator: it speaks WebSocket, and it notices what a server loses."""

import pytest

import tickws
from benchmarks import loadgen
from benchmarks.payloads import FIRST, Tally, input_number, make_input, make_snapshot, snapshot_number
from benchmarks.peer import split_frames
from benchmarks.player import Player
from tickws.protocol.codec import encode_frame
from tickws.protocol.connection import Connection, Role
from tickws.protocol.events import Pong
from tickws.protocol.handshake import Request

SECONDS = 20.0
"""How long a load generator may take to do what it is told."""


def snapshot_frame(number: int) -> bytes:
    return encode_frame(2, make_snapshot(number), True, b"")


def opened() -> tuple[Player, Connection]:
    """A player that is in, and the server's end of its connection."""
    player = Player(7, "127.0.0.1:1")
    connection = Connection(Role.SERVER, tickws.Limits(), bytes)
    connection.receive(player.out)
    player.out = b""
    request = connection.next_event()
    assert isinstance(request, Request)
    assert request.query == {"player": "7"}
    connection.accept(request)
    player.receive(b"".join(connection.data_to_send()))
    assert player.open
    return player, connection


def test_payloads() -> None:
    assert [len(make_input(number)) for number in (FIRST, 2**32 - 1)] == [24, 24]
    assert [len(make_snapshot(number)) for number in (FIRST, 2**32 - 1)] == [1209, 1209]
    assert input_number(make_input(FIRST + 70_000)) == FIRST + 70_000
    assert snapshot_number(make_snapshot(FIRST + 70_000)) == FIRST + 70_000


@pytest.mark.parametrize(
    ("numbers", "missing", "disordered"),
    [((), 0, 0), ((0, 1, 2), 0, 0), ((0, 2), 1, 0), ((3,), 3, 0), ((0, 1, 1, 2), 0, 1), ((0, 2, 1, 3), 1, 1)],
)
def test_a_tally_notices(numbers: tuple[int, ...], missing: int, disordered: int) -> None:
    tally = Tally()
    for number in numbers:
        tally.take(FIRST + number)
    assert (tally.received, tally.missing, tally.disordered) == (len(numbers), missing, disordered)


def test_a_player_says_its_inputs() -> None:
    player, connection = opened()
    for _ in range(300):
        player.play()
    connection.receive(player.out)
    assert [connection.next_event() for _ in range(301)] == [*map(make_input, range(FIRST, FIRST + 300)), None]
    assert player.result(over=False).sent == 300


@pytest.mark.parametrize("piece", [1, 3, 1000, 1 << 20])
def test_a_player_counts_what_it_gets(piece: int) -> None:
    player, _ = opened()
    stream = b"".join(snapshot_frame(FIRST + number) for number in (0, 1, 3, 3))
    for start in range(0, len(stream), piece):
        player.receive(stream[start : start + piece])
    result = player.result(over=False)
    assert (result.received, result.missing, result.disordered) == (4, 1, 1)
    assert (result.close_code, result.fault) == (None, "")


def test_a_player_answers_ping_and_close() -> None:
    player, connection = opened()
    connection.send_ping(b"there?")
    connection.send_close(1000, "bye")
    player.receive(b"".join(connection.data_to_send()))
    connection.receive(player.out)
    assert connection.next_event() == Pong(b"there?")
    closed = connection.next_event()
    assert (getattr(closed, "code", None), getattr(closed, "fault", None)) == (1000, False)
    assert player.result(over=True).close_code == 1000


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (encode_frame(2, b"x", True, b"mask"), "masked"),
        (encode_frame(1, b"text", True, b""), "nobody asked for"),
        (encode_frame(8, b"", True, b"") + snapshot_frame(FIRST), "behind the Close"),
    ],
)
def test_a_player_complains_of_a_bad_server(data: bytes, fault: str) -> None:
    player, _ = opened()
    player.receive(data)
    assert fault in player.result(over=False).fault


def test_a_player_that_is_turned_away() -> None:
    player = Player(0, "127.0.0.1:1")
    player.receive(b"HTTP/1.1 404 Not Found\r\n\r\n")
    assert "404" in player.result(over=True).fault


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536])
def test_split_frames(size: int) -> None:
    frame = encode_frame(2, bytes(size), True, b"")
    assert split_frames(frame * 2) == ([(0x82, bytes(size))] * 2, b"")
    for cut in {1, 2, 3, 9, len(frame) - 1} & set(range(len(frame))):
        assert split_frames(frame[:cut]) == ([], frame[:cut])


def play(numbers: list[int], *, abort: bool = False) -> loadgen.LoadResult:
    """Let a load generator play five inputs on a server that sends it snapshots of these numbers."""
    clock = tickws.SystemClock()
    give_up = clock.now() + SECONDS
    seen: list[int] = []
    server = tickws.WebSocketServer(port=0, on_message=lambda ws, message: seen.append(input_number(message)))
    with server, loadgen.start(server.port, clients=2, rate=100, inputs=5, most=SECONDS) as players:
        while len(seen) < 10:
            assert clock.now() < give_up
            server.work(0.05)
        for number in numbers:
            assert server.broadcast(make_snapshot(FIRST + number)) == 2
        if abort:
            server.abort()
        server.close(1000)
        while server.work(0.05):
            pass
        result = loadgen.collect(players, SECONDS)
    assert sorted(seen) == sorted([*range(FIRST, FIRST + 5)] * 2)
    assert result is not None
    assert [player.sent for player in result.players] == [5, 5]
    return result


def test_the_generator_notices_a_lost_message() -> None:
    for player in play([0, 1, 3]).players:
        assert (player.received, player.missing, player.disordered, player.close_code) == (3, 1, 0, 1000)


def test_the_generator_ends_with_its_server() -> None:
    assert [player.close_code for player in play([], abort=True).players] == [1006, 1006]


def test_a_generator_that_fails_says_nothing() -> None:
    server = tickws.WebSocketServer(port=0)
    server.abort()
    with loadgen.start(server.port, clients=1, rate=1, inputs=1, most=1) as players:
        assert loadgen.collect(players, SECONDS) is None
    assert players.returncode == 1
