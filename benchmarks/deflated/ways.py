"""The ways to compress that are set side by side, and those to encrypt."""

from __future__ import annotations

from tickws import Deflate

__all__ = ["DEFAULT", "OFF", "RSA", "SECURED", "TITLES", "TLS", "WAYS"]

OFF, DEFAULT = "off", "default"
WAYS: dict[str, Deflate | None] = {
    OFF: None,
    DEFAULT: Deflate(),
    "takeover": Deflate(context_takeover=True, peer_context_takeover=True),
    "largest": Deflate(
        context_takeover=True, peer_context_takeover=True, window_bits=15, peer_window_bits=15, memory_level=8
    ),
}
TITLES = {OFF: "off", DEFAULT: "Deflate()", "takeover": "takeover", "largest": "takeover, 15 bits, 8"}

TLS, RSA = "tls", "tls-rsa"
SECURED = {OFF: "no TLS", TLS: "TLS, ECDSA", RSA: "TLS, RSA"}
"""The second kind, with their titles, after the key of the certificate: nobody compresses there."""
