"""The other end of a game: connects, sends input frames, shows the world between its snapshots.

    timeline    which moment of the server's time to show: pure sums, the same in tickws.js
    pacer       which tick an input frame is for: pure sums, the same in tickws.js
    world       the snapshots kept, and the world between two of them
    retry       when a lost connection is tried again
    line        a connection, and the next one when it is lost
    voice       what we say: input frames, events, acknowledgments
    client      `GameClient`: joins these with a WebSocket
    events      what a client tells of itself on its bus

`tests/vectors/` has what goes in and what comes out of the pure ones; Python and JavaScript both pass it.
"""
