"""Step 6: a client without a window. It watches, prints what happens, and says what is on the command line."""

import sys
from typing import Any

import tickws


def main(url: str, words: str) -> None:
    client: tickws.GameClient[tickws.Input] = tickws.GameClient(url, role="spectator")

    @client.bus.on(tickws.Connected)
    def connected(event: tickws.Connected) -> None:
        if words:
            client.send("chat", {"text": words})

    @client.message("point", dict[str, int])
    def point(score: dict[str, int]) -> None:
        print(f"{score['left']} : {score['right']}", flush=True)

    @client.message("chat")
    def chat(said: dict[str, Any]) -> None:
        print(f"{said['who']} says: {said['text']}", flush=True)

    try:
        while client.work(wait=0.1):  # sleeps here, until something comes
            pass
    except KeyboardInterrupt:
        client.close()


if __name__ == "__main__":
    main("ws://127.0.0.1:8056/", " ".join(sys.argv[1:]))
