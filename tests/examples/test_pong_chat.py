"""The example's chat: names, lines, history; and what it makes of those who say what no page would say."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tickws
from examples.pong_server.__main__ import RATE
from examples.pong_server.chat import HISTORY, LIMITS, LINES_A_SECOND
from examples.pong_server.messages import NAME_LENGTH, TEXT_LENGTH
from tests.examples.room import Room


def test_a_newcomer_hears_who_is_here_and_the_others_hear_of_the_newcomer(room: Room) -> None:
    first = room.join()
    second = room.join()
    assert [message["kind"] for message in second.heard] == ["welcome", "here", "joined"]
    assert second.heard[1]["who"] == first.heard[0]["you"]
    assert first.all("joined")[-1]["who"] == second.heard[0]["you"]
    you = [visitor.heard[0]["you"] for visitor in (first, second)]
    assert you[0]["name"] != you[1]["name"]
    assert you[0]["hue"] != you[1]["hue"]
    assert first.heard[0]["room"] == second.heard[0]["room"]


def test_those_who_stay_hear_of_those_who_leave(room: Room) -> None:
    first, second = room.join(), room.join()
    second.client.close()
    room.turn()
    assert first.all("left") == [{"kind": "left", "who": second.heard[0]["you"]}]
    assert [message["kind"] for message in room.join().heard] == ["welcome", "here", "joined"]


def test_a_line_reaches_everybody_once_with_name_and_colour(room: Room) -> None:
    first, second = room.join(), room.join()
    room.chat.tick = 77
    first.say("say", text=" hello ✨ <b> ")
    room.turn()
    hue = first.heard[0]["you"]["hue"]
    line = {"kind": "line", "name": first.name, "hue": hue, "text": "hello ✨ <b>", "tick": 77}
    assert first.all("line") == second.all("line") == [line]


def test_a_line_of_nothing_is_no_line(room: Room) -> None:
    visitor = room.join()
    visitor.say("say", text=" \n ")
    visitor.say("say", text="")
    room.turn()
    assert not visitor.all("line")
    assert visitor.closed is None


def test_a_newcomer_reads_the_last_lines_in_order(room: Room) -> None:
    talker = room.join()
    for number in range(HISTORY + 7):
        room.chat.tick += RATE
        talker.say("say", text=str(number))
        room.turn(2)
    newcomer = room.join()
    assert [line["text"] for line in newcomer.all("line")] == [str(number) for number in range(7, HISTORY + 7)]
    assert [message["kind"] for message in newcomer.heard[:3]] == ["welcome", "here", "line"]


def test_the_longest_line_in_any_script_passes(room: Room) -> None:
    visitor = room.join()
    for text in ("x" * TEXT_LENGTH, "\N{GRINNING FACE}" * TEXT_LENGTH, "a" + "\0" * (TEXT_LENGTH - 2) + "b"):
        room.chat.tick += RATE
        assert visitor.client.send(json.dumps({"kind": "say", "text": text}, ensure_ascii=text[0] == "a"))
        room.turn()
        assert visitor.all("line")[-1]["text"] == text


def test_an_echo_comes_back_as_it_was_to_the_sender_alone(room: Room) -> None:
    first, second = room.join(), room.join()
    for number in range(3 * LINES_A_SECOND):  # pings are no lines
        first.say("echo", at=number + 0.5)
    room.turn()
    assert [echo["at"] for echo in first.all("echo")] == [number + 0.5 for number in range(3 * LINES_A_SECOND)]
    assert not second.all("echo")


def test_a_visitor_takes_another_name(room: Room) -> None:
    first, second = room.join(), room.join()
    first.say("name", name="  Ada   L. ")
    room.turn()
    assert second.all("renamed") == [
        {"kind": "renamed", "who": {**first.heard[0]["you"], "name": "Ada L."}, "before": first.name}
    ]
    first.say("say", text="it is me")
    room.turn()
    assert second.all("line")[-1]["name"] == "Ada L."
    assert room.join().all("here")[0]["who"]["name"] == "Ada L."


@pytest.mark.parametrize("name", ["", "   ", "\u202egnp", "a\0b", "\u200b"])
def test_a_name_that_cannot_be_seen_is_not_taken(room: Room, name: str) -> None:
    first, second = room.join(), room.join()
    first.say("name", name=name)
    room.turn()
    assert len(first.all("notice")) == 1
    assert not second.all("renamed")
    assert not second.all("notice")
    assert first.closed is None


def test_nobody_takes_the_name_of_somebody_else(room: Room) -> None:
    first, second = room.join(), room.join()
    second.say("name", name=first.name.upper())
    room.turn()
    assert len(second.all("notice")) == 1
    second.say("name", name=second.name.upper())  # one's own, written otherwise
    room.turn()
    assert [message["who"]["name"] for message in first.all("renamed")] == [second.name.upper()]


def test_a_page_that_was_here_gets_its_name_and_colour_back(room: Room) -> None:
    first = room.join("?name=Ada+L.&hue=77")
    assert first.heard[0]["you"] == {"number": 1, "name": "Ada L.", "hue": 77}
    second = room.join("?name=ada+l.&hue=9999999")  # taken, and no colour
    assert second.name.casefold() != "ada l."
    assert second.heard[0]["you"]["hue"] == 2 * 137 % 360
    assert room.join("?name=" + "x" * (NAME_LENGTH + 1) + "&hue=999").heard[0]["you"]["hue"] == 999 % 360


def test_names_do_not_run_out(room: Room) -> None:
    names = {room.join().name for _ in range(200)}
    assert len(names) == 200


def test_too_many_lines_in_a_second_are_not_passed_on(room: Room) -> None:
    first, second = room.join(), room.join()
    for number in range(LINES_A_SECOND + 4):
        first.say("say", text=str(number))
    second.say("say", text="me too")  # each visitor has a count of its own
    room.turn()
    said = [line["text"] for line in second.all("line")]
    assert sorted(said) == sorted([*map(str, range(LINES_A_SECOND)), "me too"])
    assert len(first.all("notice")) == 1
    assert not second.all("notice")
    room.chat.tick += RATE  # the next second
    first.say("say", text="again")
    first.say("name", name="Ada")
    room.turn()
    assert second.all("line")[-1]["text"] == "again"
    assert second.all("renamed")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "{",
        "[]",
        '"say"',
        "{}",
        '{"kind":"shout","text":"x"}',
        '{"kind":"say"}',
        '{"kind":"say","text":5}',
        '{"kind":"say","text":"x","admin":true}',
        '{"kind":"say","text":"\\ud800"}',
        '{"kind":"echo","at":"now"}',
        '{"kind":"echo","at":1e999}',
        '{"kind":"name","name":"' + "x" * (NAME_LENGTH + 1) + '"}',
        '{"kind":"say","text":"' + "x" * (TEXT_LENGTH + 1) + '"}',
        '{"kind":"say","text":"x","' + "\N{GRINNING FACE}" * 500 + '":1}',
        '{"a":' + "[" * 2000 + "]" * 2000 + ',"kind":"say","text":"x"}',
    ],
)
def test_who_says_what_no_page_says_is_closed_with_1007_and_nobody_else(room: Room, text: str) -> None:
    good, bad = room.join(), room.join()
    assert bad.client.send(text)
    room.turn()
    assert bad.closed is not None
    code, reason = bad.closed
    assert code == 1007
    assert reason
    assert good.closed is None
    assert not good.all("line")
    assert good.all("left")


def test_binary_is_closed_with_1003(room: Room) -> None:
    visitor = room.join()
    assert visitor.client.send(b'{"kind":"say","text":"x"}')
    room.turn()
    assert visitor.closed == (1003, "only text is understood here")


def test_too_long_a_message_is_closed_with_1009(room: Room) -> None:
    visitor = room.join()
    assert visitor.client.send("x" * (LIMITS.message_bytes + 1))
    room.turn()
    assert visitor.closed is not None
    assert visitor.closed[0] == 1009


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.binary(max_size=60), max_size=4))
@settings(max_examples=50, deadline=None)
def test_whatever_is_said_harms_nobody_else(messages: list[str | bytes]) -> None:
    room = Room()
    good, bad = room.join(), room.join()
    for message in messages:
        bad.client.send(message)
    room.turn()
    good.say("say", text="still here")
    room.turn()
    assert good.all("line")[-1]["text"] == "still here"
    assert bad.closed is None or bad.closed[0] in (1003, 1007)


@pytest.mark.parametrize(
    ("origin", "let_in"),
    [
        (None, True),
        ("http://127.0.0.1:8056", True),
        ("https://127.0.0.1:8056", True),  # behind something that speaks TLS
        ("http://elsewhere.example", False),
        ("http://127.0.0.1:8057", False),
        ("null", False),
    ],
)
def test_only_our_own_page_may_join(room: Room, origin: str | None, let_in: bool) -> None:
    visitor = room.join(origin=origin)
    assert bool(visitor.heard) is let_in
    if not let_in:
        assert visitor.client.error is not None
        assert visitor.client.error.status == 403


def test_there_is_one_path(room: Room) -> None:
    client = tickws.WebSocketClient("ws://127.0.0.1:8056/other", network=room.network)
    for _ in range(10):
        room.turn(1)
        client.work(None, wait=0)
    assert client.error is not None
    assert client.error.status == 404
