"""Where there is no epoll, no eventfd, no resource, no sendmsg (Windows, macOS), tickws imports and works just so."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

POORER = """
import os, select, selectors, socket, sys
sys.modules["resource"] = None
for module, names in (
    (select, ("epoll", "poll", "devpoll", "kqueue", *(name for name in dir(select) if name.startswith("EPOLL")))),
    (os, ("eventfd", "eventfd_read", "eventfd_write", "EFD_NONBLOCK", "EFD_CLOEXEC", "memfd_create")),
    (socket, ("TCP_NOTSENT_LOWAT",)),
):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
selectors.DefaultSelector = selectors.SelectSelector
"""

TALK = """
import tickws
heard = []
with tickws.WebSocketServer(port=0, on_message=lambda ws, message: ws.send(message)) as server:
    url = f"ws://127.0.0.1:{server.port}/"
    client = tickws.WebSocketClient(url, on_message=lambda ws, message: heard.append(message))
    messages = ["hello", "x" * 500_000]
    for message in messages:
        client.send(message)
    while heard != messages:
        server.work(0.01)
        client.work(0.01)
    try:
        server.fileno()
    except tickws.UsageError as error:
        print(error)
    client.close()
    while client.work(0.01):
        server.work(0.01)
print("done")
"""


@pytest.mark.parametrize("gathers", [True, False])
def test_a_poorer_platform_will_do(gathers: bool) -> None:
    without = "" if gathers else "class Plain(socket.socket):\n    sendmsg = None\nsocket.socket = Plain\n"
    finished = subprocess.run(
        [sys.executable, "-c", POORER + without + TALK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    said, done = finished.stdout.splitlines()
    assert "call work(0) from a timer" in said
    assert done == "done"
