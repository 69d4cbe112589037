"""The benchmark of compression, and `--compression` of the contests: that they count, compare and complain."""

import json
import zlib
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import tickws
from benchmarks import compression, contenders, deflating, flood, stall
from benchmarks.bare import runs
from benchmarks.child import Failed
from benchmarks.deflated.host import Spent
from benchmarks.deflated.ways import DEFAULT, OFF, TITLES, WAYS
from benchmarks.deflated.words import KINDS, words
from benchmarks.guests.players import Player
from benchmarks.packing import OFFER, Packing
from benchmarks.payloads import Kind, make_bomb, read_stamped
from benchmarks.peer import PACKED, masked
from tests.benchmarks.quick import contest
from tests.benchmarks.test_contests import COUNTS, run
from tickws.protocol.codec import encode_frame
from tickws.protocol.connection import Connection, Role
from tickws.protocol.handshake import Request

CASE = "20 clients"


def opened(ours: tickws.Deflate | None, offer: str = OFFER) -> tuple[Player, Connection]:
    """A player that is in, and the server's end of its connection."""
    player = Player(0, "127.0.0.1:1", Kind.PLAYER, offer)
    connection = Connection(Role.SERVER, tickws.Limits(), bytes, compression=ours)
    connection.receive(player.out)
    player.out = b""
    request = connection.next_event()
    assert isinstance(request, Request)
    connection.accept(request)
    player.receive(b"".join(connection.data_to_send()))
    assert player.open
    return player, connection


# -- the light client's end ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_light_client_and_a_server_understand_each_other(way: str) -> None:
    player, connection = opened(WAYS[way])
    assert (player.packing is None) is (way == OFF)
    sizes = []
    for word in islice(words("1k"), 3):
        player.say(word)
        sizes.append(len(player.out))
        connection.receive(player.out)
        player.out = b""
        assert connection.next_event() == word
        connection.send(word)
        player.receive(b"".join(connection.data_to_send()))
    assert (player.messages, player.fault) == (3, "")
    assert (max(sizes) < 1000) is (way != OFF)
    assert (sizes[2] < 0.8 * sizes[0]) is (way in ("takeover", "largest"))  # it refers to those before


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("permessage-bzip2", "was not offered"),
        ("permessage-deflate, permessage-deflate", "was not offered"),
    ],
)
def test_an_answer_that_was_not_offered(answer: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Packing(answer)


def test_an_answer_to_who_offered_nothing() -> None:
    player = Player(0, "127.0.0.1:1", Kind.PLAYER)
    connection = Connection(Role.SERVER, tickws.Limits(), bytes, compression=tickws.Deflate())
    connection.receive(Player(0, "127.0.0.1:1", Kind.PLAYER, OFFER).out)
    request = connection.next_event()
    assert isinstance(request, Request)
    connection.accept(request)
    player.receive(b"".join(connection.data_to_send()))
    assert player.fault == "an extension that nobody offered"


def test_a_light_client_notices_what_is_not_compressed_as_agreed() -> None:
    player, _ = opened(tickws.Deflate())
    player.receive(bytes((PACKED, 4)) + b"\xff" * 4)
    assert player.fault.startswith("not compressed as agreed")
    plain, _ = opened(None)
    plain.receive(bytes((PACKED, 1)) + b"\x00")
    assert plain.fault == "a frame that nobody asked for: 0xc2"


@pytest.mark.parametrize("size", [0, 125, 126, 1000, 65_535])
def test_masked_frames_of_all_sizes(size: int) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    assert masked(0x82, payload[:size]) == encode_frame(2, payload[:size], True, b"\x5a\xc3\x0f\x96")


# -- what is said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        ("input", 24, 24),
        ("chat", 90, 250),
        ("256", 230, 280),
        ("512", 480, 540),
        ("1k", 980, 1050),
        ("10k", 10_100, 10_400),
    ],
)
def test_words_are_as_long_as_they_say_and_the_same_for_all(kind: str, least: int, most: int) -> None:
    said = list(islice(words(kind), 20))
    assert all(least <= len(word) <= most for word in said)
    assert said == list(islice(words(kind), 20))
    assert len(set(said)) == 20


def test_a_bomb_is_as_long_as_allowed_and_small_on_the_wire() -> None:
    bomb = make_bomb(flood.BOMB_BYTES)
    assert len(bomb) == tickws.Limits().message_bytes
    player, connection = opened(tickws.Deflate())
    connection.receive(player.frame(bomb))
    while not isinstance(event := connection.next_event(), bytes):
        assert event is not None
    assert event == bomb
    assert read_stamped(event)[0] == Kind.FLOODER
    assert len(player.frame(bomb)) < 2000


# -- the compression itself ------------------------------------------------------------------------------------------


def test_what_compression_costs_by_itself() -> None:
    word = next(words("10k"))
    found = deflating.cost(word, tickws.Deflate())
    assert found.deflate > 0
    assert found.inflate > 0
    assert 0 < found.size < len(word)
    assert deflating.cost(b"short", tickws.Deflate()).size == 5
    assert deflating.itself("tickws", entities=50) is None


def compared(**more: float) -> Any:
    """A contest of flooders in which compression itself is 2 % and a millisecond a frame."""
    plain = {"CPU, %": 10.0, "slice p50, ms": 1.0}
    itself = {deflating.METRICS[0]: 2.0, deflating.METRICS[1]: 1.0}
    return contest(tickws={"one": plain}, deflate={"one": {**plain, **itself, **more}})


