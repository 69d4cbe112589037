"""A game loop that serves its own page: `python dev.py pong`. Begin to read at `__main__.py`, the loop is there.

Until Pong moves in, the game is a ball in a box, and the page lets its visitors chat.
"""
