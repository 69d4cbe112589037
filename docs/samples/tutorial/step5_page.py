"""Step 5: the same server, and a page on the same port."""

from pathlib import Path

from step3_server import Move, Pong

import tickws

PAGE = Path(__file__).with_name("step5_page.html")


def main() -> None:
    loop = tickws.TickLoop(rate=60)
    game = tickws.GameServer(port=8056, inputs=Move, snapshot_rate=20, max_players=2, files={"/": PAGE})
    loop.add(game, budget=0.004)
    Pong(loop, game)
    print("Pong at http://127.0.0.1:8056/, Ctrl-C ends it", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
