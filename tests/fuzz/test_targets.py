"""The fuzz targets, without a fuzzer: all seeds, some hundred inputs made from them, and defects that they must see."""

import random
import re
import zlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import tickws.sync.payload
from tests.fuzz import __main__ as runner
from tests.fuzz import frames, heads
from tests.fuzz.inflate import Corrupt, Early, Unknown, inflate
from tests.fuzz.seeds import seeds
from tests.fuzz.target import CORPUS, DICTIONARIES, Target, plan, split
from tests.fuzz.targets import TARGETS
from tickws.errors import ProtocolFault
from tickws.protocol.codec import FrameDecoder
from tickws.protocol.connection import Connection
from tickws.protocol.deflate import Inflater
from tickws.protocol.events import Progress
from tickws.protocol.http import HeadReader
from tickws.protocol.messages import MessageDecoder
from tickws.protocol.opening import ServerOpening
from tickws.sync.wire import MessageReader
from tickws.transport.links import Links
from tickws.transport.stream import Stream
from tickws.transport.tls import TlsStream

EACH = pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))


def committed(target: Target) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(target.seeds.iterdir())}


def by_chance(target: Target) -> Iterator[bytes]:
    """Seeds that were bent, joined and cut, and noise; the same in every run."""
    chance = random.Random(target.name)
    inputs = list(committed(target).values())
    for number in range(target.by_chance):
        data = bytearray(chance.choice(inputs) if number % 10 else chance.randbytes(chance.randrange(40)))
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(data) + 1)
            kind = chance.randrange(4)
            if kind == 0 and data:
                data[at % len(data)] ^= 1 << chance.randrange(8)
            elif kind == 1:
                data[at:at] = chance.randbytes(chance.randrange(1, 5))
            elif kind == 2:
                del data[at : at + chance.randrange(1, 9)]
            else:
                data += chance.choice(inputs)[4:]
        yield bytes(data[: target.most_bytes])


@EACH
def test_nothing_is_found_in_the_seeds(target: Target) -> None:
    for name, data in committed(target).items():
        assert len(data) <= target.most_bytes, name
        try:
            target.run(data)
        except Exception as error:
            error.add_note(f"python -m tests.fuzz {target.name} {target.seeds / name}")
            raise


@EACH
def test_nothing_is_found_by_chance(target: Target) -> None:
    for data in by_chance(target):
        try:
            target.run(data)
        except Exception as error:
            error.add_note(f"the input: {data!r}")
            raise


def test_the_seeds_are_as_made() -> None:
    made = seeds()
    assert made.keys() == TARGETS.keys()
    assert {path.name for path in CORPUS.iterdir() if path.is_dir()} == TARGETS.keys()
    for name, target in TARGETS.items():
        generated = {name: data for name, data in committed(target).items() if not name.startswith("found-")}
        assert generated == made[name], "python -m tests.fuzz.seeds, and look at what changed"


@pytest.mark.parametrize("path", sorted(DICTIONARIES.iterdir()), ids=lambda path: path.name)
def test_dictionaries_are_what_libfuzzer_reads(path: Path) -> None:
    assert path.stem in TARGETS
    word = re.compile(r'"([^"\\]|\\["\\]|\\x[0-9a-f]{2})+"')
    for line in path.read_text(encoding="ascii").splitlines():
        assert line.startswith("#") or word.fullmatch(line), line


# A target sees a defect


def after(function: Callable[..., Any], change: Callable[..., Any]) -> Callable[..., Any]:
    """The function, and then `change` with its object and its result, which gives another result."""

    def changed(self: Any, *arguments: Any, **options: Any) -> Any:
        return change(self, function(self, *arguments, **options))

    return changed


def forgets_the_rest(reader: HeadReader, found: tuple[bytes, bytes] | None) -> tuple[bytes, bytes] | None:
    return found and (found[0], found[1][1:])


def looks_for_a_cookie(opening: ServerOpening, request: Any) -> Any:
    return request and [request, request.headers["cookie"]][0]


