"""BYTES <-> MESSAGES: RFC 6455 without a socket, clock, thread or log (Sans-I/O).

Give what the network brought to `Connection.receive`, pull what it means with `next_event`, put what `data_to_send`
returns on the wire. A peer's fault becomes an event and a close code; only misuse raises.
"""
