"""tickws: multiplayer for your game loop.

Your loop stays single-threaded, and in charge. The network gets a slice of time every frame: in it the server looks at
its sockets once, accepts, reads, parses and calls you back on this very thread; it never takes more than its budget and
one step, it never blocks, and it needs no thread and no asyncio. Three levels, each usable without the next.

**The game** (docs/game.md). Players say each tick what they do, and are shown the world:

    import tickws

    class Move(tickws.Input):                  # a msgspec Struct: typed, checked; Move() is neutral
        dx: float = 0.0                        # held: repeats where a frame is missing
        jump: tickws.Press = False             # press: counts once, however late it comes

    loop = tickws.TickLoop(rate=60)
    game = loop.add(tickws.GameServer(port=8056, inputs=Move, snapshot_rate=20), budget=0.004)
    places = {}

    @loop.bus.on(tickws.PlayerJoined)          # and PlayerLeft, MessageReceived, InputRejected, LoopSlow, ...
    def joined(event):
        places[event.player.id] = 0.0

    @loop.system
    def simulate(tick):                        # tick.number, tick.dt, tick.time
        for player in game.players:
            places[player.id] += player.input(tick).dx * tick.dt
        game.publish({number: {"x": x} for number, x in places.items()})

    loop.run()                                 # or loop.frame() once in each frame of your own loop

`game.message("chat", Chat)` declares what players may say, `game.broadcast` and `player.send` answer; `GameClient`, and
/tickws.js for browsers, are the other end. `pack` and `unpack` are msgpack, safe for bytes from anybody.

**The loop** alone: `TickLoop` turns whatever has `receive`, `tick` or `flush` (a `Subsystem`, a `WebSocketServer`), and
an `EventBus` delivers typed events at one point of each tick. `statistics()` of loop and server tell what frames and
slices were spent on, and who overran.

**The server** alone:

    import tickws

    def on_message(ws, message):
        ws.send(message)                       # queued; goes out in this same call of work()

    with tickws.WebSocketServer(on_message=on_message, port=8056) as server:
        while server.work(0.020):              # one slice: waits at most 20 ms for something to do
            pass                               # the rest of your program

**In a loop of your own**, reading and writing are two calls, so that a reply never waits for the next frame, and
neither sleeps:

    import tickws

    with tickws.WebSocketServer(port=8056) as server:
        for frame in range(600):               # your loop, at your rate
            server.receive(0.003)              # inputs: at most 3 ms, and one step
            state = f"frame {frame}"           # your tick
            server.broadcast_latest("state", state)
            server.flush(0.001)                # snapshots: at most 1 ms, and one step

**Callbacks** are keyword arguments, or the methods of a `Handler`:

    import tickws

    class Chat(tickws.Handler):
        def on_request(self, request):         # True, False (404), Accept(...) or Reject(...)
            return request.path == "/chat"

        def on_open(self, ws):
            ws.data = "somebody"               # yours

        def on_message(self, ws, message):     # str or bytes
            server.broadcast(f"{ws.data}: {message}", exclude=[ws])

        def on_close(self, ws, code, reason):  # once for each on_open
            print(ws.data, "left:", code, reason)

    with tickws.WebSocketServer(Chat(), port=8056, max_connections=100) as server:
        while server.work(0.020):
            pass

**Two ways to send.** `send` is reliable and ordered; its queue is bounded, and a peer that lets it overflow is closed
(1008). `send_latest(key, value)` is for state: a newer value replaces an unsent one, so a slow client gets less, and
never something old. `on_slow` tells who does not keep up.

**Threads.** `send`, `send_latest`, `ping` and `close` of a `WebSocket`, `broadcast`, `broadcast_latest` and `wake` of a
server, `bus.emit` and `loop.stop` may be called from any thread, and nothing else; a call from another thread ends a
waiting `work()`.

**In service** (docs/deployment.md). `listen` adds addresses: IPv6, a unix path, a socket of systemd (`systemd_sockets`)
or of another process; `trusted_proxies` are believed when they say who a client is. `TickLoop.run()` ends on SIGTERM,
`stop_listening` lets nobody new in, `close(1012, "restart")` says why.

**The open internet** (docs/security.md). `ssl_context=` speaks TLS (docs/tls.md). `authenticate=` of a game, and
`on_request` of a server, say who may come, `origins=` whose pages (docs/authentication.md).
`limits=tickws.Limits(...)` or `GameLimits(...)` bound what a peer may cost; `statistics().limited` counts how often
each took effect.

**Faults.** What a peer does wrong costs that peer its connection, with the close code of RFC 6455, and never raises.
What a callback raises closes its connection with 1011 and is logged (`errors=` says otherwise). What *you* do wrong
raises at once.

`WebSocketClient` is the other end, with the same `work` and the same callbacks. `tickws.testing` has a network in
memory and a clock that you move, for tests without sockets and without sleeping; `GameTable` is a game on it.
"""

