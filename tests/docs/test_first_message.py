"""The first message as a pass (docs/authentication.md): who says it late, never, or says something else."""

from __future__ import annotations

from typing import Any

import pytest

import tickws
from tests.authentication import GOOD, SECRET, Calendar, load
from tests.game.helpers import Table
from tests.transport.peers import House, Peer, binary, frame_of, text


@pytest.fixture
def tokens() -> Any:
    return load("tokens").Tokens(SECRET, clock=Calendar())


class Hall:
    """The recipe's lobby on a memory network; its tick is swept in each frame.

    Args:
        tokens: who is known.
    """

    def __init__(self, tokens: Any) -> None:
        module = load("first_message")
        self.patience: int = module.PATIENCE
        self.lobby = module.Lobby(tokens)
        house = House()
        self.network = house.network
        self.server = tickws.WebSocketServer(self.lobby, network=self.network, port=9000)

    def peer(self) -> Peer:
        """One more client: let in in this frame, whose tick is the first of its patience."""
        peer, before = Peer(self.network, 9000), len(self.server.connections)
        peer.ask()
        while len(self.server.connections) == before:
            self.frames(1)
        return peer

    def frames(self, count: int) -> None:
        for _ in range(count):
            self.server.receive(None)
            self.lobby.sweep()
            self.server.flush(None)
            self.network.clock.advance(1 / 60)


@pytest.fixture
def hall(tokens: Any) -> Hall:
    return Hall(tokens)


def test_first_message_makes_somebody_known(hall: Hall, tokens: Any) -> None:
    stranger, ada, bob = hall.peer(), hall.peer(), hall.peer()
    ada.say(text(tokens.issue("ada")), text("hello"))  # in one packet
    bob.say(text(tokens.issue("bob")))
    hall.frames(3)
    bob.say(text("good day"))
    assert hall.server.broadcast("news", exclude=hall.lobby.strangers) == 2
    hall.frames(hall.patience)
    assert ada.receive() == ["welcome, ada", "ada: 'hello'", "welcome, bob", "news", "bob: 'good day'"]
    assert bob.receive() == ["welcome, bob", "news", "bob: 'good day'"]  # and not what was said before
    assert stranger.receive() == [("close", 1008, "nobody said who it is")]  # and none of it
    assert {ws.data for ws in hall.lobby.known} == {"ada", "bob"}


def test_first_message_never_comes(hall: Hall) -> None:
    peers: dict[Peer, int] = {}
    for _ in range(3):
        peer = hall.peer()
        peers[peer] = hall.lobby.tick
    for peer, first in peers.items():  # each has the same time
        hall.frames(first + hall.patience - 2 - hall.lobby.tick)
        assert peer.receive() == []
        hall.frames(1)
        assert peer.receive() == [("close", 1008, "nobody said who it is")]
        assert hall.lobby.tick == first + hall.patience - 1
    hall.frames(600)
    assert all(peer.gone for peer in peers)
    assert not hall.lobby.strangers
    assert not hall.server.connections


def test_first_message_comes_in_time_by_one_tick_or_too_late(hall: Hall, tokens: Any) -> None:
    early = hall.peer()
    hall.frames(hall.patience - 2)
    early.say(text(tokens.issue("ada")))
    hall.frames(1)
    assert early.receive() == ["welcome, ada"]
    late = hall.peer()
    token = tokens.issue("bob")
    hall.frames(hall.patience - 1)
    late.say(text(token))
    hall.frames(2)
    assert late.receive() == [("close", 1008, "nobody said who it is")]
    assert tokens.redeem(token) == "bob"  # it was not looked at


def test_pings_and_half_messages_buy_no_time(hall: Hall) -> None:
    peer = hall.peer()
    peer.say(text(GOOD)[:-1])
    ponging = hall.peer()
    for _ in range(hall.patience):
        ponging.say(frame_of(0x9, b"still here"))
        hall.frames(1)
    assert peer.receive() == [("close", 1008, "nobody said who it is")]
    assert ("close", 1008, "nobody said who it is") in ponging.receive()


