"""What permessage-deflate costs a server, or TLS: `host` has it, `crowd` is its clients; `ways` and `words` serve both.

`benchmarks.compression` and `benchmarks.tls` direct them.
"""
