"""Who is no WebSocket client gets a proper HTTP answer and the end of the stream: never silence, never a reset.

`exchange` reads to the end of the stream and raises where the kernel says RST, so every test here asks for a FIN.
"""

import http.client
import shutil
import subprocess
from pathlib import Path

import pytest

import tickws
from tests.interop.helpers import HOST, SECONDS, RawClient, Recorder, Stage, exchange, http_answer
from tests.protocol.helpers import UPGRADE, request_head

CURL = "Host: 127.0.0.1\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"
CLIENT_HELLO = bytes.fromhex("16030100f0010000ec0303") + bytes(range(64)) * 3


def curl(method: str = "GET", target: str = "/") -> bytes:
    """What curl says when it is asked for a page."""
    return f"{method} {target} HTTP/1.1\r\n{CURL}".encode()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    page, script, big = tmp_path / "index.html", tmp_path / "game.js", tmp_path / "big.bin"
    page.write_text("<!doctype html><title>ü</title>", encoding="utf-8")
    script.write_text("export {}\n")
    big.write_bytes(bytes(range(256)) * 16_384)
    (tmp_path / "secret.txt").write_text("secret")
    return {"/": page, "/game.js": script, "/big": big}


def test_a_plain_get_is_426(stage: Stage) -> None:
    server = stage.server(Recorder())
    status, headers, body = http_answer(exchange(stage, server.port, curl()))
    assert status == 426
    assert headers["upgrade"] == "websocket"
    assert headers["sec-websocket-version"] == "13"
    assert b"ws://" in body
    assert server.statistics().answered == {426: 1}
    stage.until(lambda: not server.statistics().connections)


def test_files(stage: Stage, files: dict[str, Path]) -> None:
    server = stage.server(files=files)
    types = {
        "/": "text/html; charset=utf-8",
        "/game.js": "text/javascript; charset=utf-8",
        "/big": "application/octet-stream",
    }
    for url, file in files.items():
        for target in (url, url + "?v=1", f"http://{HOST}{url}"):
            status, headers, body = http_answer(exchange(stage, server.port, curl(target=target)))
            assert (status, body) == (200, file.read_bytes())
            assert headers["content-type"] == types[url]
        status, head, _ = http_answer(exchange(stage, server.port, curl("HEAD", url)), head_only=True)
        assert status == 200
        assert {**head, "connection": "close"} == head == headers


@pytest.mark.parametrize(
    "target",
    ["/secret.txt", "/../secret.txt", "/game.js/../secret.txt", "/%2e%2e/secret.txt", "//", "/GAME.JS", "/game.js/"],
)
def test_nothing_else_is_served(stage: Stage, files: dict[str, Path], target: str) -> None:
    server = stage.server(files=files)
    status, _, body = http_answer(exchange(stage, server.port, curl(target=target)))
    assert status == 404
    assert b"secret" not in body


