"""Loops with next to nothing in them, each in a process of its own: what idling, punctuality and waking cost.

`host` is the loop, bare so that what is measured is not the measuring; `silent` and `players` are its clients;
`runs` puts them side by side, round after round.
"""
