"""The door: who becomes a player, who watches, who is turned away and how; seats, and how they are freed."""

import logging
import re
from typing import Any

import pytest

import tickws
from tests.game.helpers import SPEAKS, Table

PAGE = "https://game.example"


def status(table: Table, path: str = "/", *headers: str) -> int:
    """The status of the answer to a request."""
    return int(table.ask(path, SPEAKS, *headers)[9:12])


# What is asked for


@pytest.mark.parametrize("offer", [None, "chat, tickws.2", "TICKWS.1"])
def test_without_the_subprotocol_it_is_400_and_the_answer_says_what_is_spoken(offer: str | None) -> None:
    table = Table()
    said = table.ask("/", *([f"Sec-WebSocket-Protocol: {offer}"] if offer else []))
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"speaks the subprotocol tickws.1; offered: " in said
    assert table.counts.turned_away == {400: 1}
    assert table.events == []


def test_the_subprotocol_is_chosen_among_others() -> None:
    said = Table().ask("/", "Sec-WebSocket-Protocol: chat, tickws.1")
    assert said.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Protocol: tickws.1\r\n" in said


def test_other_paths_are_404() -> None:
    table = Table(path="/game")
    assert [status(table, path) for path in ("/", "/game/", "/gam", "/other", "/game")] == [404, 404, 404, 404, 101]


# Origins


@pytest.mark.parametrize(
    ("origins", "origin", "answer"),
    [
        ("same", None, 101),
        ("same", "http://server.example.com", 101),
        ("same", "http://evil.example", 403),
        ("same", "http://server.example.com:8080", 403),
        ("same", "null", 403),
        (None, "http://evil.example", 101),
        (None, None, 101),
        ([PAGE], PAGE, 101),
        ([PAGE], None, 403),
        ([PAGE], "https://game.example.evil.example", 403),
        ([PAGE, None], None, 101),
        ([re.compile(r"https://[a-z]+\.example")], PAGE, 101),
        ([re.compile(r"https://[a-z]+\.example")], "https://a.example.evil", 403),
        ([re.compile(r"https://[a-z]+\.example")], None, 403),
        ((origin for origin in [PAGE]), PAGE, 101),
        ([], PAGE, 403),
    ],
)
def test_origins(origins: Any, origin: str | None, answer: int) -> None:
    table = Table(origins=origins)
    headers = [] if origin is None else [f"Origin: {origin}"]
    assert status(table, "/", *headers) == answer
    assert status(table, "/", *headers) == answer
    assert table.counts.turned_away == ({} if answer == 101 else {403: 2})


def test_the_refusal_names_the_origin() -> None:
    assert b"the origin http://evil.example may not play here" in Table().ask(
        "/", SPEAKS, "Origin: http://evil.example"
    )


# Seats


def test_a_full_game_answers_503_before_the_upgrade() -> None:
    table = Table(max_players=2)
    first, second = table.raw(), table.raw()
    said = table.ask("/", SPEAKS)
    assert said.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 5" in said
    assert b"the game is full" in said
    assert [first.closed, second.closed] == [None, None]
    assert table.counts.turned_away == {503: 1}
    assert table.counts.players == 2


def test_a_seat_is_taken_before_the_hello() -> None:
    table = Table(max_players=1)
    table.raw(hello=False)
    assert status(table) == 503
    assert table.game.players == ()


def test_a_seat_is_free_again_when_its_player_leaves() -> None:
    table = Table(max_players=1)
    first = table.raw()
    first.socket.close()
    table.run(0.1)
    second = table.raw()
    assert second.welcome.player == 2
    assert [player.id for player in table.game.players] == [2]
    second.socket.abort()
    table.run(0.1)
    assert table.raw().welcome.player == 3


def test_a_seat_is_free_again_when_somebody_leaves_without_a_hello() -> None:
    table = Table(max_players=1)
    raw = table.raw(hello=False)
    raw.socket.close()
    table.run(0.1)
    assert table.raw().welcome.player == 1
    assert table.counts.left == 0


def test_two_who_come_in_one_frame_do_not_get_one_seat() -> None:
    table = Table(max_players=1)
    clients = [table.join(), table.join()]
    table.run(0.1)
    assert sorted(client.connected for client in clients) == [False, True]
    assert table.counts.turned_away == {503: 1}


def test_spectators_by_role() -> None:
    table = Table(spectators=1)
    watcher = table.raw("/?role=spectator")
    assert watcher.welcome.spectator
    assert status(table, "/?role=spectator") == 503
    player = table.raw("/?role=player")
    assert not player.welcome.spectator
    assert [p.id for p in table.game.players] == [2]
    assert [p.id for p in table.game.spectators] == [1]
    assert table.counts.spectators == 1
    watcher.socket.close()
    table.run(0.1)
    assert table.raw("/?role=spectator").welcome.spectator


def test_no_spectators_by_default() -> None:
    assert status(Table(), "/?role=spectator") == 503


