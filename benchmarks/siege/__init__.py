"""The hostile soak's processes: the server (`host`), those who play (`honest`), those who do not (`attackers`).

What attackers say stands in `arms`, what each kind of them does and how often in `attacks`; `crowd` drives them.
"""
