"""docs/tls.md: its sample takes a renewed certificate without a restart; its line for OpenSSL makes a certificate."""

import re
import shutil
import signal
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tickws
from tests import certificates
from tests.program import ROOT, SECONDS, Program

SAMPLE = ROOT / "docs" / "samples" / "tls_server.py"
CLOCK = tickws.SystemClock()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The sample, with its files, at a free port."""
    certificates.written(tmp_path, certificates.certificate("ecdsa", "localhost"))
    text = SAMPLE.read_text("utf-8")
    names = re.compile(r'Path\("(\w+\.pem)"\)')
    text = names.sub(lambda match: f"Path({str(tmp_path / match[1])!r})", text)
    text = text.replace("ssl_context=context", "ssl_context=context, port=0").replace("work(1.0)", "work(0.05)")
    copy = tmp_path / SAMPLE.name
    copy.write_text(text, "utf-8")
    program = Program(copy)
    yield program
    program.close()


def connected(port: int) -> tickws.WebSocketClient:
    """A client that is through its handshake, and has heard its echo."""
    heard: list[Any] = []
    client = tickws.WebSocketClient(
        f"wss://localhost:{port}/", ssl_context=certificates.trusted(), on_message=lambda ws, said: heard.append(said)
    )
    client.send("hello")
    turn(client, lambda: heard)
    return client


def turn(client: tickws.WebSocketClient, condition: Callable[[], object]) -> None:
    give_up = CLOCK.now() + SECONDS
    while not condition():
        assert client.work(0.02), client.error
        assert CLOCK.now() < give_up


def names(client: tickws.WebSocketClient) -> set[str]:
    """Whom the certificate is for that the client was shown."""
    assert client.websocket is not None
    assert client.websocket.tls is not None
    found: Any = client.websocket.tls.getpeercert()
    return {name for _, name in found["subjectAltName"]}


def test_the_sample_takes_a_renewed_certificate(program: Program, tmp_path: Path) -> None:
    port = int(program.wait_for(r"wss://localhost:\d+/").rstrip("/").rpartition(":")[2])
    early = connected(port)
    assert names(early) == {"localhost"}

    (tmp_path / "new").mkdir()
    cert, key, _ = certificates.written(tmp_path / "new", certificates.certificate("ecdsa", "localhost", "new.example"))
    cert.replace(tmp_path / "cert.pem")  # half renewed: the pair does not fit, and the old one goes on
    between = connected(port)
    assert names(between) == {"localhost"}
    key.replace(tmp_path / "key.pem")
    program.wait_for("the certificate was renewed")
    late = connected(port)
    assert names(late) == {"localhost", "new.example"}
    for client in (early, between, late):
        assert client.send("still here")
        client.close()
        while client.work(0.05):
            pass
        assert client.websocket is not None
    assert program.stop(signal.SIGINT) == 0, program.output


def test_why_it_tries_the_files_in_another_context_first(tmp_path: Path) -> None:
    """A pair that does not fit leaves a context that serves nobody."""
    cert, _, _ = certificates.written(tmp_path, certificates.certificate("ecdsa", "localhost"))
    (tmp_path / "other").mkdir()
    _, key, _ = certificates.written(tmp_path / "other")
    context = certificates.served()
    with pytest.raises(ssl.SSLError):
        context.load_cert_chain(cert, key)
    ours, theirs = [ssl.MemoryBIO() for _ in range(2)], [ssl.MemoryBIO() for _ in range(2)]
    client = certificates.trusted().wrap_bio(ours[0], ours[1], server_hostname="localhost")
    server = context.wrap_bio(theirs[0], theirs[1], server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    theirs[0].write(ours[1].read())
    with pytest.raises(ssl.SSLError, match="NO_SHARED_CIPHER"):
        server.do_handshake()


def test_the_certificate_of_one_line(tmp_path: Path) -> None:
    """What the page says to OpenSSL makes a certificate that a client can trust, strictly."""
    if shutil.which("openssl") is None:
        pytest.skip("this machine has no openssl program")
    page = (ROOT / "docs" / "tls.md").read_text("utf-8")
    command = re.search(r"^    (openssl req (?:.*\\\n)*.*)$", page, re.MULTILINE)
    assert command is not None
    subprocess.run(
        command[1].replace("\\\n", " "), shell=True, cwd=tmp_path, check=True, capture_output=True, timeout=SECONDS
    )
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    ours = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    ours.verify_flags |= ssl.VERIFY_X509_STRICT  # Python 3.13 has it on
    with tickws.WebSocketServer(port=0, ssl_context=theirs) as server:
        for name in ("localhost", "127.0.0.1"):
            client = tickws.WebSocketClient(f"wss://{name}:{server.port}/", ssl_context=ours)
            give_up = CLOCK.now() + SECONDS
            while not (client.websocket and client.websocket.open):
                assert client.work(0.01), client.error
                assert CLOCK.now() < give_up
                server.work(0.01)
            client.abort()
