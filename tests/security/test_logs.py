"""Strangers cannot fill the log with warnings: neither at a TLS port, nor where descriptors are out."""

from __future__ import annotations

import errno
import logging
import ssl

import pytest

from tests import certificates
from tests.transport.peers import House
from tests.transport.tls_peers import TlsHouse, TlsPeer


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_clients_without_a_cipher_in_common_are_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """The server's key is ECDSA, and they want RSA's."""
    house = TlsHouse("TLSv1.2")
    context = certificates.only(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "TLSv1.2")
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    for _ in range(20):
        peer = TlsPeer(house, context)
        for _ in range(4):
            peer.tunnel.shake()
            house.turn()
        peer.socket.close()
        house.turn()
    assert house.statistics.tls_faults == 20
    assert len(warnings(caplog)) == 1


def test_who_comes_and_goes_while_descriptors_are_out_makes_no_line_each(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    here = house.peers(20)
    house.network.fail_accepts(house.server.port, errno.EMFILE, times=20)
    house.dial()
    for peer in here:
        peer.socket.close()
        house.turn(2)
    assert len(warnings(caplog)) == 1, "until somebody gets in, and nobody does"
