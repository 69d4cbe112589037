"""Certificates made on the spot: none is kept, none can expire unseen."""

from __future__ import annotations

import ssl
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import trustme

from benchmarks.secure import NAME, serving

__all__ = ["Certificates", "issue", "serve"]


class Certificates(NamedTuple):
    """PEM files."""

    chain: Path
    """The server's certificate."""
    key: Path
    authority: Path
    """Whom clients must trust."""


def issue(folder: Path, *, rsa: bool = False) -> Certificates:
    """A new authority, and a certificate of it for this machine (ECDSA, P-256; or RSA of 2,048 bits), as files."""
    authority = trustme.CA()
    leaf = authority.issue_cert(NAME, "127.0.0.1", key_type=trustme.KeyType.RSA if rsa else trustme.KeyType.ECDSA)
    files = Certificates(folder / "chain.pem", folder / "key.pem", folder / "authority.pem")
    files.chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    files.key.write_bytes(leaf.private_key_pem.bytes())
    files.authority.write_bytes(authority.cert_pem.bytes())
    return files


def serve(*, rsa: bool = False) -> tuple[ssl.SSLContext, str]:
    """A server's context with a new certificate, and whom clients must trust (PEM)."""
    with TemporaryDirectory() as folder:
        files = issue(Path(folder), rsa=rsa)
        return serving(str(files.chain), str(files.key)), files.authority.read_text()
