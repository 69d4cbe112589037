"""A bare loop with a fixed timestep: receive, tick, flush, sleep until the next tick is due."""

import time

import tickws

RATE = 60
inputs: list[str | bytes] = []  # what came since the last tick
moves: list[str | bytes] = []  # the state of this very simple game


def on_message(ws: tickws.WebSocket, message: str | bytes) -> None:
    inputs.append(message)


def simulate(tick: int) -> str:
    """One step of the game: use up the inputs, give the new state."""
    moves.extend(inputs)
    inputs.clear()
    return f"tick {tick}: {len(moves)} moves"


def main() -> None:
    with tickws.WebSocketServer(port=8056, on_message=on_message) as server:
        tick, due = 0, time.perf_counter()
        while True:
            server.receive(0.003)
            state = simulate(tick)
            if tick % 3 == 0:  # 20 snapshots a second; a slow client skips some, and never sees an old one
                server.broadcast_latest("state", state)
            server.flush(0.001)

            tick, due = tick + 1, due + 1 / RATE
            time.sleep(max(0.0, due - time.perf_counter()))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
