"""A match of the example is played again from what came in: joins, leaves, names, and inputs by tick."""

from functools import reduce

from examples.pong_server.game import Move, State
from examples.pong_server.match import Match, Turn, play
from examples.pong_server.server import RATE
from tests.examples.table import Table


def test_a_recorded_match_replays_to_the_same_final_state() -> None:
    table = Table(seed=11)
    table.run(1.0)
    ada = table.join("Ada")
    table.run(2.0)
    grace = table.join("Grace")
    table.run(0.3)
    ada.client.send("name", {"name": "Augusta"})
    for round_ in range(60):
        ada.do(Move(dy=(-1.0, 0.3, 1.0)[round_ % 3], serve=round_ % 4 == 0))
        grace.do(Move(dy=(0.5, -0.7)[round_ % 2], serve=True))
        table.run(0.7)
    grace.leave()
    table.run(20.0)
    end = table.pong.match
    assert [seat.name for seat in end.seats] == ["Augusta", "computer"]
    assert end.state.serves > 10

    def again(match: Match, turn: Turn) -> Match:
        return play(match, turn, 1 / RATE)[0]

    assert len(table.turns) == table.pong.loop.ticks
    assert reduce(again, table.turns, Match(State(seed=11))) == end
    assert reduce(again, table.turns, Match(State(seed=12))) != end
    without = [turn._replace(moves={}) for turn in table.turns]
    assert reduce(again, without, Match(State(seed=11))) != end
