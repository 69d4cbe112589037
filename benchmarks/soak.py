"""A full house for a while: does a server inside a 60 Hz loop keep what it promises, and what does it cost?

    python -m benchmarks.soak [--seconds 60] [--clients 60] [--rate 30] [--tick 60] [--budget 0.004] [--json FILE]

The process under test runs the fixed timestep of DESIGN section 2: receive, tick, flush, sleep. Every client sends a
numbered input `rate` times a second, spread over the frames; the server decodes each in its callback, and every
`tick / rate`th tick it packs one numbered snapshot and broadcasts it, reliably. The clients live in a second process
(`benchmarks.loadgen`). Then all is counted, at both ends.

Ends with 0 where nothing was lost, nobody was disconnected and the tick rate was held; else with 1, and says why.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

import tickws
from benchmarks import loadgen, process
from benchmarks.figures import Client, Figures, Way
from benchmarks.game import Game
from benchmarks.payloads import FIRST, make_snapshot
from benchmarks.player import PlayerResult
from benchmarks.process import Usage, cpu_ns
from benchmarks.report import add_json, report
from benchmarks.samples import Samples
from tickws.clock import NANOSECONDS, SystemClock, nanoseconds

OWED = nanoseconds(0.25)
"""How far the loop may be behind; what is beyond slips."""
CONNECTING_SECONDS = 30.0
DRAINING_SECONDS = 5.0
"""How long the last inputs may take."""
ENDING_SECONDS = 10.0
"""How long the load generator may take to tell what it saw."""


class Soak:
    """One run: the server in its loop, and what is measured there."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.ticks = round(options.seconds * options.tick)
        self.clock = SystemClock()
        self.game = Game(options.clients)
        self.snapshots = 0
        self.slipped = 0
        self.slice, self.slice_cpu, self.receive, self.flush = Samples(), Samples(), Samples(), Samples()
        self.simulate, self.lateness = Samples(), Samples()

    def run(self) -> Figures | None:
        """All of it; None where the clients did not get in."""
        options = self.options
        load_average, descriptors = process.load_average(), process.descriptors()
        cpus = process.usable_cpus()
        server_cpu, load_cpu = (cpus[0], cpus[1]) if len(cpus) > 1 else (None, None)
        inputs = round(options.seconds * options.rate)
        most = CONNECTING_SECONDS + 2 * options.seconds + DRAINING_SECONDS + ENDING_SECONDS
        with (
            tickws.WebSocketServer(self.game, port=0, errors="raise") as server,
            loadgen.start(
                server.port, clients=options.clients, rate=options.rate, inputs=inputs, most=most, cpu=load_cpu
            ) as players,
        ):
            if server_cpu is not None:
                process.pin(0, server_cpu)
            if not self.fill(server, players):
                return None
            full, resident, usage = process.descriptors(), process.resident_bytes(), Usage.now()
            elapsed = self.hold(server)
            used = Usage.now().since(usage)
            resident_after = process.resident_bytes()
            self.drain(server, inputs)
            statistics = server.statistics()
            seen = loadgen.collect(players, ENDING_SECONDS)
        if seen is None:
            return None
        return Figures(
            machine=process.machine(),
            load_average=load_average,
            pinned=server_cpu is not None,
            rate=options.rate,
            tick=options.tick,
            budget=options.budget,
            ticks=self.ticks,
            tick_rate=self.ticks / elapsed,
            slipped=self.slipped / NANOSECONDS,
            clients=[self.client(name, player) for name, player in enumerate(seen.players)],
            bytes_received=statistics.bytes_received,
            bytes_sent=statistics.bytes_sent,
            slice=self.slice.distribution(),
            slice_cpu=self.slice_cpu.distribution(),
            receive=self.receive.distribution(),
            flush=self.flush.distribution(),
            simulate=self.simulate.distribution(),
            lateness=self.lateness.distribution(),
            overruns=self.slice.over(nanoseconds(options.budget)),
            cpu_us_per_client_tick=used.cpu_seconds * 1e6 / (self.ticks * options.clients),
            cpu_share=used.cpu_seconds / elapsed,
            preempted=used.preempted,
            collections=used.collections,
            resident_bytes=(resident, resident_after),
            descriptors=(descriptors, full, process.descriptors()),
            load_cpu_seconds=seen.cpu_seconds,
            load_late=seen.late_seconds,
        )

    def client(self, name: int, player: PlayerResult) -> Client:
        """What both ends say of one client."""
        tally = self.game.tallies[name]
        return Client(
            inputs=Way(player.sent, tally.received, tally.missing, tally.disordered),
            snapshots=Way(self.snapshots, player.received, player.missing, player.disordered),
            server_code=self.game.codes.get(name),
            client_code=player.close_code,
            early=name in self.game.early,
            fault=player.fault,
        )

    def fill(self, server: tickws.WebSocketServer, players: subprocess.Popen[str]) -> bool:
        """Wait until all clients are in; False where that will not be."""
        give_up = self.clock.now() + CONNECTING_SECONDS
        while self.game.here < self.options.clients:
            server.work(0.05)
            if self.game.early or players.poll() is not None or self.clock.now() > give_up:
                return False
        return True

    def hold(self, server: tickws.WebSocketServer) -> float:
        """The window: one frame per tick, as long as it is told to last. Gives the seconds that it took."""
        clock = self.clock
        start = clock.now_ns()
        for number in range(self.ticks + 1):
            due = start + self.slipped + number * NANOSECONDS // self.options.tick
            clock.sleep((due - clock.now_ns()) / NANOSECONDS)
            if number == self.ticks:  # the last tick's time is over
                break
            late = clock.now_ns() - due
            self.slipped += max(0, late - OWED)
            self.lateness.record(late)
            self.frame(server, number)
        return (clock.now_ns() - start) / NANOSECONDS

    def frame(self, server: tickws.WebSocketServer, number: int) -> None:
        """Receive, tick, flush. The budget is for both halves; a quarter of it is kept for the second."""
        now, budget = self.clock.now_ns, self.options.budget
        used = -cpu_ns()
        begun = now()
        server.receive(budget * 0.75)
        received = now()
        used += cpu_ns()
        if number % (self.options.tick // self.options.rate) == 0:
            server.broadcast(make_snapshot(FIRST + self.snapshots))
            self.snapshots += 1
        used -= cpu_ns()
        simulated = now()
        server.flush(budget - (received - begun) / NANOSECONDS)
        flushed = now()
        used += cpu_ns()
        self.receive.record(received - begun)
        self.simulate.record(simulated - received)
        self.flush.record(flushed - simulated)
        self.slice_cpu.record(used)
        self.slice.record(received - begun + flushed - simulated)

    def drain(self, server: tickws.WebSocketServer, inputs: int) -> None:
        """Let the last inputs in, then close: a client's word that crosses the Close would not be heard."""
        give_up = self.clock.now() + DRAINING_SECONDS
        wanted = inputs * self.options.clients
        while server.statistics().messages_received < wanted and not self.game.early and self.clock.now() < give_up:
            server.work(0.02)
        self.game.over = True
        server.close(1000, "the soak is over")
        while server.work(0.05):
            pass


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clients", type=int, default=60)
    parser.add_argument("--rate", type=int, default=30, help="messages a second and client, each way")
    parser.add_argument("--tick", type=int, default=60, help="ticks a second: a multiple of the rate")
    parser.add_argument("--budget", type=float, default=0.004, help="seconds a frame for receive and flush together")
    add_json(parser)
    options = parser.parse_args(arguments)
    if min(options.seconds, options.clients, options.rate, options.budget) <= 0 or options.tick % options.rate:
        parser.error("all are above zero, and --tick is a multiple of --rate")

    figures = Soak(options).run()
    if figures is None:
        print("FAILED       the clients did not get in, or their process has failed", file=sys.stderr)
        return 1
    return report(figures, options.json)


if __name__ == "__main__":
    sys.exit(main())
