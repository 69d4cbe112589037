"""What the system tells about this process and this machine; None or an empty answer where it does not tell."""

from __future__ import annotations

import gc
import os
import platform
import sys
import time
from dataclasses import dataclass

import tickws

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = [
    "Usage",
    "cpu_ns",
    "descriptors",
    "load_average",
    "machine",
    "pin",
    "raise_descriptors",
    "resident_bytes",
    "stolen_seconds",
    "usable_cpus",
]

cpu_ns = time.process_time_ns
"""Nanoseconds of CPU that this process has had, user and system, all threads (CLOCK_PROCESS_CPUTIME_ID)."""


def machine() -> str:
    """The CPU, the system, the Python and tickws, in one line."""
    system = f"{platform.system()} {platform.release()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{_cpu_model()}, {os.cpu_count()} cores; {system}; {python}; tickws {tickws.__version__}"


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def load_average() -> float | None:
    """How many processes wanted to run in the last minute, on average."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def usable_cpus() -> list[int]:
    """The CPUs that this process may run on; empty where it cannot be pinned to one of them."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


def pin(process: int, cpu: int) -> None:
    """Let a process (0: this one) run on one CPU only; nothing happens where that cannot be."""
    if sys.platform == "linux":
        os.sched_setaffinity(process, {cpu})


def resident_bytes() -> int | None:
    """Memory that this process holds."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def stolen_seconds() -> float | None:
    """CPU time that the machine under this one has given to others since it began, of all CPUs together."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            return int(file.readline().split()[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return None


def descriptors() -> int | None:
    """How many descriptors this process has open."""
    try:
        return len(os.listdir("/proc/self/fd")) - 1  # less the one that reads the folder
    except OSError:
        return None


def raise_descriptors() -> int | None:
    """Let this process open as many descriptors as it may; gives how many, None where that cannot be told."""
    if resource is None:
        return None
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (OSError, ValueError):  # macOS allows fewer than it says
        return now
    return None if most == resource.RLIM_INFINITY else most


def _preempted() -> int | None:
    if resource is None:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


@dataclass(frozen=True, slots=True)
class Usage:
    """What this process has used up so far; the difference of two tells of the time between."""

    cpu_seconds: float
    preempted: int | None
    """Times that the system gave the CPU to somebody else while we wanted it."""
    collections: int
    """Runs of Python's garbage collector, of any generation."""

    @classmethod
    def now(cls) -> Usage:
        """Up to this moment."""
        return cls(
            cpu_seconds=cpu_ns() / 1e9,
            preempted=_preempted(),
            collections=sum(generation["collections"] for generation in gc.get_stats()),
        )

    def since(self, before: Usage) -> Usage:
        """What was used since `before`."""
        known = self.preempted is not None and before.preempted is not None
        return Usage(
            cpu_seconds=self.cpu_seconds - before.cpu_seconds,
            preempted=(self.preempted or 0) - (before.preempted or 0) if known else None,
            collections=self.collections - before.collections,
        )