def test_a_file_that_was_deleted_is_404(stage: Stage, files: dict[str, Path]) -> None:
    server = stage.server(files=files)
    files["/game.js"].unlink()
    assert http_answer(exchange(stage, server.port, curl(target="/game.js")))[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_405(stage: Stage, method: str) -> None:
    server = stage.server()
    status, headers, _ = http_answer(exchange(stage, server.port, curl(method)))
    assert status == 405
    assert headers["allow"] == "GET, HEAD"


def test_the_standard_library_reads_it(stage: Stage, files: dict[str, Path]) -> None:
    server = stage.server(files=files)

    def fetch(method: str, path: str) -> tuple[int, str | None, bytes]:
        connection = http.client.HTTPConnection(HOST, server.port, timeout=SECONDS)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.headers["Content-Type"], response.read()
        finally:
            connection.close()

    plain = "text/plain; charset=utf-8"
    assert stage.call(fetch, "GET", "/game.js") == (200, "text/javascript; charset=utf-8", b"export {}\n")
    assert stage.call(fetch, "HEAD", "/game.js") == (200, "text/javascript; charset=utf-8", b"")
    assert stage.call(fetch, "GET", "/big")[2] == files["/big"].read_bytes()
    assert stage.call(fetch, "GET", "/no")[:2] == (404, plain)
    assert stage.call(fetch, "HEAD", "/no") == (404, plain, b"")
    assert stage.call(fetch, "DELETE", "/")[:2] == (405, plain)


def test_curl_reads_it(stage: Stage, files: dict[str, Path]) -> None:
    program = shutil.which("curl")
    if program is None:
        pytest.skip("this machine has no curl")
    server = stage.server(files=files)

    def fetch(*arguments: str) -> bytes:
        argv = [program, "-sS", "--noproxy", "*", "--max-time", str(SECONDS), *arguments]
        return subprocess.run(argv, capture_output=True, check=True).stdout

    url = f"http://{HOST}:{server.port}"
    assert stage.call(fetch, f"{url}/big") == files["/big"].read_bytes()
    assert stage.call(fetch, "-I", f"{url}/game.js").startswith(b"HTTP/1.1 200 OK\r\n")
    assert stage.call(fetch, "-w", " %{http_code}", f"{url}/no").endswith(b" 404")
    assert stage.call(fetch, "-w", " %{http_code}", "-d", "x=1", url).endswith(b" 400")


FOLDED = request_head("GET / HTTP/1.1", UPGRADE, "X-A: 1", " folded")
BAD = {
    "folded": FOLDED,
    "folded with a tab": FOLDED.replace(b"\r\n folded", b"\r\n\tfolded"),
    "folded first": b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    "no HTTP": b"hello there\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "empty lines": b"\r\n\r\n",
    "bare line feeds": curl().replace(b"\r\n", b"\n") + b"\r\n\r\n",
    "zeros": bytes(100) + b"\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": request_head("GET / HTTP/1.1", UPGRADE, "Host: other"),
    "a body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "a chunked body": b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a proxy's request": b"CONNECT game.example:443 HTTP/1.1\r\nHost: game.example\r\n\r\n",
    "a fragment": request_head("GET /#top HTTP/1.1"),
    "no key": request_head(headers={k: v for k, v in UPGRADE.items() if k != "Sec-WebSocket-Key"}),
    "bad key": request_head(headers={**UPGRADE, "Sec-WebSocket-Key": "short"}),
    "two keys": request_head("GET / HTTP/1.1", UPGRADE, f"Sec-WebSocket-Key: {UPGRADE['Sec-WebSocket-Key']}"),
    "no version of ours": request_head(headers={k: v for k, v in UPGRADE.items() if k != "Sec-WebSocket-Version"}),
    "no connection": request_head(headers={**UPGRADE, "Connection": "keep-alive"}),
    "HTTP/1.0": request_head("GET / HTTP/1.0"),
    "two origins": request_head("GET / HTTP/1.1", UPGRADE, "Origin: http://a", "Origin: http://b"),
    "TLS": CLIENT_HELLO,
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
@pytest.mark.parametrize("half_close", [False, True], ids=["open", "half-closed"])
def test_bad_requests_are_400(stage: Stage, data: bytes, half_close: bool) -> None:
    handler = Recorder()
    server = stage.server(handler)
    status, headers, body = http_answer(exchange(stage, server.port, data, half_close=half_close))
    assert status == 400
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert body.startswith(b"400 Bad Request: ")
    assert not handler.opened
    assert server.statistics().answered == {400: 1}
    stage.until(lambda: not server.statistics().connections)


def test_tls_is_told_so(stage: Stage) -> None:
    server = stage.server()
    _, _, body = http_answer(exchange(stage, server.port, CLIENT_HELLO))
    assert b"TLS" in body
    assert b"wss://" in body


@pytest.mark.parametrize("version", ["8", "14", "13x"])
def test_another_version_is_426(stage: Stage, version: str) -> None:
    server = stage.server(Recorder())
    request = request_head(headers={**UPGRADE, "Sec-WebSocket-Version": version})
    status, headers, _ = http_answer(exchange(stage, server.port, request))
    assert status == 426
    assert headers["sec-websocket-version"] == "13"


def test_a_websocket_by_post_is_405(stage: Stage) -> None:
    server = stage.server(Recorder())
    status, headers, _ = http_answer(exchange(stage, server.port, request_head("POST / HTTP/1.1")))
    assert status == 405
    assert headers["allow"] == "GET"


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
LONG = {
    "one line for ever": HEAD + b"X: " + b"a" * 3_000_000,
    "lines for ever": HEAD + b"X: y\r\n" * 500_000,
    "a line above 16 KiB": HEAD + b"X: " + b"a" * 16_384 + b"\r\n\r\n",
    "65 lines": HEAD + b"X: y\r\n" * 64 + b"\r\n",
    "no line at all": b"GET /" + b"a" * 3_000_000,
}


@pytest.mark.parametrize("data", LONG.values(), ids=LONG)
def test_long_heads_are_431(stage: Stage, data: bytes) -> None:
    """Also where the peer still sends: what it sends is read away, so that our answer is not destroyed by a reset."""
    server = stage.server(Recorder())
    assert http_answer(exchange(stage, server.port, data))[0] == 431
    stage.until(lambda: not server.statistics().connections)


def test_the_longest_head_that_is_taken(stage: Stage) -> None:
    """The original took 1,023 bytes (FACTS.md section 1, row 15)."""
    server = stage.server(Recorder())
    head = HEAD + b"X: y\r\n" * 61 + b"X: "
    head += b"a" * (16 * 1024 - len(head) - 4) + b"\r\n\r\n"
    assert len(head) == 16 * 1024
    assert http_answer(exchange(stage, server.port, head))[0] == 426


@pytest.mark.parametrize("data", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\n"], ids=["nothing", "word", "lines"])
def test_who_hangs_up_in_the_handshake_is_forgotten(stage: Stage, data: bytes) -> None:
    handler = Recorder()
    server = stage.server(handler)
    client = RawClient(server.port, None)
    client.socket.sendall(data)
    stage.until(lambda: server.statistics().connections)
    client.close()
    stage.until(lambda: not server.statistics().connections)
    assert not handler.opened
    assert not handler.closed


def test_as_netcat_does(stage: Stage, files: dict[str, Path]) -> None:
    """A request, and at once the end of our half: the answer still comes, whole."""
    server = stage.server(files=files)
    status, _, body = http_answer(exchange(stage, server.port, curl(target="/big"), half_close=True))
    assert (status, body) == (200, files["/big"].read_bytes())


def test_a_websocket_whose_client_half_closes_at_once(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler)
    data = exchange(stage, server.port, request_head(), half_close=True)
    assert data.startswith(b"HTTP/1.1 101 ")
    stage.until(lambda: handler.closed)
    assert len(handler.opened) == 1
    assert handler.closed == [(1006, "")]


def test_a_second_request_is_not_read(stage: Stage) -> None:
    """One request a connection (Connection: close): what follows it is read away, not answered."""
    server = stage.server()
    data = exchange(stage, server.port, curl() * 100)
    assert http_answer(data)[0] == 426


def test_slowly(stage: Stage) -> None:
    """A head that comes byte by byte."""
    server = stage.server()
    client = RawClient(server.port, None)
    for octet in curl():
        client.socket.sendall(bytes([octet]))
        stage.turn()
    stage.until(client.gone)
    client.close()
    assert http_answer(bytes(client.data))[0] == 426


def test_who_says_nothing_is_hung_up_on(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler, limits=tickws.Limits(handshake_seconds=0.1))
    assert exchange(stage, server.port, b"GET") == b""
    assert server.statistics().timed_out == 1
    assert not handler.closed


def test_a_reset_in_the_handshake(stage: Stage) -> None:
    handler = Recorder()
    server = stage.server(handler)
    for data in (b"", b"GET / HT", request_head()):
        client = RawClient(server.port, None)
        client.socket.sendall(data)
        client.reset()
    stage.until(lambda: server.statistics().accepted >= 3)
    stage.until(lambda: not server.statistics().connections)
    assert len(handler.opened) == len(handler.closed)
    assert http_answer(exchange(stage, server.port, curl()))[0] == 426
