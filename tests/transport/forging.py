"""Records that no TLS library would send: forged with the keys of a connection, which `ssl` writes into a key log.

What is forged is sealed as it ought to be, so only its content is at fault: empty records, key updates without end,
renegotiation, records too long. RFC 8446 sections 5.2 and 7.3; RFC 5246 section 6.3 and RFC 5288.
"""

import hashlib
import hmac
import struct
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests import certificates
from tests.certificates import Version
from tests.transport.tls_peers import TlsHouse, TlsPeer

ALERT, HANDSHAKE, DATA = 21, 22, 23
KEY_UPDATE, KEY_UPDATE_WITH_ANSWER = b"\x18\x00\x00\x01\x00", b"\x18\x00\x00\x01\x01"
CIPHERS = {
    "TLS_AES_256_GCM_SHA384": ("sha384", 32),
    "ECDHE-ECDSA-AES256-GCM-SHA384": ("sha384", 32),
}


class Forger:
    """A client's end behind its handshakes, whose records are forged from now on."""

    def __init__(self, house: TlsHouse, version: Version, folder: Path) -> None:
        context = certificates.trusted(version)
        log = folder / f"keys-{len(list(folder.iterdir()))}"
        context.keylog_filename = str(log)
        self.peer = peer = TlsPeer(house, context)
        peer.shake()
        peer.ask()
        for _ in range(5):
            house.turn()
        assert peer.receive_status() == 101
        cipher = peer.tunnel.tls.cipher()
        assert cipher is not None
        self._hash, self._size = CIPHERS[cipher[0]]
        self._new = version == "TLSv1.3"
        lines = [line.split() for line in log.read_text().splitlines() if not line.startswith("#")]
        keys = {label: (bytes.fromhex(random), bytes.fromhex(secret)) for label, random, secret in lines}
        self._number = 1  # the request was the first
        if self._new:
            self._secret = keys["CLIENT_TRAFFIC_SECRET_0"][1]
            self._use(self._secret)
        else:
            client_random, master = keys["CLIENT_RANDOM"]
            server_random = peer.tunnel.heard[11:43]  # behind a record's head, a message's head and a version
            block = self._prf(master, b"key expansion" + server_random + client_random, 2 * self._size + 8)
            self._aead, self._iv = AESGCM(block[: self._size]), block[2 * self._size :][:4]
            self._number = 2  # so was Finished

    def record(self, kind: int, content: bytes, padding: int = 0) -> bytes:
        """A record; in TLS 1.3 with so many bytes of padding."""
        number = struct.pack("!Q", self._number)
        self._number += 1
        if self._new:
            inner = content + bytes([kind]) + bytes(padding)
            head = struct.pack("!BHH", DATA, 0x0303, len(inner) + 16)
            nonce = bytes(a ^ b for a, b in zip(self._iv, bytes(4) + number, strict=True))
            return head + self._aead.encrypt(nonce, inner, head)
        sealed = self._aead.encrypt(
            self._iv + number, content, number + struct.pack("!BHH", kind, 0x0303, len(content))
        )
        return struct.pack("!BHH", kind, 0x0303, 8 + len(sealed)) + number + sealed

    def key_update(self, message: bytes = KEY_UPDATE) -> bytes:
        """A record that says that we use new keys from now on, as we do."""
        record = self.record(HANDSHAKE, message)
        self._secret = self._expand(self._secret, b"traffic upd", hashlib.new(self._hash).digest_size)
        self._use(self._secret)
        self._number = 0
        return record

    def _use(self, secret: bytes) -> None:
        self._aead = AESGCM(self._expand(secret, b"key", self._size))
        self._iv = self._expand(secret, b"iv", 12)

    def _expand(self, secret: bytes, label: bytes, size: int) -> bytes:
        info = struct.pack("!HB", size, 6 + len(label)) + b"tls13 " + label + b"\x00"
        return hmac.digest(secret, info + b"\x01", self._hash)[:size]

    def _prf(self, secret: bytes, seed: bytes, size: int) -> bytes:
        made, a = b"", seed
        while len(made) < size:
            a = hmac.digest(secret, a, self._hash)
            made += hmac.digest(secret, a + seed, self._hash)
        return made[:size]
