"""TIME: fixed steps, and who may use how much of a frame. Knows no network.

`TickLoop` is the frame: receive, N ticks, flush, idle. `Timestep` is its arithmetic, a `Subsystem` whatever it turns,
the `Ledger` what every nanosecond was spent on, and `Punctuality` what follows from ticks that come late: `LoopSlow`
with its likeliest cause, and smaller budgets for the network where that helps.
"""
