"""TLS for the programs. Here belongs what reads certificates, and what a user is told of those that do not fit."""

import getpass
import signal
import ssl
import sys
from pathlib import Path


class BadCertificate(Exception):
    """A file that cannot be used; the text says what to do."""


def server_context(cert: Path, key: Path | None) -> ssl.SSLContext:
    """What a server shows to its guests.

    Args:
        cert: a PEM file: its certificate, then those that lead to an authority, as certbot's fullchain.pem.
        key: a PEM file with its private key; None: it is in the same file. One with a pass phrase asks for it.

    Raises:
        BadCertificate: one of them cannot be used.
    """
    holder = key or cert
    asked = False

    def pass_phrase() -> str:
        nonlocal asked
        asked = True
        return _pass_phrase(holder)

    for path in (cert, holder):
        _check_readable(path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key, password=pass_phrase)
    except ssl.SSLError as error:
        if asked:
            raise BadCertificate(f"the pass phrase of {holder} is another one") from error
        raise BadCertificate(_what_to_do(cert, key, error.reason or str(error))) from error
    return context


def client_context(authority: Path | None) -> ssl.SSLContext:
    """Whom a client trusts: those that the system does, and the certificates of one's own in that PEM file.

    Raises:
        BadCertificate: the file cannot be used.
    """
    context = ssl.create_default_context()
    if authority is not None:
        _check_readable(authority)
        try:
            context.load_verify_locations(authority)
        except ssl.SSLError as error:
            raise BadCertificate(f"there is no certificate (-----BEGIN CERTIFICATE-----) in {authority}") from error
    return context


def _check_readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise BadCertificate(f"{path} cannot be read: {error.strerror}") from error


def _pass_phrase(path: Path) -> str:
    """Ask for it, where somebody is there to ask."""
    if not sys.stdin.isatty():
        raise BadCertificate(
            f"the key in {path} has a pass phrase, and there is no terminal to ask for it. "
            f"Write it without one: openssl pkey -in {path} -out plain-key.pem"
        )
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # so that the terminal is put in order again
    try:
        return getpass.getpass(f"Pass phrase of {path}: ")
    except (KeyboardInterrupt, EOFError):
        raise BadCertificate(f"\nno pass phrase was given for {path}") from None
    finally:
        signal.signal(signal.SIGINT, before)


def _what_to_do(cert: Path, key: Path | None, reason: str) -> str:
    """What OpenSSL means by `reason`, as far as the files tell."""
    holder = key or cert
    if b"-----BEGIN CERTIFICATE-----" not in cert.read_bytes():
        return f"there is no certificate (-----BEGIN CERTIFICATE-----) in {cert}"
    if b"PRIVATE KEY-----" not in holder.read_bytes():
        return f"there is no private key in {holder}" + ("" if key else ": say where it is with --key FILE")
    if reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"):
        return f"the key in {holder} is not that of the certificate in {cert}: give the two that were made together"
    return f"{cert}{f' and {key}' if key else ''} cannot be used; something is damaged ({reason})"