def stumbles_over_a_ping(decoder: FrameDecoder, more: bool) -> bool:
    return more and [True][decoder.opcode == 9]


def holds_what_came(decoder: FrameDecoder, more: bool) -> bool:
    if not more and decoder._data:
        decoder._data += bytes(200)
    return more


def drops_a_part(decoder: FrameDecoder, more: bool) -> bool:
    if more and not decoder.ends:
        decoder.payload = decoder.payload[:-1]
    return more


def says_it_twice(connection: Connection, closed: Any) -> Any:
    connection._out += connection._out[-1:]
    return closed


def drops_the_newest(connection: Connection, _: None) -> None:
    del connection._pongs[1:]


def gives_more(inflater: Inflater, chunk: bytes) -> bytes:
    return chunk + b"x" if len(chunk) > 40 else chunk


def never_comes_back(decoder: MessageDecoder, item: Any) -> Any:
    return Progress.FRAGMENT if item is None else item


def leaves_out_the_end(*_: object) -> None: ...


def leaks(reader: MessageReader[Any], data: bytes) -> Any:
    return reader._decode(data)


def falls_over_a_reset(stream: Stream, data: bytes | None) -> bytes | None:
    return [data][stream.lost]


def falls_over_a_handshake(stream: TlsStream, error: Exception) -> None:
    raise error


def closes_but_does_not_tell(links: Links, _: None) -> None:
    if links.notices.farewells:
        links.notices.farewells.pop()


DEFECTS: list[tuple[str, Any, str, Callable[..., Any]]] = [
    ("http", HeadReader, "receive", after(HeadReader.receive, forgets_the_rest)),
    ("http", ServerOpening, "receive", after(ServerOpening.receive, looks_for_a_cookie)),
    ("http", heads, "HTTPFault", ProtocolFault),
    ("frames", FrameDecoder, "next_part", after(FrameDecoder.next_part, stumbles_over_a_ping)),
    ("frames", FrameDecoder, "next_part", after(FrameDecoder.next_part, holds_what_came)),
    ("frames", FrameDecoder, "next_part", after(FrameDecoder.next_part, drops_a_part)),
    ("frames", frames, "encode_header", lambda opcode, size, fin, masked: bytes([opcode, size & 0x7F])),
    ("messages", FrameDecoder, "next_part", after(FrameDecoder.next_part, stumbles_over_a_ping)),
    ("messages", Connection, "_receive_close", after(Connection._receive_close, says_it_twice)),
    ("messages", Connection, "_pong", after(Connection._pong, drops_the_newest)),
    ("messages", MessageDecoder, "next", after(MessageDecoder.next, never_comes_back)),
    ("deflate", Inflater, "_end", leaves_out_the_end),
    ("deflate", Inflater, "chunk", after(Inflater.chunk, gives_more)),
    ("deflate", Connection, "_receive_close", after(Connection._receive_close, says_it_twice)),
    ("unpack", tickws.sync.payload, "_check", leaves_out_the_end),
    ("wire", MessageReader, "read", leaks),
    ("server", Stream, "read", after(Stream.read, falls_over_a_reset)),
    ("server", Links, "_bid_farewell", after(Links._bid_farewell, closes_but_does_not_tell)),
    ("tls", TlsStream, "_reject", falls_over_a_handshake),
    ("tls", Stream, "close", leaves_out_the_end),
]
"""A target, and what is put in the place of something it relies on."""


@pytest.mark.parametrize(
    ("name", "owner", "attribute", "defect"),
    DEFECTS,
    ids=[f"{name}-{number}" for number, (name, *_) in enumerate(DEFECTS)],
)
def test_a_defect_is_found(
    name: str, owner: Any, attribute: str, defect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, attribute, defect)
    target = TARGETS[name]
    assert any(fails(target, data) for data in committed(target).values()), "no seed shows it"


def fails(target: Target, data: bytes) -> bool:
    try:
        target.run(data)
    except Exception:
        return True
    return False


# What the targets are made of


