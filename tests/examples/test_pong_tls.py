"""The example by https and wss: page, game, window, bots; and what it says of certificates that do not fit."""

import getpass as getpass_module
import http.client
import io
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tickws
from examples.pong_server.__main__ import greeting, parse
from examples.pong_server.certificate import BadCertificate, client_context, server_context
from examples.pong_server.client import is_secure, joining, said
from examples.pong_server.game import SIDES, Move
from examples.pong_server.server import FILES
from tests import certificates
from tests.examples.table import Table
from tests.examples.test_pong_program import PONG, leave, posix, until
from tests.program import ROOT, SECONDS, Program

Files = tuple[Path, Path, Path]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Certificate, key, and the authority to trust."""
    return certificates.written(tmp_path)


@pytest.fixture
def secure(start: Callable[..., Program], files: Files) -> Program:
    """The server, by TLS."""
    return start("--cert", str(files[0]), "--key", str(files[1]))


def run(*arguments: str | Path) -> tuple[int, str]:
    """A program that ends by itself: its exit code, and what it complains of."""
    done = subprocess.run(
        [*PONG, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@posix
def test_page_and_game_are_served_by_tls(secure: Program, files: Files) -> None:
    assert secure.url == f"https://127.0.0.1:{secure.port}/"
    context = client_context(files[2])
    for path, file in FILES.items():
        connection = http.client.HTTPSConnection("127.0.0.1", secure.port, timeout=SECONDS, context=context)
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, file.read_bytes())
        connection.close()
    client = tickws.GameClient(joining(secure.url), inputs=Move, query={"name": "Ada"}, ssl_context=context)
    until(lambda: client.connected and client.state(), client)
    until(lambda: client.state()["left"]["name"] == "Ada", client)
    leave(client)
    assert secure.stop() == 0
    assert "nothing is encrypted" not in secure.output
    assert f"pong play https://127.0.0.1:{secure.port}/" in secure.output
    assert secure.output.endswith("Stopped. Goodbye!\n")


@posix
def test_plain_http_is_told_where_to_go(secure: Program) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", secure.port, timeout=SECONDS)
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert answer.status == 400
    assert b"https://" in answer.read()
    connection.close()


@posix
def test_bots_join_by_tls(secure: Program, files: Files) -> None:
    context = client_context(files[2])
    bots = subprocess.Popen(
        [*PONG, "bots", "4", secure.url, "--ca", str(files[2])], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        watcher = tickws.GameClient(joining(secure.url), inputs=Move, role="spectator", ssl_context=context)
        until(lambda: watcher.state().get("match", {}).get("watching") == 3, watcher)
        assert all(re.fullmatch(r"bot \d", watcher.state()[side]["name"]) for side in SIDES)
        bots.send_signal(signal.SIGINT)
        output, _ = bots.communicate(timeout=SECONDS)
    finally:
        bots.kill()
        bots.communicate()
    assert bots.returncode == 0
    assert output.endswith("Stopped. Goodbye!\n")
    leave(watcher)


@posix
def test_bots_that_do_not_trust_it_say_what_to_do(secure: Program) -> None:
    code, complaint = run("bots", "2", secure.url)
    assert code == 1
    assert "not trusted" in complaint
    assert "--ca FILE" in complaint


@posix
def test_the_page_in_a_browser(secure: Program, require: Callable[[str], str]) -> None:
    """The page chooses wss by itself: it is made from its own address."""
    path = require("chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    from tests.examples.test_pong_page import CHROMIUM

    strays: list[str] = []
    sockets: list[str] = []
    with playwright.sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=path, args=CHROMIUM, timeout=1000 * SECONDS)
        try:
            page = browser.new_context(ignore_https_errors=True).new_page()
            page.set_default_timeout(1000 * SECONDS)
            page.on("pageerror", lambda error: strays.append(str(error)))
            page.on("websocket", lambda socket: sockets.append(socket.url))
            page.on("console", lambda line: strays.append(line.text) if line.type == "error" else None)
            page.goto(secure.url + "?name=Ada")
            page.wait_for_selector("[data-state=connected]")
            page.wait_for_function("window.pong.view?.left.name === 'Ada'")
            page.keyboard.down("ArrowUp")
            page.wait_for_function("window.pong.view.left.y < 1")
            page.keyboard.up("ArrowUp")
        finally:
            browser.close()
    assert strays == []
    assert [url.partition("?")[0] for url in sockets] == [f"wss://127.0.0.1:{secure.port}/"]


def test_the_window_plays_by_tls(require: Callable[[str], str]) -> None:
    require("pygame")
    import pygame

    from examples.pong_server.window import Window

    pygame.display.init()
    pygame.font.init()
    try:
        table = Table(ssl_context=certificates.served())
        window = Window("https://127.0.0.1:8056/", "Ada", network=table.network, ssl_context=certificates.trusted())
        for _ in range(60):
            window.frame(1 / 60)
            table.run(1 / 60)
        assert window.mine == "left"
        window.client.close()

        window = Window("https://127.0.0.1:8056/", "Eve", network=table.network, ssl_context=client_context(None))
        for _ in range(20):
            window.frame(1 / 60)
            table.run(1 / 60)
        assert "not trusted" in window.trouble
        assert "--ca FILE" in window.trouble
    finally:
        pygame.quit()


# What does not fit


def test_the_key_may_be_in_the_same_file(files: Files, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(files[0].read_bytes() + files[1].read_bytes())
    assert isinstance(server_context(both, None), ssl.SSLContext)


def other_key(kind: certificates.Kind, folder: Path) -> Path:
    folder.mkdir()
    return certificates.written(folder, certificates.certificate(kind, "other.example"))[1]


def test_files_that_do_not_fit(files: Files, tmp_path: Path) -> None:
    """Each says which file it is, and what to do."""
    cert, key, _ = files
    damaged, junk, missing = tmp_path / "damaged.pem", tmp_path / "junk", tmp_path / "missing.pem"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    junk.write_bytes(bytes(100))
    for chosen, its_key, file, words in (
        (missing, key, missing, "No such file"),
        (cert, missing, missing, "No such file"),
        (tmp_path, key, tmp_path, "cannot be read"),
        (cert, None, cert, "--key FILE"),
        (junk, key, junk, "no certificate"),
        (key, cert, key, "no certificate"),
        (cert, junk, junk, "no private key"),
        (cert, cert, cert, "no private key"),
        (damaged, key, damaged, "damaged"),
        (cert, other_key("rsa", tmp_path / "rsa"), cert, "made together"),
        (cert, other_key("ecdsa", tmp_path / "ecdsa"), cert, "made together"),
    ):
        with pytest.raises(BadCertificate, match=words) as error:
            server_context(chosen, its_key)
        assert str(file) in str(error.value)
    for chosen, words in ((missing, "No such file"), (junk, "no certificate"), (key, "no certificate")):
        with pytest.raises(BadCertificate, match=words) as error:
            client_context(chosen)
        assert str(chosen) in str(error.value)


def test_the_program_ends_with_one_line_of_it(files: Files) -> None:
    code, complaint = run("--port", "0", "--cert", files[0].with_name("nowhere.pem"), "--key", files[1])
    assert (code, len(complaint.splitlines())) == (1, 1)
    assert "nowhere.pem cannot be read: No such file" in complaint
    code, complaint = run("bots", "1", "https://127.0.0.1:9/", "--ca", files[1])
    assert (code, len(complaint.splitlines())) == (1, 1)
    assert "no certificate" in complaint


class Terminal(io.StringIO):
    """Somebody sits there."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def sealed(files: Files) -> Path:
    """The key with a pass phrase, "secret"."""
    from cryptography.hazmat.primitives import serialization as pem

    key = pem.load_pem_private_key(files[1].read_bytes(), None)
    path = files[1].with_name("sealed.pem")
    secret = pem.BestAvailableEncryption(b"secret")
    path.write_bytes(key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, secret))
    return path


