"""The example's server on a memory network and a manual clock: who gets a paddle, who watches, what everybody sees."""

from itertools import pairwise
from typing import Any

import pytest

from examples.pong_server.game import SIDES, WINNING_SCORE, Move
from examples.pong_server.match import NAME_LENGTH
from tests.examples.table import Guest, Table


@pytest.fixture
def table() -> Table:
    """A server that plays with itself."""
    return Table()


def names(world: dict[Any, dict[str, Any]]) -> list[str]:
    return [world[side]["name"] for side in SIDES]


def test_a_guest_takes_a_paddle_from_the_computer_and_a_second_one_the_other(table: Table) -> None:
    ada = table.join("Ada")
    table.run(0.5)
    assert names(ada.world) == ["Ada", "computer"]
    assert ada.side == "left"
    grace = table.join("Grace")
    table.run(0.5)
    assert names(ada.world) == names(grace.world) == ["Ada", "Grace"]
    assert (ada.side, grace.side) == ("left", "right")


def test_who_leaves_gives_the_paddle_back(table: Table) -> None:
    ada, grace = table.join("Ada"), table.join("Grace")
    table.run(0.5)
    ada.leave()
    table.run(0.5)
    assert names(grace.world) == ["computer", "Grace"]
    assert grace.world["left"]["player"] is None
    linus = table.join("Linus")
    table.run(0.5)
    assert names(grace.world) == ["Linus", "Grace"]
    assert linus.side == "left"


def test_a_third_one_watches_and_sees_the_same(table: Table) -> None:
    guests = [table.join(name) for name in ("Ada", "Grace", "Linus")]
    table.run(0.5)
    linus = guests[2]
    assert [guest.client.spectator for guest in guests] == [False, False, True]
    assert linus.side is None
    assert linus.world["match"]["watching"] == 1
    assert names(linus.world) == ["Ada", "Grace"]
    table.run(2.0)
    assert linus.world == guests[0].world


def test_who_wants_to_watch_takes_no_paddle(table: Table) -> None:
    watcher = table.join("Ada", role="spectator")
    table.run(0.5)
    assert watcher.client.spectator
    assert names(watcher.world) == ["computer", "computer"]


def test_a_held_key_moves_that_paddle_at_its_speed_and_no_other(table: Table) -> None:
    ada, grace = table.join("Ada"), table.join("Grace")
    table.run(0.5)
    before = {side: ada.world[side]["y"] for side in SIDES}
    grace.do(Move(dy=-1.0))
    table.run(0.25)
    assert grace.world["right"]["y"] < before["right"] - 0.5
    assert grace.world["left"]["y"] == before["left"]
    table.run(2.0)
    assert ada.world["right"]["y"] == pytest.approx(0.9)


def test_ball_scores_and_events_arrive(table: Table) -> None:
    ada = table.join("Ada")
    ada.do(Move(dy=1.0))  # into the corner, and stays there
    table.run(30.0)
    kinds = {kind for kind, _ in ada.heard}
    assert {"serve", "hit", "point"} <= kinds
    assert ada.world["right"]["score"] >= 3
    points = sum(kind == "point" for kind, _ in ada.heard)
    assert points == sum(ada.world[side]["score"] for side in SIDES)
    assert all(set(event) == {"side", "x", "y", "speed"} for _, event in ada.heard)


def test_the_ball_is_never_seen_to_fly_back_to_the_middle(table: Table) -> None:
    ada = table.join("Ada")
    ada.do(Move(dy=1.0))
    seen: list[tuple[float, float]] = []
    while not any(kind == "point" for kind, _ in ada.heard):
        table.run(1 / 60)
        seen.append((ada.world["ball"]["x"], ada.world["ball"]["y"]) if ada.world else (8.0, 4.5))
        assert len(seen) < 60 * 60
    for _ in range(30):
        table.run(1 / 60)
        seen.append((ada.world["ball"]["x"], ada.world["ball"]["y"]))
    assert seen[-1] == (8.0, 4.5)
    jump = next(i for i, (at, then) in enumerate(pairwise(seen)) if abs(then[0] - at[0]) > 1)
    assert seen[jump + 1] == (8.0, 4.5)


def test_space_serves_at_once(table: Table) -> None:
    ada = table.join("Ada")
    table.run(0.3)
    assert ada.world["match"]["serving"] is not None
    while ada.world["match"]["serving"] != "left":
        ada.do(Move(dy=-1.0))
        table.run(0.1)
    ada.heard.clear()
    ada.do(Move(serve=True))
    table.run(0.1)
    assert [kind for kind, _ in ada.heard] == ["serve"]


def test_a_name_is_cut_cleaned_and_can_be_changed(table: Table) -> None:
    ada = table.join("  Ada \u202e  Lovelace, Countess of\n")
    nameless = table.join("\u200b ")
    table.run(0.5)
    assert ada.world["left"]["name"] == "Ada Lovelace, Co"
    assert len(ada.world["left"]["name"]) == NAME_LENGTH
    assert ada.world["right"]["name"] == f"guest {nameless.client.player}"
    ada.client.send("name", {"name": "Augusta"})
    table.run(0.5)
    assert nameless.world["left"]["name"] == "Augusta"
    ada.client.send("name", {"name": "x" * 65})
    ada.client.send("name", {"name": 5})
    table.run(0.5)
    assert nameless.world["left"]["name"] == "Augusta"


def test_somebody_new_begins_a_new_match(table: Table) -> None:
    table.run(60.0)
    assert sum(paddle.score for paddle in table.pong.match.state.paddles) > 0
    ada = table.join("Ada")
    table.run(0.5)
    assert [ada.world[side]["score"] for side in SIDES] == [0, 0]


def test_a_match_is_won_and_the_next_one_begins(table: Table) -> None:
    ada = table.join("Ada")
    ada.do(Move(dy=1.0))
    table.run_until(lambda: any(kind == "won" for kind, _ in ada.heard), 900.0)
    table.run(0.2)
    assert (ada.world["match"]["winner"], ada.world["right"]["score"]) == ("right", WINNING_SCORE)
    table.run(6.0)
    assert ada.world["match"]["winner"] is None
    assert ada.world["right"]["score"] < WINNING_SCORE


def test_the_client_may_be_a_bot(table: Table) -> None:
    """The bots' own way to play, against the computer."""
    from examples.pong_server.bots import Bot

    bot = Bot("http://127.0.0.1:8056/", 1, network=table.network)
    table.guests.append(Guest(bot.client))
    returned = 0
    for _ in range(60 * 60):
        table.run(1 / 60)
        assert bot.step()
        returned = sum(kind == "hit" and event["side"] == "left" for kind, event in table.guests[0].heard)
        if returned >= 3:
            break
    assert bot.side == "left"
    assert returned >= 3
