"""A closing has an end, whatever the peer does, and whatever we had begun to say."""

import pytest

from tests.transport.peers import House, ping
from tests.transport.test_fragments import Story
from tickws.protocol.limits import Limits
from tickws.testing import Conditions


def read(house: House, socket: object, most: int) -> None:
    house.run(1 / 60)
    try:
        socket.recv(most)  # type: ignore[attr-defined]
    except BlockingIOError:
        pass


@pytest.mark.parametrize("most", [300, 800])
def test_who_pings_on_and_reads_slowly_has_its_closing_time_and_no_more(most: int) -> None:
    """The Pongs behind our Close are no reason to wait on."""
    house = House()
    peer = house.peer(conditions=Conditions(buffer_bytes=4096))
    house.ws().close(4000)
    pings, out = ping(b"x" * 125) * 20, b""
    for _ in range(8 * 60):
        if len(out) < 5000:
            out += pings
        try:
            out = out[peer.socket.send(out) :]
            read(house, peer.socket, most)
        except BlockingIOError:
            read(house, peer.socket, most)
        except ConnectionError:  # given up amid what it says
            house.turn()
        if house.closes:
            break
    assert house.closes == [("/", 1006, "")]


def test_a_story_without_end_is_cut_off_though_the_peer_reads_on() -> None:
    house = House(limits=Limits(slice_bytes=1000))
    peer = house.peer(conditions=Conditions(buffer_bytes=800))
    house.ws().send_fragments(Story(1 << 30))
    house.turn()
    house.ws().close()
    for _ in range(8 * 60):
        if house.closes:
            break
        read(house, peer.socket, 50)
    assert house.closes == [("/", 1006, "")]