def test_a_key_with_a_pass_phrase_asks_for_it(files: Files, sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    asked: list[str] = []

    def answer(phrase: str) -> Callable[[str], str]:
        def getpass(prompt: str) -> str:
            asked.append(prompt)
            return phrase

        return getpass

    monkeypatch.setattr(getpass_module, "getpass", answer("secret"))
    assert isinstance(server_context(files[0], sealed), ssl.SSLContext)
    assert asked == [f"Pass phrase of {sealed}: "]
    monkeypatch.setattr(getpass_module, "getpass", answer("another"))
    with pytest.raises(BadCertificate, match="the pass phrase of"):
        server_context(files[0], sealed)


@pytest.mark.parametrize("error", [KeyboardInterrupt, EOFError])
def test_who_gives_no_pass_phrase(
    error: type[BaseException], files: Files, sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getpass(prompt: str) -> str:
        raise error

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass_module, "getpass", getpass)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(BadCertificate, match="no pass phrase was given"):
        server_context(files[0], sealed)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_pass_phrase_without_a_terminal(files: Files, sealed: Path) -> None:
    """A service asks nobody, and does not hang: it says how to write the key without one."""
    code, complaint = run("--port", "0", "--cert", files[0], "--key", sealed)
    assert (code, len(complaint.splitlines())) == (1, 1)
    assert f"openssl pkey -in {sealed}" in complaint


# The command line


def test_the_options() -> None:
    options = parse(["--cert", "a.pem", "--key", "b.pem"])
    assert (options.cert, options.key) == (Path("a.pem"), Path("b.pem"))
    options = parse(["play", "https://pong.example/", "--ca", "c.pem"])
    assert (options.url, options.ca) == ("https://pong.example/", Path("c.pem"))
    assert parse(["bots", "3", "wss://pong.example/"]).url == "wss://pong.example/"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--key b.pem", "--cert FILE"),
        ("play --ca c.pem", "--ca is for https"),
        ("bots 2 http://127.0.0.1/ --ca c.pem", "--ca is for https"),
        ("--cert a.pem play", "--cert is the server's"),
    ],
)
def test_options_that_do_not_fit(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse(line.split())
    assert exit_.value.code == 2
    assert words in capsys.readouterr().err


def test_the_greeting() -> None:
    assert "https://127.0.0.1:8056/" in greeting("127.0.0.1", 8056, secure=True)
    assert "pong play https://127.0.0.1:8056/" in greeting("127.0.0.1", 8056, secure=True)
    everywhere = greeting("0.0.0.0", 9000, secure=True)
    assert "http://" not in everywhere
    assert "nothing is encrypted" not in everywhere
    assert "Anybody who reaches this machine" in everywhere


def test_what_is_secure() -> None:
    assert is_secure("https://pong.example")
    assert is_secure("wss://pong.example/?name=Ada")
    assert not is_secure("127.0.0.1:8056")
    assert not is_secure("http://127.0.0.1/https://")
    assert said("as it is") == "as it is"