def test_an_input_says_how_it_is_split() -> None:
    assert plan(b"\5").flags == 5
    assert plan(b"\5\1\2\3abc").chunks == [b"a", b"bc"]
    assert split(b"abcdefg", b"\2\0") == [b"ab", b"cdefg"]
    assert split(b"", b"\1") == []


@pytest.mark.parametrize("level", [0, 1, 6, 9])
@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY])
def test_the_inflater_in_python_reads_what_zlib_makes(level: int, strategy: int) -> None:
    chance = random.Random(level)
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    window = b""
    for size in (0, 1, 300, 5_000, 70):
        data = bytes(chance.choices(b"abcdefgh", k=size))
        made = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
        payload = made[:-4] or b"\0"
        got, window = inflate(payload, window, 15, 10_000)
        assert got == data
        with pytest.raises((Corrupt, Early)):
            inflate(payload[:-1] or b"\2", window, 15, 10_000)


@pytest.mark.parametrize(
    "payload", ["f348cdc9c90700", "f348cdc9c9070000", "f248cdc9c90700", "f248cdc9c907000000ffff01"]
)
def test_the_inflater_in_python_takes_what_the_rfc_shows(payload: str) -> None:
    assert inflate(bytes.fromhex(payload), b"", 15, 100)[0] == b"Hello"


def test_the_inflater_in_python_knows_what_it_cannot_know() -> None:
    long = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = random.Random(0).randbytes(1000)
    payload = (long.compress(data + data) + long.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert inflate(payload, b"", 10, 2000) == (data + data, data + data)
    with pytest.raises(Unknown):
        inflate(payload, b"", 9, 2000)
    with pytest.raises(Unknown):
        inflate(payload, b"", 15, 1999)


# The runner


LOG = """INFO: seed corpus: files: 12
#13\tINITED cov: 50 ft: 60 corp: 9/1Kb exec/s: 0 rss: 40Mb
#4096\tpulse  cov: 70 ft: 90 corp: 12/2Kb lim: 21 exec/s: 2048 rss: 41Mb
"""
DONE = """#5000\tDONE   cov: 71 ft: 92 corp: 13/2Kb lim: 21 exec/s: 2500 rss: 41Mb
stat::number_of_executed_units: 5000
stat::average_exec_per_sec:     2500
"""
CRASH = """
 === Uncaught Python exception: ===
IndexError: list index out of range
Traceback (most recent call last):
==3871== ERROR: libFuzzer: fuzz target exited
"""


def test_a_log_is_read_to_where_it_ends() -> None:
    assert runner.read_log("") == runner.Result()
    assert runner.read_log(LOG) == runner.Result(4096, 70, 90, 12)
    assert runner.read_log(LOG + DONE) == runner.Result(5000, 71, 92, 13, 2500)
    assert runner.read_log(LOG + CRASH).error.startswith("IndexError: list index out of range")


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(runner, "find_spec", lambda name: None)
    assert runner.main([]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "pip install 'atheris>=2.3'" in said.err


@pytest.mark.parametrize("arguments", [["htpp"], ["http", "frames", __file__], [__file__]])
def test_refuses_what_it_does_not_know(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        runner.main(arguments)
    assert end.value.code == 2
    assert "target" in capsys.readouterr().err


def test_an_input_is_replayed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(CORPUS / "frames" / "server-pings")
    assert runner.main(["frames", file]) == 0
    assert capsys.readouterr().out == f"{file}: nothing found\n"
    monkeypatch.setattr(FrameDecoder, "next_part", after(FrameDecoder.next_part, stumbles_over_a_ping))
    assert runner.main(["frames", file]) == 1
    said = capsys.readouterr()
    assert said.out == f"{file}: FINDING\n"
    assert "IndexError" in said.err


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed: python dev.py fuzz has it")
def test_the_fuzzer_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["unpack", "--seconds", "1", "--cache", str(tmp_path)]) == 0
    row = capsys.readouterr().out.splitlines()[-1].split()
    assert row[0] == "unpack"
    assert int(row[1].replace(",", "")) > 0
    assert row[-1] == "0"
    assert any((tmp_path / "unpack" / "corpus").iterdir())
