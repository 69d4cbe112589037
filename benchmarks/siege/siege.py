"""One hostile soak: three processes are started, told what to do and when, and asked what they saw."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import certificates, process
from benchmarks.bout import PERIOD, READY_SECONDS, cpus
from benchmarks.child import Talk, converse
from benchmarks.contenders.window import WindowResult
from benchmarks.contest import MS, Gate
from benchmarks.siege.attacks import ATTACKS, share_out
from benchmarks.siege.verdict import Done, Sample, Verdict, done, gate
from tickws.clock import NANOSECONDS

__all__ = ["Siege", "grown"]

SAMPLE_SECONDS = 10.0
DRAINING_SECONDS = 400.0
"""How long it may take until nobody is left of those who went: what somebody said too fast, and the kernel has kept (up
to some 50,000 fragments of a byte, of 5 minutes), is heard to the end, at the rate that is allowed."""
LOOK_SECONDS = 0.5
TICKS = 2
"""What a round trip may take."""
FRAMES = 59.0
"""A second, at least."""
MEMORY_KIB = 4096
"""What memory may differ by: the heap's own ups and downs, and the counters' own histograms."""
KIB = 1024
CALM, ATTACK = "calm", "attack"
UNDISTURBED = f"{ATTACK}, undisturbed"
STOLEN = 0.01
"""A sample in which the machine gave more of its CPUs to others is disturbed: who is late there, is late by that."""
UNDISTURBED_SAMPLES = 1 / 3
"""Of all, at least: else nothing is known of the server."""


class Siege:
    """One run."""

    def __init__(self, options: argparse.Namespace, stack: ExitStack) -> None:
        self.options = options
        self.server_cpu, self.load_cpu = cpus()
        self.load_average = process.load_average()
        files = certificates.issue(Path(stack.enter_context(TemporaryDirectory())))
        words: dict[str, object] = {
            "--budget": options.budget,
            "--most": options.most,
            "--queue": options.queue,
            "--patience": options.patience,
            "--send-buffer": options.send_buffer,
        }
        if options.profile:
            words["--profile"] = Path(options.profile).absolute()
        if options.tls:
            words |= {"--chain": files.chain, "--key": files.key}
        self.host = stack.enter_context(converse("benchmarks.siege.host", words, self.server_cpu))
        doors = self.host.hear(READY_SECONDS)
        guests: dict[str, object] = {"--port": doors["port"]}
        if options.tls:
            guests |= {"--secure-port": doors["secure_port"], "--authority": files.authority}

        def come(program: str, more: Mapping[str, object]) -> Talk:
            return stack.enter_context(converse(f"benchmarks.siege.{program}", {**guests, **more}, self.load_cpu))

        self.players = come("honest", {"--players": options.players, "--rate": options.rate})
        self.attackers = come("attackers", {"--attackers": options.attackers, "--kinds": ",".join(options.kinds)})
        self.calm: Sample
        self.samples: list[Sample] = []
        self.left = 0  # connections of those who went
        self.stolen = process.stolen_seconds() or 0.0

    def run(self) -> Verdict:
        """All of it."""
        options = self.options
        self.players.hear(READY_SECONDS)
        self.window(CALM)
        self.players.tell("newcomers", CALM)
        time.sleep(options.calm)
        row, counters = self.window("warm-up")
        nobody: dict[str, Any] = {"kinds": {}, "at": 0}
        self.calm = self.sample(0.0, WindowResult.load(row), counters, nobody, nobody)
        print(f"{self.calm} (calm)", file=sys.stderr)
        self.players.tell("newcomers")
        self.tell_attackers("go")
        time.sleep(options.warm_up)
        self.tell_attackers("stop")
        began = self.drained()
        before = self.tell_attackers("report")
        _, first = self.window(f"{ATTACK} 0")
        self.players.tell("newcomers", ATTACK)
        self.tell_attackers("go")
        behind, last = self.hold(before, first)
        self.tell_attackers("stop")
        self.window("pause")
        self.players.tell("newcomers")
        ended = self.drained()
        seen = self.players.ask("stop", timeout=READY_SECONDS)
        host = self.host.ask("end", timeout=READY_SECONDS)
        return self.verdict(seen, host, (before, behind), (first, last), (began, ended))

    def tell_attackers(self, word: str) -> dict[str, Any]:
        """Give them a command; what they have done up to then."""
        return self.attackers.ask(word, timeout=READY_SECONDS)

    def window(self, name: str) -> tuple[dict[str, Any], dict[str, float]]:
        """What is measured from now on counts as `name`; gives what the host says, and its counters."""
        said = self.host.ask("window", name, timeout=READY_SECONDS)
        self.heard = self.players.ask("window", name, timeout=READY_SECONDS)
        return said["window"], said["counters"]

    def hold(self, before: dict[str, Any], first: dict[str, float]) -> tuple[dict[str, Any], dict[str, float]]:
        """The attack, in samples; gives what attackers and server have counted at its end."""
        begun = time.monotonic()
        attackers, counters = before, first
        while (left := begun + self.options.seconds - time.monotonic()) > 0:
            time.sleep(min(left, SAMPLE_SECONDS))
            row, counters = self.window(f"{ATTACK} {len(self.samples) + 1}")
            last, attackers = attackers, self.tell_attackers("report")
            sample = self.sample(time.monotonic() - begun, WindowResult.load(row), counters, last, attackers)
            if sample.stolen > STOLEN:
                self.players.tell("disturbed", f"{ATTACK} {len(self.samples)}")
            self.samples.append(sample)
            print(sample, file=sys.stderr)
        return attackers, counters

    def sample(
        self,
        at: float,
        window: WindowResult,
        counters: Mapping[str, float],
        last: Mapping[str, Any],
        attackers: Mapping[str, Any],
    ) -> Sample:
        """What the three processes say of the last seconds."""
        trips = self.heard["trips"]
        stolen, self.stolen = self.stolen, process.stolen_seconds() or 0.0
        begun = sum(of["attempts"] - last["kinds"][name]["attempts"] for name, of in attackers["kinds"].items())
        return Sample(
            at=at,
            frames=window.frames / window.seconds,
            slice_p50=window.slice.p50,
            slice_p99=window.slice.p99,
            slice_worst=window.slice.worst,
            slice_cpu_p99=window.slice_cpu.p99,
            trip_p50=trips["p50"],
            trip_p99=trips["p99"],
            trip_worst=trips["worst"],
            lost=self.heard["lost"],
            open=int(counters["open"]),
            connections=int(counters["connections"]),
            resident=window.resident_end,
            cpu_share=window.cpu_seconds / window.seconds,
            preempted=window.preempted,
            missed=window.missed / max(1, window.messages["player"]),
            stolen=(self.stolen - stolen) / window.seconds / (os.cpu_count() or 1),
            attempts=begun * NANOSECONDS / max(1, attackers["at"] - last["at"]),
        )

    def drained(self) -> dict[str, Any]:
        """Wait until nobody is there but players; memory and descriptors then."""
        inside = self.options.players - int(self.heard["lost"])
        give_up = time.monotonic() + DRAINING_SECONDS
        while time.monotonic() < give_up:
            if self.host.ask("state", timeout=READY_SECONDS)["connections"] <= inside:
                break
            time.sleep(LOOK_SECONDS)
        settled = self.host.ask("settle", timeout=READY_SECONDS)
        self.left = int(settled["connections"]) - inside
        return settled

    # -- what it was -------------------------------------------------------------------------------------------------

    def verdict(
        self,
        seen: dict[str, Any],
        host: dict[str, Any],
        tallies: tuple[dict[str, Any], dict[str, Any]],
        counters: tuple[dict[str, float], dict[str, float]],
        settled: tuple[dict[str, Any], dict[str, Any]],
    ) -> Verdict:
        """The figures. Of each pair, the first is of when the attack began, the second of its end."""
        options = self.options
        before, behind = tallies
        seconds = (behind["at"] - before["at"]) / NANOSECONDS
        counts = share_out(options.attackers)
        found = [
            done(
                attack,
                counts[attack.name],
                seconds,
                (before["kinds"][attack.name], behind["kinds"][attack.name]),
                counters,
            )
            for attack in ATTACKS
            if attack.name in behind["kinds"]
        ]
        notes = [f"WITHOUT {name}: it needs TLS" for name in options.kinds if name not in behind["kinds"]]
        notes += [f"{of.name} did nothing, or nothing noticed it: {of.met}" for of in found if not of.took_place]
        notes += [f"player {name}: {fault}" for name, fault in seen["faults"].items()]
        notes += [f"player {name} lost its connection: {code}" for name, code in seen["lost"].items()]
        return Verdict(
            machine=process.machine(),
            load_average=self.load_average,
            pinned=self.server_cpu is not None,
            setting=(
                f"{options.players} players at {options.rate:g} Hz ({seen['secured']} over TLS) among "
                f"{sum(of.attackers for of in found):,} attackers for {seconds:.0f} s; {options.budget * MS:g} ms "
                f"of a frame, {options.most * MS:g} ms where it has time left"
            ),
            seconds=seconds,
            calm=self.calm,
            samples=self.samples,
            trips={name: seen["trips"].get(name, {}) for name in (CALM, ATTACK, UNDISTURBED)},
            newcomers=seen["newcomers"],
            done=found,
            counters={name: count - counters[0].get(name, 0) for name, count in counters[1].items()},
            memory={"before": settled[0]["resident"], "behind": settled[1]["resident"]},
            descriptors={"before": settled[0]["descriptors"], "behind": settled[1]["descriptors"]},
            steps=host["steps"],
            slices=host["slices"],
            cpu={"attackers": (behind["cpu_seconds"] - before["cpu_seconds"]) / seconds},
            late={"attackers": behind["late_seconds"]},
            log=host["log"],
            notes=notes,
            gates=self.gates(seen, host, found, settled),
        )

    def gates(
        self, seen: dict[str, Any], host: dict[str, Any], found: list[Done], settled: tuple[dict[str, Any], ...]
    ) -> list[Gate]:
        """What tickws promises."""
        began, ended = settled
        nothing = {"received": 0, "disordered": 0}
        tallies = [(said, host["clients"].get(name, nothing)) for name, said in seen["said"].items()]
        undisturbed = [sample for sample in self.samples if sample.stolen <= STOLEN]
        frames = [sample.frames for sample in undisturbed or self.samples]
        trips = [
            gate(f"round trip p99 in undisturbed samples, {way}, ms", of["p99"] * MS, TICKS * PERIOD * MS, "two ticks")
            for way, of in seen["trips"].get(UNDISTURBED, {}).items()
            if of["count"]
        ]
        trips.append(
            gate(
                "disturbed samples",
                1 - len(undisturbed) / max(1, len(self.samples)),
                1 - UNDISTURBED_SAMPLES,
                "the machine had less than 99 % of its CPUs for us",
            )
        )
        return [
            gate("inputs lost", sum(abs(said - of["received"]) for said, of in tallies), 0.0),
            gate("answers lost", float(seen["unanswered"]), 0.0),
            gate("out of order, both ways", sum(of["disordered"] for _, of in tallies) + seen["disordered"], 0.0),
            gate("players that had to reconnect", float(len(seen["lost"])), 0.0),
            gate("players with a complaint", float(len(seen["faults"])), 0.0),
            *trips,
            gate("frames a second", sum(frames) / len(frames), FRAMES, at_least=True),
            gate("memory grown, KiB", grown(began["resident"], ended["resident"], KIB), MEMORY_KIB),
            gate("descriptors more or fewer", grown(began["descriptors"], ended["descriptors"], 1, both=True), 0.0),
            gate("connections left behind", float(abs(self.left)), 0.0),
            gate("exceptions in the log", float(host["exceptions"]), 0.0),
            gate("attacks that did not take place", float(sum(not of.took_place for of in found)), 0.0),
        ]


def grown(before: int | None, behind: int | None, unit: int, *, both: bool = False) -> float | None:
    """By how much; None where the system does not tell."""
    if before is None or behind is None:
        return None
    return abs(behind - before) / unit if both else (behind - before) / unit