def test_a_server_that_hangs_throws_nobody_out(hall: Hall, tokens: Any) -> None:
    peer = hall.peer()
    hall.network.clock.advance(60.0)
    peer.say(text(tokens.issue("ada")))
    hall.frames(1)
    assert peer.receive() == ["welcome, ada"]


def test_who_leaves_before_is_forgotten(hall: Hall) -> None:
    hall.peer().socket.close()
    hall.frames(2)
    assert not hall.lobby.strangers
    hall.frames(hall.patience)


GARBAGE: dict[str, tuple[bytes, tuple[int, str]]] = {
    "empty": (text(""), (1008, "a token is missing")),
    "garbage": (text("let me in"), (1008, "the token is not ours")),
    "an emoji": (text("🎮"), (1008, "the token is not ours")),
    "binary": (binary(b"\x00\xff"), (1008, "a token is missing")),
    "a token in binary": (binary(GOOD.encode()), (1008, "a token is missing")),
    "1 MiB": (text("A" * (1 << 20)), (1008, "the token is too long")),
    "1 MiB and one byte": (binary(bytes((1 << 20) + 1)), (1009, "message above 1048576 bytes")),
    "no UTF-8": (frame_of(0x1, b"\xff"), (1007, "")),
    "no WebSocket": (b"\xff\xff\xff\xff", (1002, "")),
}


@pytest.mark.parametrize(("said", "closed"), GARBAGE.values(), ids=GARBAGE)
def test_first_message_is_garbage(hall: Hall, tokens: Any, said: bytes, closed: tuple[int, str]) -> None:
    peer, honest = hall.peer(), hall.peer()
    for start in range(0, len(said), 16384):
        peer.say(said[start : start + 16384])
        hall.frames(1)
    peer.listen()
    if not peer.ended:
        peer.socket.send(text(GOOD))  # too late: this one is closed
    hall.frames(3)
    [told] = peer.receive()
    assert told[:2] == ("close", closed[0])  # type: ignore[index]
    assert closed[1] in told[2]  # type: ignore[index]
    assert not hall.lobby.known
    honest.say(text(GOOD))
    hall.frames(1)
    assert honest.receive() == ["welcome, ada"]


# -- the first event of a game ---------------------------------------------------------------------------------------


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def login(table: Table, tokens: Any) -> Any:
    return load("first_event").Login(table.loop, table.game, tokens)


def test_first_event_makes_a_player_somebody(table: Table, login: Any, tokens: Any) -> None:
    ada, nobody = table.join(), table.join()
    table.run(0.2)
    ada.send("login", tokens.issue("ada"))
    ada.send("login", tokens.issue("bob"))  # once is enough
    table.run(1.0)
    assert [(player.id, name) for player, name in login.names.items()] == [(1, "ada")]
    assert len(table.game.players) == 2
    table.run(4.0)
    assert [player.id for player in table.game.players] == [1]
    assert not nobody.connected
    assert [(left.code, left.reason) for left in table.of(tickws.PlayerLeft)] == [(1008, "nobody said who it is")]
    ada.close()
    table.run(0.5)
    assert login.names == {}
    assert login._until == {}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [("", "a token is missing"), ("let me in", "the token is not ours"), ("🎮", "the token is not ours")],
)
def test_first_event_is_garbage(table: Table, login: Any, payload: str, reason: str) -> None:
    client = table.join()
    table.run(0.2)
    client.send("login", payload)
    table.run(0.5)
    assert table.game.players == ()
    assert [(left.code, left.reason) for left in table.of(tickws.PlayerLeft)] == [(1008, reason)]
    assert login.names == {}


def test_first_event_of_another_type_never_reaches_the_recipe(table: Table, login: Any) -> None:
    client = table.join()
    table.run(0.2)
    client.send("login", {"token": 5})
    table.run(5.5)
    assert table.game.players == ()
    assert login.names == {}