def test_who_finds_no_seat_watches_and_does_not_move_up() -> None:
    table = Table(max_players=1, spectators=1)
    player, watcher = table.raw(), table.raw()
    assert (player.welcome.spectator, watcher.welcome.spectator) == (False, True)
    assert status(table) == 503
    player.socket.close()
    table.run(0.1)
    assert table.game.players == ()
    assert [p.id for p in table.game.spectators] == [2]
    assert not table.raw().welcome.spectator


def test_spectators_without_end() -> None:
    table = Table(max_players=1, spectators=None)
    assert [table.raw().welcome.spectator for _ in range(4)] == [False, True, True, True]


# Authentication


def test_what_authenticate_returns_is_the_user() -> None:
    table = Table(authenticate=lambda request: {"name": request.query["name"]})
    table.raw("/?name=Ada")
    (player,) = table.game.players
    assert player.user == {"name": "Ada"}
    assert player.request.query == {"name": "Ada"}


@pytest.mark.parametrize("user", [True, 0, "", ()])
def test_falsy_users_are_users(user: object) -> None:
    table = Table(authenticate=lambda request: user)
    table.raw()
    assert table.player(1).user == user


def test_without_authenticate_the_user_is_true() -> None:
    table = Table()
    table.raw()
    assert table.player(1).user is True


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (None, 401, b"who are you?"),
        (False, 401, b"who are you?"),
        (tickws.Reject(402, "pay first\n"), 402, b"pay first\n"),
        (tickws.Reject(302, headers={"Location": "/login"}), 302, b"Location: /login"),
    ],
)
def test_authenticate_turns_away(answer: Any, code: int, words: bytes) -> None:
    table = Table(authenticate=lambda request: answer, max_players=1)
    said = table.ask("/", SPEAKS)
    assert said.startswith(b"HTTP/1.1 %d " % code)
    assert words in said
    assert table.counts.turned_away == {code: 1}
    table.ask("/", SPEAKS)
    assert table.counts.turned_away == {code: 2}  # and took no seat


def test_authenticate_answers_at_once(caplog: pytest.LogCaptureFixture) -> None:
    async def later(request: tickws.Request) -> None:
        """Lets nobody in, if only somebody waited for it."""

    with pytest.raises(TypeError, match="authenticate is async"):
        Table(authenticate=later)
    answers = [later(None)]  # type: ignore[arg-type]
    table = Table(authenticate=lambda request: answers[0])
    assert table.ask("/", SPEAKS).startswith(b"HTTP/1.1 500 ")
    assert "authenticate answers at once" in caplog.text
    answers.pop().close()


def test_a_seat_is_free_from_the_kick_on() -> None:
    table = Table(max_players=1)
    first = table.raw()
    first.input(table.loop.ticks + 3, 1.0, False)
    table.run(0.1)
    table.line().stall(True)
    table.player(1).kick("enough")
    table.run(0.05)
    assert table.game.players == ()
    assert [(left.code, left.reason) for left in table.of(tickws.PlayerLeft)] == [(1008, "enough")]
    table.raw()
    assert table.player(2) in table.game.players
    table.run(10.0)
    assert len(table.of(tickws.PlayerLeft)) == 1


def test_authenticate_is_asked_last_and_not_for_a_full_game() -> None:
    asked: list[str] = []

    def authenticate(request: tickws.Request) -> bool:
        asked.append(request.target)
        return True

    table = Table(authenticate=authenticate, max_players=1)
    table.ask("/a")
    table.ask("/b", SPEAKS, "Origin: http://evil.example")
    table.raw("/?c")
    status(table, "/?d")
    assert asked == ["/?c"]


def test_each_gets_its_own_user_though_they_come_in_one_frame() -> None:
    table = Table(authenticate=lambda request: request.query["name"])
    for name in ("ada", "bob", "cyd"):
        table.join(query={"name": name})
    table.run(0.2)
    assert [player.user for player in table.game.players] == ["ada", "bob", "cyd"]


def test_an_exception_of_authenticate_is_500_and_goes_where_the_policy_says(caplog: pytest.LogCaptureFixture) -> None:
    def fails(request: tickws.Request) -> bool:
        raise LookupError("no such user")

    table = Table(authenticate=fails, max_players=1)
    with caplog.at_level(logging.ERROR, "tickws"):
        assert status(table) == 500
    assert "no such user" in caplog.text
    assert status(table) == 500  # and took no seat

    told: list[Exception] = []
    table = Table(authenticate=fails, errors=lambda error, source: told.append(error))
    assert status(table) == 500
    assert [type(error) for error in told] == [LookupError]

    table = Table(authenticate=fails, errors="raise")
    with pytest.raises(LookupError):
        status(table)


# Arguments that are none


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"max_players": 0}, ValueError, "max_players cannot be 0"),
        ({"max_players": -1}, ValueError, "max_players"),
        ({"max_players": True}, TypeError, "max_players"),
        ({"max_players": 2.0}, TypeError, "max_players"),
        ({"spectators": -1}, ValueError, "spectators"),
        ({"spectators": "2"}, TypeError, "spectators"),
        ({"authenticate": "secret"}, TypeError, "authenticate"),
        ({"origins": "https://game.example"}, TypeError, "collection"),
        ({"origins": 5}, TypeError, "int"),
    ],
)
def test_misuse(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Table(**options)
