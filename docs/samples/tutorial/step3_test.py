"""Step 3: tests of the server, without sockets and without waiting."""

from rules import HEIGHT, LEFT, RIGHT
from step3_server import Move, Pong

from tickws.testing import GameTable


def test_a_player_moves_the_left_paddle_and_nobody_else_does() -> None:
    table = GameTable(Move, max_players=2)
    pong = Pong(table.loop, table.game)
    ada, grace = table.join(), table.join()
    ada.send_input(Move(dy=-1.0))
    table.run(0.3)  # 18 ticks; no time passes
    assert pong.state.paddles[LEFT].y < HEIGHT / 2
    assert pong.state.paddles[RIGHT].y == HEIGHT / 2
    assert grace.state()["left"]["y"] < HEIGHT / 2
    assert grace.state()["seats"] == {"left": ada.player, "right": grace.player}


def test_who_leaves_is_replaced_by_the_robot() -> None:
    table = GameTable(Move, max_players=2)
    pong = Pong(table.loop, table.game)
    ada = table.join()
    ada.send_input(Move(serve=True))
    table.run(0.3)
    assert pong.state.ball.vx > 0
    ada.close()
    table.run(0.3)
    assert pong.seats == [None, None]
