"""Writing under a flood: who says little is answered before who says much, and nobody is forgotten."""

from __future__ import annotations

from typing import Any

from tests.slice.rigs import LOOK, PERIOD, Flooder, Players, Stage
from tests.transport.peers import text
from tickws.transport.websocket import WebSocket


def echo(ws: WebSocket, message: Any) -> None:
    ws.send(message)


def test_players_are_answered_in_the_frame_in_which_they_speak() -> None:
    """Of eighty writes that are due there is time for some forty: the twenty players' are among them, in each frame."""
    stage = Stage(budget=None, costs={"message": 0.0}, on_message=echo)
    players = Players(stage, 20)
    flooders = [Flooder(stage, f"/flooder{number}") for number in range(60)]
    heard = dict.fromkeys(flooders, 0)
    for number in range(20):
        for flooder in flooders:
            flooder.fill()
        for peer in players.peers:
            peer.say(text("x"))
        stage.server.receive(None)
        if number < 5:  # until it is known who says much
            stage.server.flush(None)
            heard = {flooder: len(flooder.peer.listen()) for flooder in flooders}
        else:
            stage.server.flush(40 * LOOK)
        stage.clock.advance(PERIOD)
        assert [peer.receive() for peer in players.peers] == [["x"]] * 20, f"frame {number}"
    assert all(len(flooder.peer.listen()) > before for flooder, before in heard.items()), "they have what is left"
