"""Runs a share of the cases: one process of the suite at a time, begun anew with what is left where one stalls.

A share is run by a thread; `run` has as many of them as there are to be processes, and ends what they started,
whatever happens.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.cases import split
from tests.conformance.judging import NOT_RUN, Result
from tests.conformance.suite import Suite
from tests.conformance.wstest import Line, Mode, Wstest
from tests.program import ROOT, Program

__all__ = ["Campaign", "RunnerBroke", "run"]

LOOK_SECONDS = 0.5
"""How often a thread sees whether it is to stop, or its client has ended."""
MOST_STALLS = 3
"""A share whose cases stall so often is given up: the rest counts as not run."""


class RunnerBroke(Exception):
    """What comes out cannot be trusted."""


@dataclass(frozen=True)
class Campaign:
    """What is to be run.

    Args:
        suite: by what.
        side: "server" or "client": which end tickws is.
        cases: ids.
        program: the module of the end under test, and its arguments; a client gets the URL before them.
        messages: how many each case of 12.x and 13.x sends; 0: as many as upstream.
        jobs: processes at once.
        stall_seconds: without any news, a case has failed. (Upstream lets one of 12.x go on for 480 s.)
        folder: new; for logs and reports.
        clock: what stalls are measured by, in seconds.
    """

    suite: Suite
    side: str
    cases: Sequence[str]
    program: Sequence[str]
    messages: int
    jobs: int
    stall_seconds: float
    folder: Path
    clock: Callable[[], float] = time.monotonic


def run(campaign: Campaign) -> list[Result]:
    """The results of all cases that were run; for others, why they were not.

    Raises:
        RunnerBroke: the suite's own report says something else.
    """
    campaign.folder.mkdir(parents=True)
    if campaign.side == "client":
        return run_shares(campaign, "")
    module, *arguments = campaign.program
    server = Program("-m", module, *arguments)
    try:
        server.listens()
        return run_shares(campaign, server.url)
    finally:
        server.close()
        server.ended()  # now its output is here, whole
        (campaign.folder / "server.log").write_text(server.output, encoding="utf-8")


def run_shares(campaign: Campaign, url: str) -> list[Result]:
    """All shares at once."""
    shares = [Share(campaign, url, number, cases) for number, cases in enumerate(split(campaign.cases, campaign.jobs))]
    with ThreadPoolExecutor(len(shares)) as pool:
        try:
            runs = [pool.submit(share.run) for share in shares]
            return [result for each in runs for result in each.result()]
        finally:
            for share in shares:
                share.stopped = True


class Share:
    """Some of a campaign's cases, run one after the other."""

    def __init__(self, campaign: Campaign, url: str, number: int, cases: Sequence[str]) -> None:
        self.stopped = False
        self._campaign = campaign
        self._url = url
        self._number = number
        self._left = list(cases)
        self._current = ""
        self._results: dict[str, Result] = {}
        self._stalls = 0
        self._why = ""

    def run(self) -> list[Result]:
        """Run them; called once."""
        rounds = 0
        while self._left and not self.stopped:
            rounds += 1
            folder = self._campaign.folder / f"share-{self._number}-{rounds}"
            if not self._round(folder):
                break
        return [*self._results.values(), *(Result(case, NOT_RUN, NOT_RUN, self._why) for case in self._left)]

    def _round(self, folder: Path) -> bool:
        """Run what is left by one process of the suite; whether another is worth it."""
        campaign = self._campaign
        mode: Mode = "fuzzingclient" if campaign.side == "server" else "fuzzingserver"
        before = set(self._results)
        with Wstest(campaign.suite, mode, self._left, campaign.messages, folder, self._url) as wstest:
            if mode == "fuzzingclient":
                stalled = self._follow(wstest)
            else:
                stalled = self._follow_client(wstest, folder / "client.log")
            if stalled:
                self._stalls += 1
                self._give_up_case()
                self._why = f"{self._stalls} cases stalled before it"
            else:
                self._compare(wstest.reported(), set(self._results) - before)
                self._why = self._why or f"the suite left it out: {wstest.last_words()}"
        return stalled and self._stalls < MOST_STALLS

    def _follow_client(self, wstest: Wstest, log: Path) -> bool:
        """Have our client visit the suite's server; whether that stalled."""
        line = wstest.line(self._campaign.stall_seconds)
        if line is None:
            raise RunnerBroke(f"the suite does not start: {wstest.last_words()}")
        module, *arguments = self._campaign.program
        command = [sys.executable, "-m", module, f"ws://127.0.0.1:{line['listening']}", *arguments]
        with open(log, "w", encoding="utf-8") as output:
            client = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            stalled = self._follow(wstest, client)
        finally:
            client.kill()
            client.wait()
        if self._left and not stalled:
            self._why = f"the client ended, exit code {client.returncode}: {log.read_text(errors='replace')[-500:]}"
        return stalled

    def _follow(self, wstest: Wstest, client: subprocess.Popen[bytes] | None = None) -> bool:
        """Take what comes, until the suite ends or our client does; whether it stalled instead."""
        clock, patience = self._campaign.clock, self._campaign.stall_seconds
        deadline = clock() + patience
        while not self.stopped:
            over = client is not None and client.poll() is not None  # known before the last lines are asked for
            try:
                line = wstest.line(LOOK_SECONDS)
            except EOFError as end:
                self._why = self._why or str(end)
                return False
            if line is not None:
                self._take(line)
                deadline = clock() + patience
            elif over:
                return False
            elif clock() > deadline:
                return bool(self._left)
        return False

    def _take(self, line: Line) -> None:
        """One line of the suite's."""
        if "start" in line:
            self._current = line["start"]
        elif "refused" in line:
            self._why = f"nobody answered at case {line['refused']}: {line['why']}"
        elif "result" in line:
            told = line["result"]
            why = f"{told['result']} | close: {told['resultClose']}"
            if told["remoteCloseCode"] is not None:
                why += f" (code {told['remoteCloseCode']})"
            self._keep(Result(told["id"], told["behavior"], told["behaviorClose"], why))

    def _keep(self, result: Result) -> None:
        self._results[result.case] = result
        if result.case in self._left:
            self._left.remove(result.case)

    def _give_up_case(self) -> None:
        case = self._current if self._current in self._left else self._left[0]
        seconds = self._campaign.stall_seconds
        self._keep(Result(case, "FAILED", "FAILED", f"nothing happened for {seconds:g} s, so the suite was ended"))

    def _compare(self, reported: dict[str, tuple[str, str]], told: set[str]) -> None:
        """What was told case by case must be what the suite's own report says, if it came so far as to write one."""
        if not reported and (self._left or self.stopped):
            return
        ours = {case: (result.behavior, result.behavior_close) for case, result in self._results.items()}
        differing = sorted(case for case in told | reported.keys() if ours.get(case) != reported.get(case))
        if differing:
            raise RunnerBroke(f"the suite reports otherwise than it told: {differing}")
