"""Behind nginx and Caddy, with the configuration that docs/deployment.md shows, and as systemd's service.

Of the configuration only places are replaced: the port, the certificate, the socket.
"""

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tickws
from tests.certificates import trusted, written
from tests.program import ROOT, SECONDS, Program

SAMPLES = ROOT / "docs" / "samples"
HOST = "127.0.0.1"
Require = Callable[[str], str]

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="the recipes are for unix sockets")


def sample(name: str, *places: tuple[str, str | Path | int]) -> str:
    """A file of the samples, with other places."""
    text = (SAMPLES / name).read_text(encoding="utf-8")
    for here, there in places:
        assert here in text, here
        text = text.replace(here, str(there))
    return text


@pytest.fixture
def nginx(require: Require) -> str:
    return require("nginx")


@pytest.fixture
def caddy(require: Require) -> str:
    return require("caddy")


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Path]:
    """The unix socket of docs/samples/service.py, which serves there."""
    path = tmp_path / "game.sock"
    if len(os.fsencode(path)) > 100:
        pytest.skip(f"the temporary directory's name is too long for a unix socket: {tmp_path}")
    file = tmp_path / "service.py"
    file.write_text(sample("service.py", ("/run/game/game.sock", path)), encoding="utf-8")
    program = Program(file)
    try:
        program.wait_for("serves at")
        yield path
        assert program.stop() == 0, program.output
    finally:
        program.close()


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


@pytest.fixture
def start() -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Starts a program, which is ended afterwards."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*command: str | Path, **options: str) -> "subprocess.Popen[bytes]":
        running.append(subprocess.Popen(command, env={**os.environ, **options}, stderr=subprocess.PIPE))
        return running[-1]

    yield start
    for process in running:
        process.terminate()
        process.communicate(timeout=SECONDS)


def visit(process: "subprocess.Popen[bytes]", url: str, context: ssl.SSLContext) -> str | bytes:
    """What the service says to a client that lies about its address, once the proxy is there."""
    clock = tickws.SystemClock()
    give_up = clock.now() + SECONDS
    heard: list[str | bytes] = []

    def on_message(ws: tickws.WebSocket, message: str | bytes) -> None:
        heard.append(message)
        ws.close()

    while not heard:
        assert process.poll() is None, process.communicate()[1].decode()
        with tickws.WebSocketClient(
            url,
            ssl_context=context,
            headers={"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "http"},
            on_message=on_message,
        ) as client:
            while client.work(0.05):
                pass
        assert heard or clock.now() < give_up, client.error
    return heard[0]


def test_nginx(
    nginx: str, door: Path, port: int, start: Callable[..., "subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    certificate, key, _ = written(tmp_path)
    (tmp_path / "site.conf").write_text(
        sample(
            "deployment/nginx.conf",
            ("/run/game/game.sock", door),
            ("listen 443 ssl", f"listen {HOST}:{port} ssl"),
            ("/etc/ssl/game.example/fullchain.pem", certificate),
            ("/etc/ssl/game.example/privkey.pem", key),
        ),
        encoding="utf-8",
    )
    paths = "".join(
        f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        # root's workers would be somebody else, who may not come into our directory
        f"{'user root;' if os.geteuid() == 0 else ''} daemon off; pid {tmp_path}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {paths} include {tmp_path}/site.conf; }}",
        encoding="utf-8",
    )
    process = start(nginx, "-e", "stderr", "-p", tmp_path, "-c", tmp_path / "nginx.conf")
    assert visit(process, f"wss://{HOST}:{port}/", trusted()) == "you come from ('127.0.0.1', 0), with TLS"


def test_caddy(
    caddy: str, door: Path, port: int, start: Callable[..., "subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    certificate, key, _ = written(tmp_path)
    site = sample("deployment/Caddyfile", ("/run/game/game.sock", door), ("game.example", f"https://{HOST}:{port}"))
    places = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
    (tmp_path / "Caddyfile").write_text(
        places + site.replace("{\n", f"{{\n\ttls {certificate} {key}\n", 1), encoding="utf-8"
    )
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    process = start(caddy, "run", "--config", tmp_path / "Caddyfile", **home)
    assert visit(process, f"wss://{HOST}:{port}/", trusted()) == "you come from ('127.0.0.1', 0), with TLS"


@pytest.mark.parametrize("file", sorted((SAMPLES / "deployment").iterdir()), ids=lambda file: str(file.name))
def test_the_page_shows_the_configuration_as_it_is(file: Path) -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    shown = re.search(rf"<!-- sample: deployment/{re.escape(file.name)} -->\n```\w+\n(.*?)```\n", page, re.DOTALL)
    assert shown is not None
    assert shown[1] == file.read_text(encoding="utf-8"), f"copy {file} into docs/deployment.md"


def test_systemd_finds_no_fault_with_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("this machine has no systemd-analyze (on Debian: apt install systemd)")
    for name in ("game.socket", "game.service"):
        text = sample(f"deployment/{name}")
        command = f"{sys.executable} /"
        (tmp_path / name).write_text(re.sub(r"ExecStart=\S+ \S+", f"ExecStart={command}", text), encoding="utf-8")
    said = subprocess.run(
        [analyze, "verify", "--recursive-errors=no", tmp_path / "game.socket", tmp_path / "game.service"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    complaints = [line for line in said.stderr.splitlines() if "game." in line]
    assert (said.returncode, complaints) == (0, []), said.stderr
