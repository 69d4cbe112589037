"""The benchmark of TLS, and the light clients' way into a server that speaks it."""

import json
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter_ns

import pytest

import tickws
from benchmarks import certificates, compression, tls
from benchmarks.deflated.ways import SECURED
from benchmarks.guests.arrivals import Arrival, Arrivals
from benchmarks.guests.connectors import Connector
from benchmarks.secure import Secure, as_file, trusted

SECONDS = 30.0
"""Until somebody gives up."""


@pytest.mark.parametrize("rsa", [False, True])
def test_a_certificate_and_whom_to_trust(rsa: bool) -> None:
    context, authority = certificates.serve(rsa=rsa)
    assert context.cert_store_stats()["x509"] == 0  # it trusts nobody itself
    with as_file(authority) as path:
        trusting = trusted(path)
    assert trusting is not None
    assert trusting.sslsocket_class is Secure
    assert not Path(path).exists()


def test_no_authority_is_no_tls() -> None:
    with as_file("") as path:
        assert path == ""
        assert trusted(path) is None


@pytest.fixture
def authority() -> Iterator[str]:
    """A file, for another server's certificate."""
    with as_file(certificates.serve()[1]) as path:
        yield path


def arrive(server: tickws.WebSocketServer, arrivals: Arrivals[Connector], count: int) -> list[Arrival[Connector]]:
    """Let so many come, until all are in or out."""
    found = [arrivals.begin(Connector("/", "localhost")) for _ in range(count)]
    give_up = perf_counter_ns() + SECONDS * 1e9
    while any(arrival.opened is None and not arrival.over for arrival in found) and perf_counter_ns() < give_up:
        arrivals.turn()
        server.work(0.001)
    return found


def test_arrivals_by_tls() -> None:
    context, authority = certificates.serve()
    with tickws.WebSocketServer(port=0, ssl_context=context) as server, as_file(authority) as path:
        arrivals = Arrivals[Connector](server.port, context=trusted(path))
        for arrival in arrive(server, arrivals, 20):
            assert isinstance(arrival.sock, Secure)
            assert arrival.sock.version() == "TLSv1.3"
            arrivals.drop(arrival)


def test_arrivals_who_do_not_trust_the_server_are_out(authority: str) -> None:
    context, _ = certificates.serve()
    with tickws.WebSocketServer(port=0, ssl_context=context) as server:
        [arrival] = arrive(server, Arrivals[Connector](server.port, context=trusted(authority)), 1)
        assert arrival.over
        assert arrival.opened is None


def test_arrivals_where_nobody_listens(authority: str) -> None:
    with tickws.WebSocketServer(port=0) as server:
        port = server.port
    with tickws.WebSocketServer(port=0) as server:
        [arrival] = arrive(server, Arrivals[Connector](port, context=trusted(authority)), 1)
    assert arrival.over


def test_the_quick_form(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    assert tls.main(["--quick", "--clients", "5", "--seconds", "0.1", "--json", str(path)]) == 0
    figures = json.loads(path.read_text(encoding="utf-8"))
    assert figures["notes"] == figures["complaints"] == []
    ways = {way: cases["5 clients"] for way, [cases] in figures["rounds"].items()}
    assert list(ways) == list(SECURED)
    for metrics in ways.values():
        assert metrics[compression.LOST] == 0
        assert all(value > 0 for metric, value in metrics.items() if "CPU" in metric)
        assert not [metric for metric in metrics if "wire" in metric or "saved" in metric]


def test_arguments_that_make_no_sense() -> None:
    with pytest.raises(SystemExit) as caught:
        tls.main(["--clients", "0"])
    assert caught.value.code == 2
