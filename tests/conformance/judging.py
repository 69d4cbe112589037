"""What a result is worth: strictly, or by an exception that an RFC clause allows.

A case passes where the suite calls both its behavior and the close OK. `INFORMATIONAL` is what three cases always are,
and no other may be. All else fails: NON-STRICT, UNIMPLEMENTED, a close that was not clean or had the wrong code, a
case that was not run.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.conformance.expected import Exemption

__all__ = ["INFORMATIONAL", "NOT_RUN", "Kind", "Result", "Verdict", "judge", "kind_of"]

INFORMATIONAL = frozenset({"7.1.6", "7.13.1", "7.13.2"})
"""7.1.6: a Close behind a message of 256 KiB; 7.13.x: close codes 5000 and 65535. The suite judges none of them."""
NOT_RUN = "NOT RUN"


class Kind(enum.Enum):
    """A column of the table."""

    PASSED = "passed"
    NON_STRICT = "non-strict"
    INFORMATIONAL = "informational"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """What the suite says of a case.

    Args:
        case: its id.
        behavior: OK, NON-STRICT, INFORMATIONAL, UNIMPLEMENTED, FAILED; or ours: `NOT_RUN`.
        behavior_close: OK, INFORMATIONAL, WRONG CODE, UNCLEAN, FAILED BY CLIENT, FAILED.
        why: in words, and the close code that came.
    """

    case: str
    behavior: str
    behavior_close: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.case:8} {self.behavior}, close {self.behavior_close}: {' '.join(self.why.split())[:240]}"


@dataclass(frozen=True)
class Verdict:
    """What a run is worth.

    Args:
        counts: cases of each kind; those excused count as what they are.
        failed: the results that are failures, NON-STRICT among them, in the suite's order.
        excused: those that an exemption allows.
        idle: exemptions of what passed, or of no case that there is; failures too.
    """

    counts: Mapping[Kind, int]
    failed: Sequence[Result]
    excused: Sequence[Result]
    idle: Sequence[Exemption]

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failed and not self.idle


def kind_of(result: Result) -> Kind:
    """The column that a result belongs to."""
    if result.behavior_close not in ("OK", "INFORMATIONAL"):
        return Kind.FAILED
    if result.behavior == "OK":
        return Kind.PASSED
    if result.behavior == "NON-STRICT":
        return Kind.NON_STRICT
    if result.behavior == "INFORMATIONAL" and result.case in INFORMATIONAL:
        return Kind.INFORMATIONAL
    return Kind.FAILED


def judge(
    cases: Sequence[str], results: Iterable[Result], exemptions: Iterable[Exemption], known: Iterable[str]
) -> Verdict:
    """Judge a run.

    Args:
        cases: what was to run, in the suite's order.
        results: what came of them; a case without one was not run.
        exemptions: those for this side of a connection.
        known: all of the suite's cases.
    """
    by_case = {result.case: result for result in results}
    if strangers := by_case.keys() - set(cases):
        raise ValueError(f"results of cases that were not to run: {sorted(strangers)}")
    excusable = {exemption.case: exemption for exemption in exemptions}
    counts = Counter(dict.fromkeys(Kind, 0))
    failed: list[Result] = []
    excused: list[Result] = []
    for case in cases:
        result = by_case.get(case, Result(case, NOT_RUN, NOT_RUN))
        kind = kind_of(result)
        counts[kind] += 1
        if kind in (Kind.NON_STRICT, Kind.FAILED):
            allowed = case in excusable and excusable[case].allows(result.behavior, result.behavior_close)
            (excused if allowed else failed).append(result)
    wrong = {result.case for result in (*excused, *failed)}
    unknown = excusable.keys() - set(known)
    idle = [excusable[case] for case in excusable if case in unknown or (case in cases and case not in wrong)]
    return Verdict(counts, failed, excused, idle)
