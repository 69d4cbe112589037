"""Chance is the system's: masks and nonces of our clients cannot be told beforehand (RFC 6455 section 10.3)."""

from __future__ import annotations

import inspect
import os

from tests.protocol.helpers import BINARY
from tests.transport.peers import ServerEnd
from tickws.client.client import GameClient
from tickws.game.server import GameServer
from tickws.testing import MemoryNetwork
from tickws.transport.client import WebSocketClient

MESSAGES = 40


def wire_of_a_client() -> tuple[str, list[bytes]]:
    """The nonce of a client made without a source of chance, and the masks of its messages."""
    network = MemoryNetwork()
    door = network.listen("127.0.0.1", 8056, 5)[0]
    client = WebSocketClient("ws://127.0.0.1:8056/", network=network)
    client.work(None, wait=0)
    server = ServerEnd(door.accept()[0])
    client.work(None, wait=0)
    nonce = server.answer().partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
    client.work(None, wait=0)
    for _ in range(MESSAGES):
        client.send(b"")
    client.work(None, wait=0)
    data = server.listen()
    assert data[:2] == bytes((0x80 | BINARY, 0x80))
    frames = [data[start : start + 6] for start in range(0, len(data), 6)]
    return nonce, [frame[2:] for frame in frames]


def test_no_two_masks_are_the_same_nor_two_nonces() -> None:
    """Of 80 that are drawn from 2**32, two are the same once in a million times."""
    nonces, masks = zip(*(wire_of_a_client() for _ in range(2)), strict=True)
    assert len(set(nonces)) == 2
    drawn = [mask for each in masks for mask in each]
    assert len(drawn) == 2 * MESSAGES
    assert len(set(drawn)) >= len(drawn) - 1


def test_it_is_drawn_from_the_operating_system() -> None:
    for maker, name in ((WebSocketClient, "mask_source"), (GameServer, "token_source")):
        assert inspect.signature(maker).parameters[name].default is os.urandom
    assert inspect.signature(GameClient).parameters["mask_source"].default in (os.urandom, None)
