"""Unix sockets: their files, their peers, and what is wrong with a path."""

import errno
import logging
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import tickws
from tests.transport.peers import close, text
from tests.transport.places import UnixPeer, served
from tickws.transport import binding

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="Python has no unix sockets here")

Make = Callable[..., tickws.WebSocketServer]
Dial = Callable[..., UnixPeer]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes servers that say what they hear in capitals; closed afterwards."""
    made: list[tickws.WebSocketServer] = []

    def make(path: str | Path | None = None, **options: Any) -> tickws.WebSocketServer:
        on_message = options.pop("on_message", lambda ws, message: ws.send(message.upper()))
        made.append(tickws.WebSocketServer(port=None, on_message=on_message, **options))
        if path is not None:
            made[-1].listen(path=path)
        return made[-1]

    yield make
    for server in made:
        server.abort()


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Makes peers; closed afterwards."""
    with ExitStack() as stack:

        def dial(path: str | Path, name: Path | None = None) -> UnixPeer:
            peer = UnixPeer(path, name)
            stack.callback(peer.socket.close)
            return peer

        yield dial


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where to listen; short enough, wherever the temporary directory is."""
    path = tmp_path / "s"
    if len(os.fsencode(path)) > 100:
        pytest.skip(f"the temporary directory's name is too long for a unix socket: {tmp_path}")
    return path


def says_up(server: tickws.WebSocketServer, peer: UnixPeer) -> None:
    """A peer goes through its handshake and is heard."""
    peer.ask()
    while not peer.receive_status():
        server.work(0.001)
    peer.say(text("up"))
    assert served(server, peer) == ["UP"]


def stale(path: Path) -> None:
    """Leave what a process leaves that was killed."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()


# -- serving -----------------------------------------------------------------------------------------------------------


