"""A server by TLS, which takes a renewed certificate without a restart."""

import ssl
from pathlib import Path

import tickws

CERT, KEY = Path("cert.pem"), Path("key.pem")  # certbot's are fullchain.pem and privkey.pem


def load(context: ssl.SSLContext) -> float:
    """Load the certificate; gives its time. A pair that does not fit, half renewed, must not reach what is in use."""
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(CERT, KEY)
    context.load_cert_chain(CERT, KEY)
    return CERT.stat().st_mtime


def main() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    loaded = load(context)
    with tickws.WebSocketServer(on_message=lambda ws, message: ws.send(message), ssl_context=context) as server:
        print(f"wss://localhost:{server.port}/, Ctrl-C ends it", flush=True)
        while server.work(1.0):
            try:
                if CERT.stat().st_mtime != loaded:
                    loaded = load(context)  # newcomers see the new one; who is in stays in
                    print("the certificate was renewed", flush=True)
            except (OSError, ssl.SSLError):
                pass  # half written: in the next second


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
