"""What a server sets on the TLS context that it is given, however that was made."""

from __future__ import annotations

import ssl

from tests import certificates
from tickws.testing import MemoryNetwork
from tickws.transport.server import WebSocketServer


def test_renegotiation_is_off() -> None:
    """OpenSSL 3 refuses it of itself; older ones, and contexts that were told to, do not (CVE-2009-3555)."""
    given, later = certificates.served(), certificates.served()
    for context in (given, later):
        context.options &= ~ssl.OP_NO_RENEGOTIATION
    server = WebSocketServer(port=0, network=MemoryNetwork(), ssl_context=given)
    server.listen(port=0, ssl_context=later)
    assert all(context.options & ssl.OP_NO_RENEGOTIATION for context in (given, later))
    server.abort()
