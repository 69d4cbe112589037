"""State and payloads: what a game says, as bytes; knows no WebSocket, no socket, no clock.

    payload     msgpack in and out, bounded: `pack`, `unpack`
    schema      what players send each tick: `Input`, `Press`, and what is derived from a subclass
    wire        the messages of the subprotocol tickws.1, one class each (docs/wire-format.md)
    events      numbered and kept until they are acknowledged
    messages    which names there are, and of what type
    inputs      one input frame per player and tick, out of what arrives early, late, twice or never
    snapshot    a world, copied and quantised; how many of them may be under way to one client

Time and chance are arguments here, so that a browser's JavaScript can do the same sums (`tests/vectors/`).
"""
