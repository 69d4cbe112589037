"""Well-sealed nonsense: empty records, key updates and renegotiation without end, records too long, warnings.

Each may cost the connection that says it; none may cost the others, the log or the memory anything.
"""

import logging
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import certificates
from tests.certificates import VERSIONS, Version
from tests.transport.forging import ALERT, DATA, HANDSHAKE, KEY_UPDATE_WITH_ANSWER, Forger
from tests.transport.peers import nothing_left, text
from tests.transport.tls_peers import TlsHouse, TlsPeer
from tickws.testing import Conditions
from tickws.transport.tls import TlsStream

BOTH = pytest.mark.parametrize("version", VERSIONS)
COUNT = 10_000


class Forgery:
    """A house, an honest peer, and one whose records are forged."""

    def __init__(self, version: Version, folder: Path) -> None:
        self.house = TlsHouse(version)
        self.honest = self.house.peer("/honest")
        self.forger = Forger(self.house, version, folder)

    def flood(self, records: Iterator[bytes], *, reads: bool = True) -> int:
        """Deliver records, many in a segment; gives how many went before the connection was given up."""
        count, segment = 0, b""
        for record in records:
            segment += record
            count += 1
            if len(segment) > 30_000:
                if not self._deliver(segment, reads=reads):
                    return count
                segment = b""
        self._deliver(segment, reads=reads)
        return count

    def _deliver(self, segment: bytes, *, reads: bool) -> bool:
        peer = self.forger.peer
        try:
            peer.deliver(segment)
            if reads:
                peer.take_all()
        except OSError:
            return False
        return self.house.statistics.open == 2

    def turn(self, slices: int = 5) -> None:
        self.house.turn(slices)

    def is_well(self) -> None:
        """The honest are served."""
        before = len(self.house.heard("message", "/honest"))
        self.honest.say(text("well"))
        self.turn()
        assert self.house.heard("message", "/honest")[before:] == ["well"]


@pytest.fixture
def forge(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[Version], Forgery]]:
    yield lambda version: Forgery(version, tmp_path)
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]


@BOTH
def test_the_forger_is_believed(version: Version, forge: Callable[[Version], Forgery]) -> None:
    """What is forged with right content is read: the other tests test their content."""
    forgery = forge(version)
    for number in range(3):
        forgery.forger.peer.deliver(forgery.forger.record(DATA, text(f"forged {number}")))
    forgery.turn()
    assert forgery.house.heard("message", "/") == ["forged 0", "forged 1", "forged 2"]


@BOTH
def test_empty_records_without_end(version: Version, forge: Callable[[Version], Forgery]) -> None:
    forgery = forge(version)
    forgery.flood(forgery.forger.record(DATA, b"") for _ in range(COUNT))
    forgery.is_well()
    assert forgery.house.statistics.open in (1, 2)


@BOTH
def test_an_empty_record_among_others_is_nothing(version: Version, forge: Callable[[Version], Forgery]) -> None:
    forgery = forge(version)
    record = forgery.forger.record
    forgery.forger.peer.deliver(
        record(DATA, text("one")) + record(DATA, b"") + record(DATA, text("two")) + record(DATA, b"")
    )
    forgery.turn()
    assert forgery.house.heard("message", "/") == ["one", "two"]
    slept = forgery.house.server.waited
    assert not forgery.house.server.wait(1.0)
    assert forgery.house.server.waited - slept == pytest.approx(1.0)
    forgery.is_well()


@BOTH
def test_records_of_a_byte_without_end_are_within_the_quota(
    version: Version, forge: Callable[[Version], Forgery]
) -> None:
    """One message in ten thousand records of a byte: it arrives, and others are served meanwhile."""
    forgery = forge(version)
    message = text("x" * COUNT)
    forgery.flood(forgery.forger.record(DATA, message[at : at + 1]) for at in range(len(message)))
    forgery.is_well()
    forgery.turn(COUNT)
    assert forgery.house.heard("message", "/") == ["x" * COUNT]


