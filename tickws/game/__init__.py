"""The plugin: joins server, loop, bus and sync into a multiplayer game.

limits      every bound on a player, with its precedent
server      `GameServer`: who comes in; the game's side of a frame
session     one connection: what its messages mean, what it is told
player      `Player`: what your code holds of one
events      what happens to players, on the bus
"""
