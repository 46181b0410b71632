"""How many cores this process may use, and how many processes its memory allows."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup/cpu.max")
_MEMORY = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current"))
_MEMINFO = Path("/proc/meminfo")
TEXT_WORTH = 64 << 20
"""Bytes of text from which on other processes are worth the half second of their start."""
CONVERSION_WORTH = 32 << 20
"""The same of a conversion, which takes longer for each byte."""
#: Bytes that a process of a check takes, with something to spare.
_PROCESS = 300 << 20


def available_cores() -> int:
    """The cores that the scheduler and the control group (a container's quota) leave to the process; at least 1."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        cores = os.cpu_count() or 1
    try:
        quota, period = _CGROUP.read_text().split()[:2]
        if quota != "max":
            cores = min(cores, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        pass
    return max(1, cores)


def available_memory() -> int | None:
    """The bytes that the system and the control group still have for the process; None where nothing tells."""
    found = []
    try:
        lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        found.append(int(lines["MemAvailable"].split()[0]) << 10)
    except (OSError, KeyError, ValueError, IndexError):
        pass
    try:
        most, used = (path.read_text().strip() for path in _MEMORY)
        if most != "max":
            found.append(max(0, int(most) - int(used)))
    except (OSError, ValueError):
        pass
    return min(found, default=None)


def default_jobs() -> int:
    """How many processes to work with where nobody says: as many as there are cores, and memory for; at least 1."""
    memory = available_memory()
    cores = available_cores()
    return cores if memory is None else max(1, min(cores, memory // _PROCESS))