from tickws.bus import BusStatistics, EventBus, Subscription
from tickws.client.client import GameClient
from tickws.client.events import Connected, Disconnected, Dropped, ServerMessage
from tickws.clock import Clock, ManualClock, SystemClock
from tickws.errors import ConnectError, ErrorPolicy, ListenError, LoopErrorPolicy, TickwsError, UsageError
from tickws.game.events import (
    InputRejected,
    MessageReceived,
    PlayerJoined,
    PlayerLeft,
    PlayerSlow,
    SpectatorJoined,
    SpectatorLeft,
)
from tickws.game.limits import GameLimits
from tickws.game.player import Player
from tickws.game.server import GameServer
from tickws.game.statistics import GameStatistics
from tickws.loop.events import Cause, LoopSlipped, LoopSlow
from tickws.loop.ledger import LoopStatistics, Spending
from tickws.loop.subsystem import Loop, Subsystem
from tickws.loop.tickloop import TickLoop
from tickws.loop.timestep import Tick
from tickws.protocol.events import Frame
from tickws.protocol.extensions import Deflate
from tickws.protocol.handshake import Accept, Reject, Request
from tickws.protocol.limits import Limits
from tickws.protocol.opcodes import CloseCode, Opcode
from tickws.statistics import ConnectionStatistics, Distribution, EndpointStatistics, Overrun, StepStatistics
from tickws.sync.payload import pack, unpack
from tickws.sync.schema import Input, Press
from tickws.transport.activation import systemd_sockets
from tickws.transport.client import WebSocketClient
from tickws.transport.handler import Handler
from tickws.transport.network import Network
from tickws.transport.server import WebSocketServer
from tickws.transport.websocket import WebSocket

__version__ = "0.1.0"

__all__ = [
    "Accept",
    "BusStatistics",
    "Cause",
    "Clock",
    "CloseCode",
    "ConnectError",
    "Connected",
    "ConnectionStatistics",
    "Deflate",
    "Disconnected",
    "Distribution",
    "Dropped",
    "EndpointStatistics",
    "ErrorPolicy",
    "EventBus",
    "Frame",
    "GameClient",
    "GameLimits",
    "GameServer",
    "GameStatistics",
    "Handler",
    "Input",
    "InputRejected",
    "Limits",
    "ListenError",
    "Loop",
    "LoopErrorPolicy",
    "LoopSlipped",
    "LoopSlow",
    "LoopStatistics",
    "ManualClock",
    "MessageReceived",
    "Network",
    "Opcode",
    "Overrun",
    "Player",
    "PlayerJoined",
    "PlayerLeft",
    "PlayerSlow",
    "Press",
    "Reject",
    "Request",
    "ServerMessage",
    "SpectatorJoined",
    "SpectatorLeft",
    "Spending",
    "StepStatistics",
    "Subscription",
    "Subsystem",
    "SystemClock",
    "Tick",
    "TickLoop",
    "TickwsError",
    "UsageError",
    "WebSocket",
    "WebSocketClient",
    "WebSocketServer",
    "pack",
    "systemd_sockets",
    "unpack",
]
