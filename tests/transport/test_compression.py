"""permessage-deflate between a server and its clients: who gets what, compressed how often, and in which order."""

import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tickws
from tests.protocol.deflating import NAME, Packer, packed
from tests.transport.ears import ALL, ALONE, TEXTS, count_compressors, frames, guest
from tests.transport.peers import House, run
from tickws.protocol.extensions import Deflate
from tickws.protocol.limits import Limits
from tickws.testing import MemoryNetwork, Pair


class Move(tickws.Input):
    """An input."""

    dy: float = 0.0


# -- agreeing --------------------------------------------------------------------------------------------------------


def test_off_by_default() -> None:
    house = House()
    peer = house.dial()
    peer.ask("/", f"Sec-WebSocket-Extensions: {NAME}; client_max_window_bits")
    house.turn(3)
    assert b"extensions" not in peer.receive_head().lower()
    assert house.ws().extensions == ""
    house.ws().send(TEXTS[0])
    house.turn()
    assert [rsv for rsv, _ in frames(peer)] == [0]
    pair = Pair()
    assert pair.client.websocket is not None
    assert pair.client.websocket.extensions == ""
    assert pair.client.websocket.response_headers is not None
    assert "sec-websocket-extensions" not in pair.client.websocket.response_headers


MAKERS: dict[str, Callable[..., object]] = {
    "WebSocketServer": lambda **options: tickws.WebSocketServer(network=MemoryNetwork(), **options),
    "WebSocketClient": lambda **options: tickws.WebSocketClient(
        "ws://127.0.0.1:1/", network=MemoryNetwork(), **options
    ),
}
GAMES: dict[str, Callable[..., object]] = {
    "GameServer": lambda **options: tickws.GameServer(inputs=Move, network=MemoryNetwork(), **options),
    "GameClient": lambda **options: tickws.GameClient("ws://x/", inputs=Move, network=MemoryNetwork(), **options),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_not_with_frames_as_they_come(maker: str) -> None:
    with pytest.raises(TypeError, match="on_frame"):
        MAKERS[maker](compression=Deflate(), on_frame=lambda ws, frame: None)


@pytest.mark.parametrize("maker", [*MAKERS, *GAMES])
@pytest.mark.parametrize("wrong", [True, False, 15, "deflate", "", {}, Deflate])
def test_what_compression_may_be(maker: str, wrong: object) -> None:
    make = {**MAKERS, **GAMES}[maker]
    with pytest.raises(TypeError, match="compression"):
        make(compression=wrong)
    make(compression=None)


def test_both_ends_say_what_was_agreed() -> None:
    pair = Pair(compression=Deflate(window_bits=10), client={"compression": Deflate(window_bits=9)})
    [ws] = pair.server.connections
    assert pair.client.websocket is not None
    assert pair.client.websocket.extensions == ws.extensions
    assert ws.extensions.startswith(f"{NAME}; server_no_context_takeover; client_no_context_takeover; server_max_")
    assert "client_max_window_bits=9" in ws.extensions


# -- one for all -----------------------------------------------------------------------------------------------------


def test_a_broadcast_is_compressed_once_for_all_who_compress_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    made = count_compressors(monkeypatch)
    house = House(compression=Deflate(context_takeover=True, window_bits=15))
    ears = [
        guest(house, None, "/plain"),
        *[guest(house, ALONE, f"/alone{i}") for i in range(3)],
        *[guest(house, ALONE + "; server_max_window_bits=9", f"/small{i}", 9) for i in range(2)],
        *[guest(house, "", f"/kept{i}", takeover=True) for i in range(2)],
        guest(house, "; server_max_window_bits=8", "/tiny", 8, takeover=True),
        guest(house, "; unknown", "/declined"),
    ]
    assert made == []
    for number, text in enumerate(TEXTS):
        made.clear()
        assert house.server.broadcast(text) == len(ears)
        assert made == [], "nothing is compressed before it is sent"
        house.turn()
        assert [ear.hear() for ear in ears] == [[text]] * len(ears)
        assert sorted(made) == ([9, 9, 15, 15, 15] if number == 0 else [9, 15]), "contexts are made once"
        made.clear()
        assert house.server.broadcast_latest("key", text, exclude=[house.ws("/plain")]) == len(ears) - 1
        house.turn()
        assert [ear.hear() for ear in ears] == [[], *[[text]] * (len(ears) - 1)]
        assert sorted(made) == [9, 15]
    assert [ear.compressed for ear in ears] == [0, *[10] * 8, 0]
    assert ears[6].bytes < ears[1].bytes / 2, "with takeover, what is alike costs next to nothing"


def test_short_broadcasts_go_plain_and_long_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    made = count_compressors(monkeypatch)
    house = House(compression=Deflate(threshold_bytes=100))
    ears = [guest(house, "", "/a"), guest(house, None, "/b")]
    house.server.broadcast("é" * 49)
    house.server.broadcast_latest("key", "x" * 99)
    house.turn()
    assert [ear.hear() for ear in ears] == [["é" * 49, "x" * 99]] * 2
    assert made == []
    house.server.broadcast("é" * 50)
    house.server.broadcast_latest("key", "x" * 100)
    house.turn()
    assert [ear.hear() for ear in ears] == [["é" * 50, "x" * 100]] * 2
    assert ears[0].compressed == len(made) == 2


def test_what_does_not_become_shorter_goes_plain() -> None:
    house = House(compression=Deflate())
    ears = [guest(house, "", "/a"), guest(house, "", "/b")]
    noise = random.Random(4).randbytes(20_000)
    house.server.broadcast(noise)
    house.turn(2)
    assert [ear.hear() for ear in ears] == [[noise]] * 2
    assert ears[0].compressed == 0


def test_messages_of_many_threads() -> None:
    house = House(compression=Deflate(context_takeover=True), limits=Limits(queue_messages=100_000))
    ears = [
        guest(house, "", "/kept", 12, takeover=True),
        guest(house, ALONE, "/alone", 12),
        guest(house, None, "/plain"),
    ]

    def speak(name: int) -> None:
        for number in range(60):
            house.server.broadcast(f"{name}:{number}:" + TEXTS[name % 5])
            house.server.broadcast_latest(name, f"latest {name}")

    threads = [threading.Thread(target=speak, args=(name,)) for name in range(4)]
    heard: list[list[Any]] = [[] for _ in ears]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        house.turn()
        for ear, got in zip(ears, heard, strict=True):
            got.extend(ear.hear())
    house.turn(20)
    assert not any(ws.queued_bytes for ws in house.server.connections)
    for ear, got in zip(ears, heard, strict=True):
        got.extend(ear.hear())
        for name in range(4):
            mine = [message for message in got if message.startswith(f"{name}:")]
            assert mine == [f"{name}:{number}:" + TEXTS[name % 5] for number in range(60)]
            assert f"latest {name}" in got


# -- enemies, games --------------------------------------------------------------------------------------------------


def bombs() -> Iterator[bytes]:
    """Messages of 1 MiB each, as a client sends them: a kilobyte on the wire."""
    bomb = packed(Packer().pack(bytes(1 << 20)))
    while True:
        yield bomb


def test_a_player_is_not_kept_waiting_by_bombs() -> None:
    """Whoever sends a thousand times what it pays for is inflated a quota a slice, and a player beside it is heard."""
    house = House(compression=Deflate(), on_message=lambda ws, message: None)
    enemies = [guest(house, "", f"/bomb{number}") for number in range(3)]
    player = guest(house, "", "/player")
    flood = bombs()
    for frame in range(30):
        for enemy in enemies:
            for _ in range(20):
                try:
                    enemy.end.say(next(flood))
                except (BlockingIOError, AssertionError):
                    break
        player.end.say(packed(Packer().pack(b"%d" % frame)))
        before = house.statistics.steps["message"].count
        house.turn()
        assert house.statistics.steps["message"].count - before <= 64 * 4 + 8, "limits.slice_messages steps each"
        assert house.heard("message", "/player")[-1] == b"%d" % frame, "in the same slice"
    heard = house.heard("message", "/bomb0")
    assert 0 < len(heard) <= 31, "a MiB is 64 steps"
    assert heard[0] == bytes(1 << 20)
    assert not house.closes


def test_a_bomb_above_the_limit_is_1009_and_costs_its_sender_only() -> None:
    house = House(compression=Deflate())
    enemy, player = guest(house, "", "/enemy"), guest(house, "", "/player")
    enemy.end.say(packed(Packer().pack(bytes((1 << 20) + 1))))
    house.turn(10)
    assert house.closes == [("/enemy", 1009, "message above 1048576 bytes")]
    house.server.broadcast(TEXTS[0])
    house.turn()
    assert player.hear() == [TEXTS[0]]
    assert house.statistics.faults == {1009: 1}


@pytest.mark.parametrize("client", [None, Deflate(threshold_bytes=0), ALL])
@pytest.mark.parametrize("server", [None, Deflate(threshold_bytes=0), ALL])
def test_a_game_is_the_same(server: Deflate | None, client: Deflate | None) -> None:
    table: tickws.testing.GameTable[Move] = tickws.testing.GameTable(Move, snapshot_rate=20, compression=server)
    clients = [table.join(compression=client), table.join()]
    moved: dict[int, float] = {}

    @table.loop.system
    def simulate(tick: tickws.Tick) -> None:
        for player in table.game.players:
            moved[player.id] = moved.get(player.id, 0.0) + player.input(tick).dy
        table.game.publish({1: {"x": float(tick.number), "names": ["the same name"] * 40}})

    for _ in range(60):
        for each in clients:
            each.send_input(Move(dy=1.0))
        table.run(1 / 60)
    assert len(table.game.players) == 2
    for each in clients:
        state = each.state()
        assert state is not None
        assert state[1]["names"] == ["the same name"] * 40
    assert min(moved.values()) > 20
    run(table.network, 0.1)
