"""Step 6: what a bad line and a bad player do."""

from typing import Any

from step3_server import Move
from step6_visitors import Visited

import tickws
from tickws.testing import Conditions, GameTable


def test_a_press_happens_once_on_a_bad_line() -> None:
    table = GameTable(Move, conditions=Conditions(latency=0.1, jitter=0.1))  # each way, in seconds
    ada = table.join()
    served_in: list[int] = []

    @table.loop.system
    def count(tick: tickws.Tick) -> None:
        served_in.extend(tick.number for player in table.game.players if player.input(tick).serve)

    table.run(1.0)
    ada.send_input(Move(serve=True))
    table.run(1.0)
    assert len(served_in) == 1


class Cheat(tickws.Input):
    """As Move, without its bounds: our own client would refuse to send that, so it is one of their making."""

    dy: float = 0.0
    serve: tickws.Press = False


def test_bad_input_never_reaches_the_game() -> None:
    table = GameTable(Move, max_players=2)
    pong = Visited(table.loop, table.game)
    cheat: tickws.GameClient[Any] = table.join(inputs=Cheat)
    cheat.send_input(Cheat(dy=50.0))  # fifty times as fast; a Move may say -1 to 1
    table.run(1.0)
    assert pong.state.paddles[0].y == 225.0  # it has not moved
    assert not cheat.connected  # the ninth such message was one too many
    assert table.game.statistics().rejected == {1007: 9}
