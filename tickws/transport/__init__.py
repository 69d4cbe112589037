"""SOCKETS <-> BYTES: servers and clients that work in slices of their owner's loop.

`WebSocketServer` and `WebSocketClient` are two kinds of `Endpoint`, whose `work` is the frame's slice. The `Pump` is
its hot loop: it reads, parses and dispatches, gathers and writes. Each connection is a `WebSocket`: a `Stream` (socket
and out-buffer), a Sans-I/O `Connection`, and an `Outbox` that any thread may fill.
"""
