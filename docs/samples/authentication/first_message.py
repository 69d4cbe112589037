"""A token in the first message. Until it has come a stranger is inside: with little time, deaf and mute."""

import secrets
import time

from tokens import BadToken, Tokens

import tickws

RATE = 60
PATIENCE = 5 * RATE  # ticks


class Lobby(tickws.Handler):
    """Who is known has `ws.data`. Count time in ticks: then nobody is late because this program hung."""

    def __init__(self, tokens: Tokens, patience: int = PATIENCE) -> None:
        self.tokens = tokens
        self.patience = patience
        self.tick = 0
        self.strangers: dict[tickws.WebSocket, int] = {}  # until which tick, the first to come first
        self.known: set[tickws.WebSocket] = set()

    def on_open(self, ws: tickws.WebSocket) -> None:
        self.strangers[ws] = self.tick + self.patience

    def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        if ws in self.known:
            self.say(f"{ws.data}: {message!r}")
            return
        try:
            ws.data = self.tokens.redeem(message if isinstance(message, str) else "")
        except BadToken as error:
            ws.close(1008, str(error))  # HTTP's 401 is out of reach by now
            return
        del self.strangers[ws]
        self.known.add(ws)
        self.say(f"welcome, {ws.data}")

    def on_close(self, ws: tickws.WebSocket, code: int, reason: str) -> None:
        self.strangers.pop(ws, None)
        self.known.discard(ws)

    def say(self, message: str) -> None:
        """To who is known. `server.broadcast` would tell strangers, too: or say `exclude=lobby.strangers`."""
        for ws in self.known:
            ws.send(message)

    def sweep(self) -> None:
        """Once a tick: close those who have been silent for too long. They came in order, so it looks at few."""
        self.tick += 1
        while self.strangers:
            ws, until = next(iter(self.strangers.items()))
            if self.tick < until:
                break
            del self.strangers[ws]
            ws.close(1008, "nobody said who it is")


def main() -> None:
    tokens = Tokens(secrets.token_bytes(32))
    lobby = Lobby(tokens)
    with tickws.WebSocketServer(lobby, port=8056) as server:
        print(f"ws://127.0.0.1:{server.port}/ whose first message is {tokens.issue('ada')}", flush=True)
        due = time.perf_counter()
        while True:
            server.receive(0.003)
            lobby.sweep()
            server.flush(0.001)
            due += 1 / RATE
            time.sleep(max(0.0, due - time.perf_counter()))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
