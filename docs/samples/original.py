"""The original's own program: port 8056, at most 20 connections, path /ws, subprotocol "protocol1"."""

import tickws


class Test(tickws.Handler):
    def on_request(self, request: tickws.Request) -> tickws.Accept | bool:
        if "protocol1" not in request.subprotocols:
            return False
        if request.path == "/ws":
            return tickws.Accept(subprotocol="protocol1")
        return False

    def on_open(self, ws: tickws.WebSocket) -> None:
        print("New websocket connection", ws.remote_address)

    def on_close(self, ws: tickws.WebSocket, code: int, reason: str) -> None:
        print("websocket connection closed", ws.remote_address, code)

    def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        print(f"Message: [{message!r}]")
        ws.send("Oh yeah! It works!")


def main() -> None:
    # listen on port 8056, max 20 connections
    server = tickws.WebSocketServer(Test(), port=8056, max_connections=20)
    while server.work(0.020):  # give it some processing time: waits at most 20 ms for something to do
        pass  # the rest of the application


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