@pytest.mark.parametrize(
    ("more", "passed"),
    [
        ({}, [True, True]),
        ({"CPU, %": 13.0, "slice p50, ms": 3.0}, [True, True]),  # itself, and all that may be noise
        ({"CPU, %": 13.1}, [False, True]),
        ({"slice p50, ms": 3.1}, [True, False]),
    ],
)
def test_the_verdict(more: dict[str, float], passed: list[bool]) -> None:
    found = deflating.verdict(compared(**more), "one", ["CPU, %", "slice p50, ms"])
    assert [gate.passed for gate in found] == passed


def test_no_verdict_without_figures() -> None:
    of = contest(tickws={}, deflate={"one": {"CPU, %": 1.0}})
    [gate] = deflating.verdict(of, "one", ["CPU, %"])
    assert not gate.passed
    assert "nothing was measured" in str(gate)


# -- the programs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "case", "gates"),
    [("flood", "2 flooders", 6 + 6 + 7 + 6), ("stall", "2 read no more", 4 + 4 + 8)],
)
def test_contests_with_compression(tmp_path: Path, name: str, case: str, gates: int) -> None:
    figures, done = run(tmp_path, name, "--compression", "--seconds", "0.5")
    assert figures["notes"] == [], done.stderr
    assert list(figures["rounds"]) == ["tickws", contenders.DEFLATE]
    assert len(figures["gates"]) == gates
    [plain], [compressed] = figures["rounds"].values()
    assert deflating.METRICS[0] not in plain[case]
    assert compressed[case][deflating.METRICS[0]] > 0
    for cases in (plain, compressed):
        assert {
            metric: count for row in cases.values() for metric, count in row.items() if metric in COUNTS and count
        } == {}
    if name == "flood":
        assert "2 flooders, bombs" not in plain
        assert compressed[case][flood.COST] > 0
        assert compressed["2 flooders, bombs"]["flood taken, messages a second"] > 0
        assert compressed["2 flooders, bombs"]["flooders thrown out or not in"] == 0


def test_the_quick_form(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    code = compression.main(["--quick", "--clients", "5", "--seconds", "0.1", "--json", str(path)])
    figures, levels = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert [said for said in figures["complaints"] if compression.LOST in said] == []
    assert code == (1 if figures["complaints"] else 0)
    assert figures["notes"] == levels["notes"] == []
    ways = {way: cases["5 clients"] for way, [cases] in figures["rounds"].items()}
    assert list(ways) == list(WAYS)
    for metrics in ways.values():
        assert metrics[compression.LOST] == 0
        assert all(value > 0 for metric, value in metrics.items() if "CPU" in metric)
    assert [ways[OFF][f"{kind}: saved, %"] for kind in ("input in", "chat in", "chat out", "1k out", "10k out")] == [
        0
    ] * 5
    assert ways[DEFAULT]["chat out: saved, %"] == 0  # below the threshold
    for way in (DEFAULT, "takeover", "largest"):
        assert 20 < ways[way]["1k out: saved, %"] < 90
        assert ways[way]["10k to all: KiB on the wire"] < 0.7 * ways[OFF]["10k to all: KiB on the wire"]
    assert ways["takeover"]["input in: bytes on the wire"] < 30 < ways[DEFAULT]["input in: bytes on the wire"]
    for [cases] in levels["rounds"].values():
        assert list(cases) == list(KINDS)


@pytest.mark.parametrize(
    ("wrong", "failed"),
    [
        ({}, 0),
        ({compression.LOST: 1.0}, 1),
        ({compression.TALKED: 7.1}, 1),
        ({"1k to all: CPU, ms": 9.0, "10k to all: CPU, ms": 9.0}, 2),
    ],
)
def test_what_is_promised(wrong: dict[str, float], failed: int) -> None:
    sound = {compression.LOST: 0.0, compression.TALKED: 5.0, "1k to all: CPU, ms": 3.0, "10k to all: CPU, ms": 3.0}
    of = contest(**{way: {CASE: {**sound, **(wrong if way == DEFAULT else {})}} for way in WAYS})
    found = compression.gates(of, CASE, 20)
    assert len(found) == len(TITLES) + 3
    assert len([gate for gate in found if not gate.passed]) == failed


def test_clients_that_hear_something_else_are_noticed() -> None:
    class Host:
        """One that says what it did not say."""

        def tell(self, *said: object) -> None:
            """Nothing."""

        def ask(self, *said: object, timeout: float) -> dict[str, Any]:
            """As the host and the crowd."""
            if said[0] == "end":
                return {"heard": [zlib.crc32(b"in"), 0], "said": zlib.crc32(b"out")}
            if said[0] == "memory":
                return {"resident_bytes": 1 << 20}
            if said[0] == "hear":
                return {"heard": [zlib.crc32(b"out")]}  # the other one is gone
            return {"said": zlib.crc32(b"in")} if said[0] == "say" else self.hear(timeout)

        def hear(self, timeout: float) -> dict[str, Any]:
            """What a command took."""
            return {"cpu_seconds": 1.0, "messages": 4, "plain_bytes": 400, "wire_bytes": 100}

    host: Any = Host()
    parsed: Any = runs.options("compression", "", seconds=0.1, rounds=1).parse_args([])
    parsed.clients = 2
    found = compression.Run(host, host, parsed).measure()
    assert found[compression.LOST] == 2.0
    assert found["1k out: saved, %"] == 75.0


def test_nothing_that_came_is_no_figure() -> None:
    with pytest.raises(Failed, match="chat in: nothing came"):
        compression.Run._metrics("chat in", Spent())


@pytest.mark.parametrize(
    ("main", "arguments"),
    [(compression.main, ["--clients", "0"]), (flood.main, ["--servers", "deflated"]), (stall.main, ["--rounds", "-1"])],
)
def test_arguments_that_make_no_sense(main: Any, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
