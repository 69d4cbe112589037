"""The pair that is shipped to users: connected when made, turned in frames, the same result every time."""

import pytest

import tickws.testing
from tests import certificates
from tickws.errors import ConnectError
from tickws.protocol.events import Frame
from tickws.protocol.limits import Limits
from tickws.testing import Conditions, ManualClock, MemoryNetwork, MemorySocket, Pair
from tickws.transport.handler import Handler
from tickws.transport.websocket import WebSocket


def echo(ws: WebSocket, message: str | bytes) -> None:
    ws.send(message)


def test_it_is_connected_when_it_is_made() -> None:
    pair = Pair()
    assert pair.client.websocket is not None
    assert pair.client.websocket.open
    (ws,) = pair.server.connections
    assert ws.request.path == "/"
    assert pair.clock is pair.network.clock


@pytest.mark.parametrize("latency", [0.0, 0.05, 1.0])
def test_however_slow_the_line(latency: float) -> None:
    pair = Pair(conditions=Conditions(latency=latency), on_message=echo)
    assert len(pair.server.connections) == 1
    pair.client.send("hello")
    pair.run(2 * latency + 0.1)
    assert pair.received == ["hello"]


def test_both_ends_take_arguments() -> None:
    pair = Pair("/room?id=5", subprotocols=["b"], port=9000, client={"subprotocols": ["a", "b"]})
    (ws,) = pair.server.connections
    assert (ws.request.target, ws.subprotocol, pair.server.port) == ("/room?id=5", "b", 9000)


def test_a_client_may_listen_for_itself() -> None:
    heard: list[object] = []

    class Listens(Handler):
        def on_message(self, ws: WebSocket, message: str | bytes) -> None:
            heard.append(message)

    def on_frame(ws: WebSocket, frame: Frame) -> None:
        heard.append(frame.payload)

    pairs = [
        Pair(client={"on_message": lambda ws, message: heard.append(message)}),
        Pair(client={"on_frame": on_frame}),
        Pair(client={"handler": Listens()}),
    ]
    for pair in pairs:
        pair.server.broadcast("hello")
        pair.run(0.1)
        assert pair.received == []
    assert heard == ["hello", b"hello", "hello"]


def test_time_passes_in_frames_and_only_there() -> None:
    pair = Pair()
    start = pair.clock.now()
    slices = pair.server.statistics().slice.count
    pair.run(1.0)
    assert pair.clock.now() - start == pytest.approx(1.0)
    assert pair.server.statistics().slice.count - slices == 60
    pair.run(0.0, rate=20.0)
    assert pair.clock.now() - start == pytest.approx(1.05)
    pair.run(1.0, rate=20.0)
    assert pair.server.statistics().slice.count - slices == 60 + 1 + 20


def test_the_same_calls_give_the_same_result() -> None:
    def play() -> list[tuple[float, object]]:
        log: list[tuple[float, object]] = []

        def on_message(ws: WebSocket, message: str | bytes) -> None:
            log.append((pair.clock.now(), message))

        conditions = Conditions(latency=0.02, jitter=0.05)
        pair = Pair(conditions=conditions, on_message=echo, client={"on_message": on_message})
        for number in range(50):
            pair.client.send(str(number))
            pair.run(1 / 60)
        pair.run(1.0)
        return log

    first = play()
    assert [message for _, message in first] == [str(number) for number in range(50)]
    assert play() == first


def test_what_is_shipped() -> None:
    names = ["Conditions", "GameTable", "ManualClock", "MemoryNetwork", "MemorySocket", "Pair"]
    assert sorted(tickws.testing.__all__) == names
    network = MemoryNetwork(clock := ManualClock(5.0))
    assert network.clock is clock
    assert isinstance(network.dial(80), MemorySocket)


def test_the_docstrings_example_is_true() -> None:
    pair = Pair(on_message=lambda ws, message: ws.send(str(message).upper()))
    pair.client.send("hello")
    pair.run(0.1)
    assert pair.received == ["HELLO"]


def test_a_pair_that_is_refused_says_so() -> None:
    with pytest.raises(ConnectError, match="404"):
        Pair(on_request=lambda request: False)


def test_a_pair_waits_for_a_jittery_line() -> None:
    pair = Pair(conditions=Conditions(latency=0.5, jitter=2.0))
    assert pair.client.websocket is not None
    assert pair.client.websocket.open


def test_a_pair_that_never_meets_gives_up() -> None:
    patient = Limits(handshake_seconds=1000.0)
    with pytest.raises(TimeoutError, match="does not get connected"):
        Pair(conditions=Conditions(latency=100.0), client={"limits": patient}, limits=patient)


def test_a_pair_by_tls() -> None:
    pair = Pair(
        ssl_context=certificates.served(),
        client={"ssl_context": certificates.trusted()},
        on_message=lambda ws, message: ws.send(message),
    )
    pair.client.send("hello")
    pair.run(0.1)
    assert pair.received == ["hello"]
    (ws,) = pair.server.connections
    assert ws.request.secure