@BOTH
def test_a_segment_of_small_records_is_read_in_turns(version: Version, forge: Callable[[Version], Forgery]) -> None:
    """One read opens a few, one turn takes no more messages than of a segment without TLS."""
    forgery = forge(version)
    forgery.forger.peer.tunnel.put(b"".join(forgery.forger.record(DATA, text("x")) for _ in range(1008)))
    house = forgery.house
    stream = house.ws("/")._link.stream
    assert isinstance(stream, TlsStream)
    assert stream.read(65536) == text("x") * 8
    assert stream.unread
    house.server._links.pump.read_again(house.ws("/")._link)  # which was read behind its back
    most = before = 0
    while len(house.heard("message", "/")) < 1000:
        house.server.work(0)
        now = len(house.heard("message", "/"))
        most, before = max(most, now - before), now
    assert most <= 8


@BOTH
@pytest.mark.parametrize("over", [1, 2, 100])
def test_a_record_above_its_limit(version: Version, over: int, forge: Callable[[Version], Forgery]) -> None:
    """16 KiB of plain text are the most (RFC 8446 section 5.1): 16,384 go, above it the connection is lost."""
    forgery = forge(version)
    message = text("x" * 16_000) + text("y" * (384 - 8 - 8))
    assert len(message) == 16_384
    forgery.forger.peer.deliver(forgery.forger.record(DATA, message))
    forgery.turn()
    assert [str(each)[0] for each in forgery.house.heard("message", "/")] == ["x", "y"]
    try:
        forgery.forger.peer.deliver(forgery.forger.record(DATA, bytes(16_384 + over)))
    except OSError:
        pass
    forgery.turn()
    assert forgery.house.closes == [("/", 1006, "")]
    forgery.is_well()


def test_padding_is_no_data(forge: Callable[[Version], Forgery]) -> None:
    forgery = forge("TLSv1.3")
    forgery.forger.peer.deliver(forgery.forger.record(DATA, text("padded"), 10_000))
    forgery.turn()
    assert forgery.house.heard("message", "/") == ["padded"]


@pytest.mark.parametrize("reads", [True, False], ids=["reads", "never reads"])
@pytest.mark.parametrize("asks", [True, False], ids=["asks for ours", "asks nothing"])
def test_key_updates_without_end(reads: bool, asks: bool, forge: Callable[[Version], Forgery]) -> None:
    """Each that asks for ours is answered; who does not read the answers is given up before they are many."""
    forgery = forge("TLSv1.3")
    update = forgery.forger.key_update
    messages = (update(KEY_UPDATE_WITH_ANSWER) if asks else update() for _ in range(COUNT))
    tracemalloc.start()
    try:
        forgery.flood(messages, reads=reads)
        forgery.turn(50)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 2 << 20
    forgery.is_well()
    assert forgery.house.statistics.open == (2 if reads or not asks else 1)
    if not asks:
        forgery.forger.peer.deliver(forgery.forger.record(DATA, text("in the newest keys")))
        forgery.turn(10)
        assert forgery.house.heard("message", "/") == ["in the newest keys"]


def test_a_key_update_is_answered_without_further_events(forge: Callable[[Version], Forgery]) -> None:
    """The reply is TLS's own: no message of ours takes it along, and no poller tells of it.

    OpenSSL answers the first one when the second comes, or before our next words, as RFC 8446 section 4.6.3 has it.
    """
    forgery = forge("TLSv1.3")
    forgery.forger.peer.take_all()
    for _ in range(2):
        forgery.forger.peer.deliver(forgery.forger.key_update(KEY_UPDATE_WITH_ANSWER))
    forgery.turn(4)
    answer = forgery.forger.peer.take_all()
    assert answer
    forgery.house.ws("/").send("in our new keys")
    forgery.turn()
    later = forgery.forger.peer.take_all()
    assert later
    tunnel = forgery.forger.peer.tunnel
    tunnel.incoming.write(answer + later)
    assert tunnel.recv(100) == b"\x81\x0fin our new keys"
    slept = forgery.house.server.waited
    assert not forgery.house.server.wait(1.0)
    assert forgery.house.server.waited - slept == pytest.approx(1.0)


