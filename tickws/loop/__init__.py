"""TIME: fixed steps, and who may use how much of a frame. Knows no network.

`TickLoop` drives the frame, once in each of yours or by itself; `Frames` is the frame: receive, N ticks, flush, idle,
and what each may use of it. `Timestep` is its arithmetic, a `Subsystem` whatever it turns, the `Ledger` what every
nanosecond was spent on, and `Punctuality` what follows from ticks that come late: `LoopSlow` with its likeliest cause,
and smaller budgets for the network where that helps.
"""
