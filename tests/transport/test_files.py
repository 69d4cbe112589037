"""Files on the game's port: the mapping alone is served, whatever is asked for."""

import importlib.resources
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.transport.peers import House
from tickws.transport.files import Files, content_type

PAGE = b"<!doctype html><title>Pong</title>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files to serve, and one beside them that nobody may have."""
    (tmp_path / "index.html").write_bytes(PAGE)
    (tmp_path / "game.js").write_bytes(b"play();")
    (tmp_path / "secret.txt").write_bytes(b"SECRET")
    return tmp_path


def house(folder: Path) -> House:
    return House(files={"/": folder / "index.html", "/game.js": str(folder / "game.js"), "/a b": folder / "game.js"})


def ask(house: House, method: str, target: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer; the connection must end behind it."""
    peer = house.dial()
    peer.say(f"{method} {target} HTTP/1.1\r\nHost: example.com\r\n\r\n".encode("latin-1"))
    house.turn(3)
    head, _, body = peer.listen().partition(b"\r\n\r\n")
    assert peer.ended
    first, *lines = head.decode("latin-1").split("\r\n")
    peer.socket.close()
    house.turn()
    assert house.statistics.connections == 0
    return int(first.split()[1]), {name.title(): value for name, value in (line.split(": ", 1) for line in lines)}, body


def test_a_page_is_served_whole(folder: Path) -> None:
    status, headers, body = ask(house(folder), "GET", "/")
    assert (status, body) == (200, PAGE)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Length"] == str(len(PAGE))
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Connection"] == "close"


@pytest.mark.parametrize("target", ["/game.js", "/game.js?v=2", "http://example.com/game.js", "/%67ame.js", "/a%20b"])
def test_what_names_a_file_gets_it(target: str, folder: Path) -> None:
    assert ask(house(folder), "GET", target)[::2] == (200, b"play();")


def test_head_gets_the_headers_alone(folder: Path) -> None:
    status, headers, body = ask(house(folder), "HEAD", "/")
    assert (status, headers["Content-Length"], body) == (200, str(len(PAGE)), b"")


TRICKS = [
    "/secret.txt",
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/..%5csecret.txt",
    "//secret.txt",
    "/./game.js",
    "//game.js",
    "/game.js/",
    "/GAME.JS",
    "/game.js%00",
    "/game.js%20",
    "/index.html",
    "/etc/passwd",
    "//etc/passwd",
    "/%2fetc%2fpasswd",
    "/file:///etc/passwd",
    "http://example.com/../secret.txt",
    "/" + "../" * 40 + "etc/passwd",
    "/" + "%2e%2e%2f" * 40 + "etc/passwd",
]


@pytest.mark.parametrize("target", TRICKS)
def test_no_path_of_a_callers_reaches_the_file_system(
    target: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = house(folder)

    def forbidden(*arguments: Any, **options: Any) -> Any:
        raise AssertionError(f"the file system was asked: {arguments}")

    for name in ("read_bytes", "open", "is_file", "exists", "stat"):
        monkeypatch.setattr(Path, name, forbidden)
    monkeypatch.setattr(os, "open", forbidden)
    status, _, body = ask(served, "GET", target)
    assert status == 404
    assert body == b"404 Not Found: there is no such page\n"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get"])
def test_other_methods_are_refused(method: str, folder: Path) -> None:
    status, headers, body = ask(house(folder), method, "/")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert body == f"405 Method Not Allowed: {method} is not served here\n".encode()


def test_an_edited_file_is_served_anew_and_one_that_is_gone_is_not(folder: Path) -> None:
    served = house(folder)
    for content in (b"one", b"", PAGE * 1000):
        (folder / "index.html").write_bytes(content)
        assert ask(served, "GET", "/")[2] == content
    (folder / "index.html").unlink()
    assert ask(served, "GET", "/")[0] == 404
    (folder / "index.html").mkdir()
    assert ask(served, "GET", "/")[0] == 404
    assert ask(served, "GET", "/game.js")[0] == 200
    assert dict(served.statistics.answered) == {200: 4, 404: 2}


def test_a_server_without_files_says_what_it_is() -> None:
    status, headers, body = ask(House(), "GET", "/")
    assert (status, headers["Upgrade"], headers["Sec-Websocket-Version"]) == (426, "websocket", "13")
    assert body == b"426 Upgrade Required: this is a WebSocket server; open it with ws://\n"
    assert ask(House(), "HEAD", "/")[::2] == (426, b"")
    assert ask(House(), "POST", "/")[0] == 405


def test_a_websocket_may_be_opened_at_the_path_of_a_file(folder: Path) -> None:
    served = house(folder)
    served.peer("/game.js")
    assert served.opens == ["/game.js"]


def test_a_large_file_goes_out_over_a_slow_line_as_long_as_it_goes_on(folder: Path) -> None:
    content = os.urandom(3 << 20)
    (folder / "index.html").write_bytes(content)
    served = house(folder)
    peer = served.dial()
    peer.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    size = 0
    for _ in range(200):
        served.run(0.1)  # some 20 s: more than any deadline
        size = len(peer.listen(20_000))
    while not peer.gone:
        served.turn()
        size = len(peer.listen())
    assert peer.listen().endswith(content[-1000:])
    assert peer.listen().partition(b"\r\n\r\n")[2] == content
    assert size > len(content)
    assert served.statistics.timed_out == 0


def test_who_does_not_read_its_file_is_given_up(folder: Path) -> None:
    (folder / "index.html").write_bytes(bytes(1 << 20))
    served = house(folder)
    peer = served.dial()
    peer.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    served.run(9.9)  # twice five seconds: in the first ones the line took its 128 KiB
    assert served.statistics.connections == 1
    served.run(0.3)
    assert served.statistics.connections == 0
    assert served.statistics.timed_out == 1


# The mapping itself


def test_the_same_content_is_held_once(folder: Path) -> None:
    files = Files({"/": folder / "index.html"})
    first, second = files.get("/"), files.get("/")
    assert first is not None
    assert second is not None
    assert first[1] is second[1]


def test_a_package_resource_can_be_served() -> None:
    files = Files({"/codes": importlib.resources.files("tickws") / "py.typed"})
    assert files.get("/codes") == ([("Content-Type", "application/octet-stream"), ("Cache-Control", "no-cache")], b"")
    assert files
    assert not Files({})


MISUSE: list[tuple[Callable[[Path], dict[str, Any]], type[Exception], str]] = [
    (lambda folder: {"page": folder / "index.html"}, ValueError, "'page' must begin with a slash"),
    (lambda folder: {"": folder / "index.html"}, ValueError, "must begin with a slash"),
    (lambda folder: {"/": folder / "missing"}, FileNotFoundError, "'/' is to be served from .*missing, which is no"),
    (lambda folder: {"/": folder}, FileNotFoundError, "which is no file"),
]


@pytest.mark.parametrize(("files", "error", "complaint"), MISUSE)
def test_what_cannot_be_served_shows_at_once(
    files: Callable[[Path], dict[str, Any]], error: type[Exception], complaint: str, folder: Path
) -> None:
    with pytest.raises(error, match=complaint):
        House(files=files(folder))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.html", "text/html; charset=utf-8"),
        ("A.HTML", "text/html; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.wasm", "application/wasm"),
        ("a.png", "image/png"),
        ("a.unheard-of", "application/octet-stream"),
        ("README", "application/octet-stream"),
    ],
)
def test_the_media_type_follows_the_name(name: str, expected: str) -> None:
    assert content_type(name) == expected


def test_a_file_is_read_once_until_it_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: reads.append(path.name) or read_bytes(path))  # type: ignore[func-returns-value]
    files = Files({"/": folder / "index.html"})
    assert reads == ["index.html"]
    assert files.get("/") == files.get("/")
    assert reads == ["index.html"]
    (folder / "index.html").write_bytes(PAGE + b"!")
    found = files.get("/")
    assert found is not None
    assert found[1] == PAGE + b"!"
    assert reads == ["index.html"] * 2