@pytest.mark.parametrize("before", [b"", text("first")], ids=["alone", "behind data"])
@pytest.mark.parametrize("count", [1, 1000])
def test_renegotiation_is_refused(count: int, before: bytes, forge: Callable[[Version], Forgery]) -> None:
    """A second ClientHello within TLS 1.2 is the end; what was said before it, in the same segment, is heard."""
    forgery = forge("TLSv1.2")
    hello = TlsPeer(forgery.house, certificates.trusted()).tunnel.hello()[5:]
    forgery.forger.peer.take_all()
    said = [forgery.forger.record(DATA, before)] if before else []
    forgery.flood(iter([*said, *(forgery.forger.record(HANDSHAKE, hello) for _ in range(count))]), reads=False)
    forgery.turn(3)
    assert forgery.house.heard("message") == (["first"] if before else [])
    assert forgery.house.closes == [("/", 1006, "")]
    assert forgery.house.statistics.tls_faults == 1
    forgery.is_well()


@BOTH
def test_a_hello_within_the_connection(version: Version, forge: Callable[[Version], Forgery]) -> None:
    """Plain, not sealed: no TLS takes that."""
    forgery = forge(version)
    hello = TlsPeer(forgery.house, certificates.trusted()).tunnel.hello()
    forgery.forger.peer.deliver(hello)
    forgery.turn()
    assert forgery.house.closes == [("/", 1006, "")]
    forgery.is_well()


@BOTH
def test_warnings_without_end(version: Version, forge: Callable[[Version], Forgery]) -> None:
    """Alerts that end nothing (user_canceled): read away, or the end, but no loop."""
    forgery = forge(version)
    forgery.flood(forgery.forger.record(ALERT, b"\x01\x5a") for _ in range(COUNT))
    forgery.turn(20)
    forgery.is_well()


@BOTH
def test_a_fatal_alert_ends_it(version: Version, forge: Callable[[Version], Forgery]) -> None:
    forgery = forge(version)
    forgery.forger.peer.deliver(forgery.forger.record(DATA, text("before")))
    forgery.forger.peer.deliver(forgery.forger.record(ALERT, b"\x02\x28"))
    forgery.turn()
    assert forgery.house.heard("message", "/") == ["before"]
    assert forgery.house.closes == [("/", 1006, "")]
    forgery.is_well()


@BOTH
@pytest.mark.parametrize(
    "message", [b"\x00\x00\x00\x00", b"\x18\x00\x00\x01\x07", b"\x63\x00\x00\x00", b"\x14\x00\x00\x00"]
)
def test_other_handshake_messages_end_it(version: Version, message: bytes, forge: Callable[[Version], Forgery]) -> None:
    """HelloRequest from a client, a bad KeyUpdate, unknown kinds, a second Finished."""
    forgery = forge(version)
    try:
        for _ in range(100):
            forgery.forger.peer.deliver(forgery.forger.record(HANDSHAKE, message))
    except OSError:
        pass
    forgery.turn()
    forgery.is_well()


def test_a_line_is_small_while_key_updates_come(tmp_path: Path) -> None:
    """Answers wait for a full line, in bounds, and everything goes on when it is read."""
    house = TlsHouse("TLSv1.3", conditions=Conditions(buffer_bytes=5000))
    forger = Forger(house, "TLSv1.3", tmp_path)
    house.ws("/").send(bytes(30_000))
    house.turn()
    for _ in range(100):
        forger.peer.deliver(forger.key_update(KEY_UPDATE_WITH_ANSWER))
    forger.peer.deliver(forger.record(DATA, text("here")))
    house.turn(20)
    assert house.heard("message") == ["here"]
    heard: list[object] = []
    for _ in range(100):
        forger.peer.listen()
        heard += forger.peer.receive()
        house.turn()
    assert heard == [bytes(30_000)]
    house.ws("/").send("all is well")
    house.turn(2)
    forger.peer.listen()
    assert forger.peer.receive() == ["all is well"]
    house.server.abort()
    assert nothing_left(house)
