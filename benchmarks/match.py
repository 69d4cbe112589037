"""A match: do 200 players and 50 spectators hold 60 Hz, and what does the whole plugin cost?

    python -m benchmarks.match [--bots 200] [--spectators 50] [--real 4] [--seconds 60] [--rate 60]
                               [--snapshot-rate 20] [--budget 0.004] [--shown N] [--json FILE]

The process under test runs a `TickLoop` with a `GameServer`: typed inputs by tick, a body for each player, everything
published `snapshot-rate` times a second. The clients live in a second process: `bots` light players and the spectators
(`benchmarks.bot`), and `real` GameClients that play beside them. First all come in and find their pace; then `seconds`
are measured; then the clients are told that it is over, what they said last is waited for, and both ends' counts are
compared.

Ends with 0 where nobody and nothing was lost and the tick rate was held to 0.5 %; else with 1, and says why.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import tickws
from benchmarks import bots, process
from benchmarks.arena import Arena, Body, Move
from benchmarks.bots import CrowdResult
from benchmarks.process import Usage
from benchmarks.report import add_json, report
from benchmarks.samples import Samples
from benchmarks.score import Guest, Inputs, Score, Traffic
from tickws.clock import NANOSECONDS, nanoseconds
from tickws.game.session import Session
from tickws.statistics import ConnectionStatistics

CONNECTING_SECONDS = 30.0
SETTLING_SECONDS = 2.0
"""In which the clients find how early their inputs must go."""
DONE_SECONDS = 10.0
"""How long the clients may take to answer."""
PRESS_SECONDS = 1.5
"""After the last input: until its tick has come, however early it was, and presses that waited."""
ENDING_SECONDS = 15.0


class MeasuredGame(tickws.GameServer[Move]):
    """A game that times its part of each frame."""

    def __init__(self, loop: tickws.TickLoop, **options: object) -> None:
        super().__init__(inputs=Move, **options)  # type: ignore[arg-type]
        self.times = loop
        self.measuring = False
        self.receiving, self.flushing, self.slices, self.taking = Samples(), Samples(), Samples(), Samples()
        self.frame_late, self.tick_late = Samples(), Samples()
        self.final: dict[int, ConnectionStatistics] = {}
        """The whole traffic of those who are gone, by the number in their URL."""
        self._origin: int | None = None  # when tick 0 was due
        self._spent = 0

    def due(self) -> int:
        """When the next tick is due."""
        assert self._origin is not None
        loop = self.times
        return self._origin + nanoseconds(loop.slipped) + loop.ticks * NANOSECONDS // loop.rate

    def receive(self, budget: float | None) -> None:
        begun = self.times.clock.now_ns()
        if self._origin is None:
            self._origin = begun
        late = begun - self.due()
        super().receive(budget)
        self._spent = self.times.clock.now_ns() - begun
        if self.measuring:
            self.frame_late.record(max(0, late))
            self.receiving.record(self._spent)

    def tick(self, tick: tickws.Tick) -> None:
        begun = self.times.clock.now_ns()
        super().tick(tick)
        if self.measuring:
            self.tick_late.record(max(0, begun - self.due()))
            self.taking.record(self.times.clock.now_ns() - begun)

    def flush(self, budget: float | None) -> None:
        begun = self.times.clock.now_ns()
        super().flush(budget)
        spent = self.times.clock.now_ns() - begun
        if self.measuring:
            self.flushing.record(spent)
            self.slices.record(self._spent + spent)

    def leave(self, session: Session, code: int, reason: str) -> None:
        self.final[int(session.request.query["player"])] = session.ws.statistics()
        super().leave(session, code, reason)

    def guests(self) -> dict[int, ConnectionStatistics]:
        """The traffic of everybody who is here, by the number in their URL."""
        return {int(ws.request.query["player"]): ws.statistics() for ws in self._door.sessions}


class Moment(NamedTuple):
    """What was used up and counted until then."""

    at: int
    tick: int
    usage: Usage
    game: tickws.GameStatistics
    guests: dict[int, ConnectionStatistics]
    slipped: float


class Match:
    """One run: the server in its loop, and what is measured there."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.loop = tickws.TickLoop(rate=options.rate)
        self.game = MeasuredGame(self.loop, port=0, snapshot_rate=options.snapshot_rate, spectators=None)
        self.arena = Arena(options.shown)
        self.simulating, self.publishing = Samples(), Samples()
        self.done = 0
        self.failed = ""
        self.early: set[int] = set()
        self.slow: list[str] = []
        self.window: tuple[Moment, Moment] | None = None
        self._closing = False
        self._publish = True
        self._due = False  # a snapshot, in this tick
        self._script = self.script()
        self._listen()

    def _listen(self) -> None:
        bus = self.loop.bus
        bus.subscribe(tickws.PlayerJoined, self._joined)
        bus.subscribe(tickws.PlayerLeft, self._left)
        bus.subscribe(tickws.SpectatorLeft, self._left)
        bus.subscribe(tickws.LoopSlow, self._heard_slow)
        self.game.message("done")(self._done)

    def _joined(self, event: tickws.PlayerJoined) -> None:
        self.arena.bodies[event.player.id] = Body(event.player.id)

    def _left(self, event: tickws.PlayerLeft | tickws.SpectatorLeft) -> None:
        self.arena.bodies.pop(event.player.id, None)
        if not self._closing:
            self.early.add(int(event.player.request.query["player"]))

    def _heard_slow(self, event: tickws.LoopSlow) -> None:
        if self.game.measuring:
            self.slow.append(str(event))

    def _done(self, player: tickws.Player[Move], payload: object) -> None:
        self.done += 1

    def run(self) -> Score | None:
        """All of it; None where it did not come to its end, and `failed` says why."""
        options, game = self.options, self.game
        load_average = process.load_average()
        cpus = process.usable_cpus()
        server_cpu, load_cpu = (cpus[0], cpus[1]) if len(cpus) > 1 else (None, None)
        most = CONNECTING_SECONDS + SETTLING_SECONDS + 2 * options.seconds + DONE_SECONDS + ENDING_SECONDS
        self.loop.add(game, budget=options.budget)
        self.loop.system(self.simulate)
        with bots.start(
            game.port,
            bots=options.bots,
            spectators=options.spectators,
            real=options.real,
            rate=options.rate,
            most=most,
            cpu=load_cpu,
        ) as clients:
            if server_cpu is not None:
                process.pin(0, server_cpu)
            self.loop.run()
            crowd = bots.collect(clients, ENDING_SECONDS)
        if crowd is None or self.window is None or self.failed:
            self.failed = self.failed or "the clients' process has failed"
            return None
        return self.score(crowd, load_average, pinned=server_cpu is not None)

    # -- the game ----------------------------------------------------------------------------------------------------

    def simulate(self, tick: tickws.Tick) -> None:
        """The game's system."""
        now, game, arena = self.loop.clock.now_ns, self.game, self.arena
        begun = now()
        for player in game.players:
            arena.move(player.id, player.input(tick), tick.dt)
        moved = now()
        self._due = False
        if self._publish:
            game.publish(self.state)
        if game.measuring:
            self.simulating.record(moved - begun)
            if self._due:
                self.publishing.record(now() - moved)
        next(self._script, None)

    def state(self) -> dict[int, dict[str, float]]:
        """What a snapshot shows; asked for where one is due."""
        self._due = True
        return self.arena.state()

    def script(self) -> Iterator[None]:
        """What happens, tick by tick."""
        options, game = self.options, self.game
        playing = options.bots + options.real
        yield from self.until(
            lambda: (len(game.players), len(game.spectators)) == (playing, options.spectators),
            CONNECTING_SECONDS,
            "the clients did not get in",
        )
        yield from self.wait(SETTLING_SECONDS)
        begin = self.moment()
        game.measuring = True
        yield from self.wait(options.seconds)
        game.measuring = False
        self.window = begin, self.moment()
        yield from self.tell("stop")
        yield from self.wait(PRESS_SECONDS)
        self._publish = False
        yield from self.tell("hush")
        self._closing = True
        game.close(1000, "the match is over")
        yield from self.until(lambda: not game.guests(), ENDING_SECONDS, "the clients did not go")
        self.loop.stop()

    def tell(self, name: str) -> Iterator[None]:
        """Send an event to all who are here, and wait until each has answered."""
        self.done = 0
        asked = self.game.broadcast(name) + len(self.early)
        yield from self.until(lambda: self.done + len(self.early) >= asked, DONE_SECONDS, f"no answer to {name!r}")

    def wait(self, seconds: float) -> Iterator[None]:
        """Let ticks pass."""
        for _ in range(round(seconds * self.loop.rate)):
            yield

    def until(self, condition: Callable[[], bool], seconds: float, failure: str) -> Iterator[None]:
        """Let ticks pass until something has come about; ends the match where it does not."""
        give_up = self.loop.clock.now() + seconds
        while not condition():
            if self.loop.clock.now() > give_up or (self.early and self.window is None):
                self.failed = failure
                self.loop.stop()
            yield

    # -- what it was -------------------------------------------------------------------------------------------------

    def moment(self) -> Moment:
        """Now."""
        loop, game = self.loop, self.game
        counted, guests = game.statistics(), game.guests()
        return Moment(loop.clock.now_ns(), loop.ticks, Usage.now(), counted, guests, loop.slipped)

    def score(self, crowd: CrowdResult, load_average: float | None, *, pinned: bool) -> Score:
        """The figures."""
        assert self.window is not None
        options, game = self.options, self.game
        begin, end = self.window
        ticks = end.tick - begin.tick
        seconds = (end.at - begin.at) / NANOSECONDS
        used = end.usage.since(begin.usage)
        guests = self.guests(crowd)
        world = game.world
        return Score(
            machine=process.machine(),
            load_average=load_average,
            pinned=pinned,
            rate=options.rate,
            snapshot_rate=options.snapshot_rate,
            budget=options.budget,
            ticks=ticks,
            tick_rate=ticks / seconds,
            slipped=end.slipped - begin.slipped,
            guests=guests,
            real=crowd.real,
            bodies=min(options.bots + options.real, options.shown or sys.maxsize),
            inputs=Inputs(
                executed=end.game.inputs - begin.game.inputs,
                repeated=end.game.repeated - begin.game.repeated,
                late=end.game.late - begin.game.late,
                refused=end.game.out_of_range - begin.game.out_of_range,
            ),
            presses=(sum(bot.presses for bot in crowd.bots), self.arena.dashes),
            refused=game.statistics().out_of_range,
            snapshots=end.game.snapshots - begin.game.snapshots,
            snapshot_bytes=0 if world is None else len(world.message(None, 0)),
            spared=sum(bot.spared for bot in crowd.bots),
            players=self.traffic(begin, end, spectators=False),
            spectators=self.traffic(begin, end, spectators=True),
            frame_late=game.frame_late.distribution(),
            tick_late=game.tick_late.distribution(),
            receive=game.receiving.distribution(),
            flush=game.flushing.distribution(),
            slice=game.slices.distribution(),
            take=game.taking.distribution(),
            simulate=self.simulating.distribution(),
            publish=self.publishing.distribution(),
            overruns=game.slices.over(nanoseconds(options.budget)),
            slow=self.slow,
            cpu_us_per_client_tick=used.cpu_seconds * 1e6 / (ticks * (len(guests) + len(crowd.real))),
            cpu_share=used.cpu_seconds / seconds,
            preempted=used.preempted,
            collections=used.collections,
            resident_bytes=process.resident_bytes(),
            load_cpu_seconds=crowd.cpu_seconds,
            load_late=crowd.late_seconds,
        )

    def guests(self, crowd: CrowdResult) -> list[Guest]:
        """What both ends say of each light client."""
        return [
            Guest(
                spectator=name >= self.options.bots,
                said=bot.said,
                got=self.game.final[name].messages_received if name in self.game.final else 0,
                sent=self.game.final[name].messages_sent if name in self.game.final else 0,
                heard=bot.heard,
                close_code=bot.close_code,
                early=name in self.early,
                fault=bot.fault,
            )
            for name, bot in enumerate(crowd.bots)
        ]

    def traffic(self, begin: Moment, end: Moment, *, spectators: bool) -> Traffic:
        """Bytes of players or spectators in the window; of those who were there for all of it."""
        watching = range(self.options.bots, self.options.bots + self.options.spectators)
        names = [name for name in begin.guests if name in end.guests and (name in watching) is spectators]
        return Traffic(
            clients=len(names),
            received=sum(end.guests[name].bytes_received - begin.guests[name].bytes_received for name in names),
            sent=sum(end.guests[name].bytes_sent - begin.guests[name].bytes_sent for name in names),
        )


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.match", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bots", type=int, default=200, help="light players")
    parser.add_argument("--spectators", type=int, default=50)
    parser.add_argument("--real", type=int, default=4, help="GameClients that play, too")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=60, help="ticks a second")
    parser.add_argument("--snapshot-rate", type=int, default=20, help="snapshots a second: divides the rate")
    parser.add_argument("--budget", type=float, default=0.004, help="seconds a frame for receive and flush together")
    parser.add_argument("--shown", type=int, help="bodies in a snapshot, at most; all of them, unless told")
    add_json(parser)
    options = parser.parse_args(arguments)
    if min(options.bots, options.seconds, options.budget, options.snapshot_rate) <= 0 or not 0 < options.rate <= 1000:
        parser.error("bots, seconds, rates and budget are above zero, and the rate is at most 1000")
    if min(options.spectators, options.real) < 0 or options.rate % options.snapshot_rate:
        parser.error("nobody is fewer than none, and --rate is a multiple of --snapshot-rate")
    if options.shown is not None and options.shown <= 0:
        parser.error("--shown is above zero")

    match = Match(options)
    score = match.run()
    if score is None:
        print(f"FAILED       {match.failed}", file=sys.stderr)
        return 1
    return report(score, options.json)


if __name__ == "__main__":
    sys.exit(main())