def test_it_serves(path: Path, make: Make, dial: Dial, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever has to do with addresses copes with one that is no tuple."""
    caplog.set_level(logging.DEBUG)
    seen: list[Any] = []
    server = make(on_open=lambda ws: seen.append((ws, ws.remote_address, ws.request.remote_address, repr(ws))))
    server.listen(path=path)
    assert server.addresses == [str(path)]
    with pytest.raises(tickws.UsageError, match=r"no port is listened at: .*`addresses` has all there is"):
        _ = server.port
    peer = dial(path)
    says_up(server, peer)
    [(ws, *addresses, shown)] = seen
    assert (addresses, shown) == (["", ""], "<WebSocket '' open>")
    assert server.connections == (ws,)
    peer.say(b"\xff\xff")
    assert served(server, peer) == [("close", 1002, seen_reason(caplog))]


def seen_reason(caplog: pytest.LogCaptureFixture) -> str:
    """What the log says that a connection failed for."""
    [line] = [record.getMessage() for record in caplog.records if "failed with 1002" in record.getMessage()]
    return line.partition("1002: ")[2]


def test_a_peer_with_a_path_of_its_own(path: Path, tmp_path: Path, make: Make, dial: Dial) -> None:
    seen: list[Any] = []
    server = make(path, on_open=lambda ws: seen.append(ws.remote_address))
    says_up(server, dial(path, tmp_path / "c"))
    assert seen == [str(tmp_path / "c")]


def test_a_name_of_linux_s_abstract_kind_comes_as_a_ready_socket(make: Make, dial: Dial) -> None:
    if sys.platform != "linux":
        pytest.skip("abstract unix sockets are Linux's")
    server = make()
    name = f"\0tickws-test-{os.getpid()}"
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(name)
    sock.listen()
    server.listen(sock=sock)
    assert server.addresses == [name.encode()]
    says_up(server, dial(name))


def test_unix_and_tcp_together(path: Path, make: Make, dial: Dial) -> None:
    server = make(path)
    server.listen()
    assert server.addresses == [str(path), ("127.0.0.1", server.port)]
    says_up(server, dial(path))
    server.close()
    assert server.port


def test_the_path_may_be_a_str_or_relative(path: Path, make: Make, dial: Dial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    server = make(path.name)
    assert server.addresses == [path.name]
    says_up(server, dial(path))
    monkeypatch.chdir("/")
    server.close()
    assert not path.exists(), "whatever the working directory is by then"


def test_the_umask_says_who_may_connect(path: Path, make: Make) -> None:
    before = os.umask(0o177)
    try:
        make(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# -- the file ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["close", "abort", "stop_listening"])
def test_the_file_is_removed(end: str, path: Path, make: Make) -> None:
    server = make(path)
    getattr(server, end)()
    assert not path.exists()


def test_a_file_that_a_killed_server_left_is_replaced(path: Path, make: Make, dial: Dial) -> None:
    stale(path)
    says_up(make(path), dial(path))


def test_a_living_server_is_not(path: Path, make: Make, dial: Dial) -> None:
    server = make(path)
    with pytest.raises(tickws.ListenError, match=rf"{path}: the path is taken: somebody listens there\.") as caught:
        make(path)
    assert caught.value.errno == errno.EADDRINUSE
    says_up(server, dial(path))


def test_nor_one_whose_backlog_is_full(path: Path, make: Make) -> None:
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(str(path))
        busy.listen(0)
        first.connect(str(path))
        with pytest.raises(tickws.ListenError, match="somebody listens there"):
            make(path)


def test_one_that_goes_while_we_look_is_no_trouble(path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    stale(path)
    look = Path.lstat

    def gone(self: Path) -> os.stat_result:
        self.unlink(missing_ok=True)
        return look(self)

    server = make()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "lstat", gone)
        server.listen(path=path)
    assert server.addresses == [str(path)]


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_what_is_no_socket_is_never_removed(kind: str, path: Path, make: Make) -> None:
    if kind == "file":
        path.write_text("precious", encoding="utf-8")
    elif kind == "directory":
        path.mkdir()
    else:
        stale(path.with_name("t"))
        path.symlink_to(path.with_name("t"))
    with pytest.raises(tickws.ListenError, match=r"something that is no socket is in the way\. Remove it, or take"):
        make(path)
    assert os.path.lexists(path)


def test_a_file_that_is_another_s_by_now_stays(path: Path, make: Make) -> None:
    server = make(path)
    other = path.with_name("t")
    stale(other)
    other.replace(path)
    server.close()
    assert path.exists()
    path.unlink()
    make(path).close()
    assert not path.exists()


def test_a_file_that_is_gone_is_no_trouble(path: Path, make: Make) -> None:
    server = make(path)
    path.unlink()
    server.close()


def test_a_socket_that_another_process_has_too_keeps_its_file(path: Path, make: Make, dial: Dial) -> None:
    """As after a hand-over. (A second descriptor is to the kernel what a second process is.)"""
    server, heir = make(path), make()
    heir.listen(sock=server.sockets[0].dup())
    waiting = dial(path)
    server.stop_listening()
    says_up(heir, waiting)
    says_up(heir, dial(path))
    heir.stop_listening()
    with pytest.raises(ConnectionRefusedError):
        dial(path)
    assert path.exists(), "who was given a socket does not know whose file it is"
    says_up(make(path), dial(path))


# -- failures ----------------------------------------------------------------------------------------------------------


def test_no_directory(path: Path, make: Make) -> None:
    with pytest.raises(
        tickws.ListenError, match=r"cannot listen on .*/x/y: there is no such directory\. Make"
    ) as caught:
        make(path / "x" / "y")
    assert caught.value.errno == errno.ENOENT


def test_through_a_file(path: Path, make: Make) -> None:
    path.write_text("", encoding="utf-8")
    with pytest.raises(tickws.ListenError, match="it leads through something that is no directory"):
        make(path / "x")


@pytest.mark.parametrize("room", [0, 1])
def test_the_longest_path(room: int, tmp_path: Path, make: Make, dial: Dial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "x" * ((107 if sys.platform == "linux" else 103) + room)
    if not room:
        says_up(make(name), dial(name))
        return
    with pytest.raises(
        tickws.ListenError, match=r"the path is too long: .*at most 107 bytes.*Take a shorter"
    ) as caught:
        make(name)
    assert caught.value.errno == errno.ENAMETOOLONG


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission(path: Path, make: Make) -> None:
    path.mkdir(mode=0o500)
    with pytest.raises(tickws.ListenError, match=r"no permission to make a file in that directory\. Take one of"):
        make(path / "x")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EACCES, "no permission to make a file in that directory"),
        (errno.EROFS, "that file system cannot be written to"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EIO, "strange"),
    ],
)
def test_each_error_says_what_to_do(
    number: int, advice: str, path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(socket.socket):
        def bind(self, address: Any) -> None:
            raise OSError(number, "strange")

    server = make()
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", Broken)
        with pytest.raises(tickws.ListenError, match=advice) as caught:
            server.listen(path=path)
    assert caught.value.errno == number


def test_out_of_descriptors(path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise OSError(errno.EMFILE, "too many")

    server = make()
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", broken)
        with pytest.raises(tickws.ListenError, match="no file descriptors left"):
            server.listen(path=path)


@pytest.mark.parametrize(
    ("wrong", "error", "complaint"),
    [
        ("", ValueError, "path names a file, which '' does not"),
        ("\0name", ValueError, "bind others yourself, and give them as sock="),
        (b"/tmp/x", TypeError, r"path is a str or a pathlib\.Path, not b'/tmp/x'"),
        (5, TypeError, "expected str, bytes or os.PathLike"),
    ],
)
def test_what_is_no_path(wrong: Any, error: type[Exception], complaint: str, make: Make) -> None:
    with pytest.raises(error, match=complaint):
        make().listen(path=wrong)


def test_a_platform_without_unix_sockets(path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "_UNIX", None)
    with pytest.raises(tickws.ListenError, match=r"no unix sockets on this platform\. Take a port of 127\.0\.0\.1"):
        make().listen(path=path)


def test_a_datagram_socket_is_no_door(path: Path, make: Make) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        with pytest.raises(ValueError, match="listens with stream sockets of TCP or unix"):
            make().listen(sock=sock)
        with pytest.raises(tickws.ListenError, match="the path is taken"):
            make(path)


def test_a_client_that_says_goodbye(path: Path, make: Make, dial: Dial) -> None:
    closed: list[tuple[int, str]] = []
    server = make(path, on_close=lambda ws, *why: closed.append(why))
    peer = dial(path)
    says_up(server, peer)
    peer.say(close(1000, "bye"))
    assert served(server, peer) == [("close", 1000, "bye")]
    while not closed:
        server.work(0.001)
    assert closed == [(1000, "bye")]
