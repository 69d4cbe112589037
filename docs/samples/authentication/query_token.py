"""A token in the query: ws://game.example/?token=... URLs end in logs, so it is short-lived, and counts once."""

import secrets

from tokens import BadToken, Tokens

import tickws

tokens = Tokens(secrets.token_bytes(32))


def authenticate(request: tickws.Request) -> str | tickws.Reject:
    """Who asks; for a game: `GameServer(authenticate=authenticate)`, and it is `player.user`."""
    try:
        return tokens.redeem(request.query.get("token", ""))
    except BadToken as error:
        return tickws.Reject(401, f"401 Unauthorized: {error}\n")


def on_request(request: tickws.Request) -> bool | tickws.Reject:
    """The same for a server alone: who it is goes along to `on_open`."""
    user = authenticate(request)
    if isinstance(user, tickws.Reject):
        return user
    request.data = user
    return True


def on_open(ws: tickws.WebSocket) -> None:
    ws.data = ws.request.data
    ws.send(f"welcome, {ws.data}")


def main() -> None:
    with tickws.WebSocketServer(port=8056, on_request=on_request, on_open=on_open) as server:
        # In real life your website says this, over https, to somebody who has logged in there.
        print(f"ws://127.0.0.1:{server.port}/?token={tokens.issue('ada')}", flush=True)
        while server.work(0.020):
            pass


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
