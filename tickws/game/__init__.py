"""The plugin: joins server, loop, bus and sync into a multiplayer game.

limits      every bound on a player, with its precedent
server      `GameServer`: the game's side of a frame
door        which requests become players, which watch, which are turned away
roster      who plays and who watches
session     one connection: what its messages mean, what it is told
rota        whose turn it is to be told what is new
inbox       a player's messages on their way to the game: so many a second
player      `Player`: what your code holds of one
publish     when a snapshot is due, and the newest one
events      what happens to players, on the bus
statistics  what a `GameServer` counts
"""
