"""Who comes to a contender: players, flooders, those who stop reading, newcomers, and thousands at once.

Each kind is a program of its own that takes commands on standard input and answers in JSON (`benchmarks.commands`).
"""
