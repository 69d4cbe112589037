"""Pong for everybody, out of one game loop: `python dev.py pong`. To read in this order, in ten minutes:

game        the rules: pure functions on a state, and what a player's input is
ai          the computer's player
match       who plays: two seats, and the computer in the empty ones
server      the loop, the network's door, and what goes through it
page/       the game in a browser: pong.js, and beside it what draws, reads keys and sounds
window      the same in a pygame window, with client, drawing, sprites and tones
bots        players without a screen
__main__    the command line, with status
"""
