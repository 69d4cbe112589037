"""Certificates for the tests, made on the spot, once in a run: none is ever committed, none can expire unseen.

`trusted()` is a client's context that trusts our authority; `served()` is a server's, with a certificate for this
machine's names. Each call gives a new context, for the library sets ALPN on those that it is given.
"""

import datetime
import ssl
from functools import cache
from pathlib import Path
from typing import Literal

import trustme

Version = Literal["TLSv1.2", "TLSv1.3"]
Kind = Literal["ecdsa", "rsa"]
VERSIONS: tuple[Version, ...] = ("TLSv1.2", "TLSv1.3")
KINDS: tuple[Kind, ...] = ("ecdsa", "rsa")
NAMES = ("localhost", "127.0.0.1", "::1", "game.example")
"""For whom our certificates stand."""
_NUMBERS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_KEYS = {"ecdsa": trustme.KeyType.ECDSA, "rsa": trustme.KeyType.RSA}
_DAY = datetime.timedelta(days=1)


@cache
def authority() -> trustme.CA:
    """Whom our clients trust."""
    return trustme.CA()


@cache
def stranger() -> trustme.CA:
    """An authority that nobody trusts."""
    return trustme.CA(organization_name="nobody knows us")


@cache
def certificate(kind: Kind = "ecdsa", *names: str) -> trustme.LeafCert:
    """A certificate of our authority, for `NAMES` unless told otherwise."""
    return authority().issue_cert(*(names or NAMES), key_type=_KEYS[kind])


@cache
def expired() -> trustme.LeafCert:
    """One of ours, of last week."""
    now = datetime.datetime.now(datetime.UTC)
    return authority().issue_cert(*NAMES, not_before=now - 7 * _DAY, not_after=now - 5 * _DAY)


@cache
def untrusted() -> trustme.LeafCert:
    """One for our names, by the stranger."""
    return stranger().issue_cert(*NAMES)


def only(context: ssl.SSLContext, version: Version | None) -> ssl.SSLContext:
    """Bind a context to one version of TLS; None: it speaks both."""
    if version is not None:
        context.minimum_version = context.maximum_version = _NUMBERS[version]
    return context


def served(
    version: Version | None = None, kind: Kind = "ecdsa", *, leaf: trustme.LeafCert | None = None
) -> ssl.SSLContext:
    """A server's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (leaf or certificate(kind)).configure_cert(context)
    return only(context, version)


def trusted(version: Version | None = None) -> ssl.SSLContext:
    """A client's context, as users make it, with our authority in place of the system's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority().configure_trust(context)
    return only(context, version)


def written(folder: Path, leaf: trustme.LeafCert | None = None) -> tuple[Path, Path, Path]:
    """Paths of PEM files: the certificate with its chain, its key, and the authority that a client must trust."""
    leaf = leaf or certificate()
    paths = folder / "cert.pem", folder / "key.pem", folder / "ca.pem"
    paths[0].write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    paths[1].write_bytes(leaf.private_key_pem.bytes())
    paths[2].write_bytes(authority().cert_pem.bytes())
    return paths
