"""SOCKETS <-> BYTES: servers and clients that work in slices of their owner's loop.

`WebSocketServer` and `WebSocketClient` are two kinds of `Endpoint`, whose `work` is the frame's slice. In a slice the
`Lookout` polls, and `Turns` shares the time out among the kinds of work; `steps` lists all that a slice is made of, and
its `Meter` tells what each took. The `Pump` is the hot loop: it reads, parses and dispatches, gathers and writes. Each
connection is a `Link`: a `Stream` (socket and out-buffer), a Sans-I/O `Connection`, and an `Outbox` that any thread may
fill through the `SendQueue`; `Links`, `Deadlines` and the `Backlog` (who does not take what we send) decide, by
`ReadingTime`, what becomes of it, and a `WebSocket` is what its user holds.

(DESIGN has a connector beside the listener. A client makes one connection, so connecting is the client's own, in
`client.py`; it moves out when something else wants to connect, too.)
"""
