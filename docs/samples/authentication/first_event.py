"""The first message, for a game: an event "login". Until it has come a player is nobody, and is soon shown the door."""

import secrets

from tokens import BadToken, Tokens

import tickws

PATIENCE = 5.0  # seconds of the game


class Login:
    """Who the players are: `names` has those who have said it.

    Args:
        loop, game: the game's, before anybody has joined.
        tokens: redeem what players say.
    """

    def __init__(self, loop: tickws.TickLoop, game: tickws.GameServer[tickws.Input], tokens: Tokens) -> None:
        self.names: dict[tickws.Player[tickws.Input], str] = {}
        self._until: dict[tickws.Player[tickws.Input], int] = {}  # nobodies, and the tick at which they must go
        self._loop = loop
        self._tokens = tokens
        game.message("login", str)(self._login)
        loop.bus.subscribe(tickws.PlayerJoined, self._joined)
        loop.bus.subscribe(tickws.PlayerLeft, self._left)
        loop.system(self._sweep)

    def _joined(self, event: tickws.PlayerJoined) -> None:
        self._until[event.player] = self._loop.ticks + round(PATIENCE * self._loop.rate)

    def _left(self, event: tickws.PlayerLeft) -> None:
        self._until.pop(event.player, None)
        self.names.pop(event.player, None)

    def _login(self, player: tickws.Player[tickws.Input], token: str) -> None:
        if player not in self._until:
            return
        try:
            self.names[player] = self._tokens.redeem(token)
            del self._until[player]
        except BadToken as error:
            player.kick(str(error))

    def _sweep(self, tick: tickws.Tick) -> None:
        for player in [player for player, until in self._until.items() if tick.number >= until]:
            del self._until[player]
            player.kick("nobody said who it is")


def main() -> None:
    loop = tickws.TickLoop(rate=60)
    game = loop.add(tickws.GameServer(port=8056, inputs=tickws.Input, snapshot_rate=20), budget=0.004)
    tokens = Tokens(secrets.token_bytes(32))
    login = Login(loop, game, tokens)

    @loop.system
    def simulate(tick: tickws.Tick) -> None:
        game.publish({player.id: {"name": name} for player, name in login.names.items()})

    print(f"ws://127.0.0.1:{game.port}/ and client.send('login', '{tokens.issue('ada')}')", flush=True)
    loop.run()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
