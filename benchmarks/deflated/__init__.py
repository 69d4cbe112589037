"""What permessage-deflate costs a server: `host` has it, `crowd` is its clients; `ways` and `words` serve both.

`benchmarks.compression` directs them.
"""
