"""A token among the subprotocols: new WebSocket(url, ["chat.1", "token." + token]). In no URL, and in few logs."""

import secrets

from tokens import BadToken, Tokens

import tickws

tokens = Tokens(secrets.token_bytes(32))


def authenticate(request: tickws.Request) -> str | tickws.Reject:
    """Who asks; for a game: `GameServer(authenticate=authenticate)`, where "tickws.1" stands beside the token."""
    offered = [name.removeprefix("token.") for name in request.subprotocols if name.startswith("token.")]
    try:
        return tokens.redeem(offered[0] if len(offered) == 1 else "")
    except BadToken as error:
        return tickws.Reject(401, f"401 Unauthorized: {error}\n")


def on_request(request: tickws.Request) -> bool | tickws.Reject:
    """The same for a server alone. `subprotocols=` chooses "chat.1" for the answer: a token is never sent back."""
    if "chat.1" not in request.subprotocols:
        return tickws.Reject(400, "400 Bad Request: chat.1 is spoken here\n")
    user = authenticate(request)
    if isinstance(user, tickws.Reject):
        return user
    request.data = user
    return True


def on_open(ws: tickws.WebSocket) -> None:
    ws.data = ws.request.data
    ws.send(f"welcome, {ws.data}")


def main() -> None:
    with tickws.WebSocketServer(port=8056, subprotocols=["chat.1"], on_request=on_request, on_open=on_open) as server:
        print(f"ws://127.0.0.1:{server.port}/ with the subprotocols chat.1, token.{tokens.issue('ada')}", flush=True)
        while server.work(0.020):
            pass


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
