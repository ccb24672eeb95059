"""How many web processes this container has room for, from what the kernel grants it."""

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
UNLIMITED_MOST = 4
"""Processes where nothing limits the container: a big machine is shared, and each process has a pool of connections."""
MEMORY_EACH = 256 * 1024 * 1024
"""Bytes that a process of a Django project grows to; the seed's backend was seen at 180 MB."""


def fitting(root: Path = CGROUPS) -> int:
    """Return how many processes use the granted CPU time and fit into the memory limit; 1 at least.

    A quota of 1.5 CPUs gives two: one process uses one CPU at most, and half of one would lie idle.
    """
    cpus = len(os.sched_getaffinity(0))
    quota = _quota(root)
    count = min(cpus, UNLIMITED_MOST) if quota is None else min(cpus, math.ceil(quota))
    memory = _memory(root)
    if memory is not None:
        count = min(count, memory // MEMORY_EACH)
    return max(1, count)


def _quota(root: Path) -> float | None:
    """Return the CPUs of the quota, None where there is none."""
    words = _words(root / "cpu.max")  # version 2: "150000 100000" or "max 100000"
    if len(words) != 2:
        words = [*_words(root / "cpu" / "cpu.cfs_quota_us"), *_words(root / "cpu" / "cpu.cfs_period_us")]  # -1: none
    if len(words) != 2 or not all(word.isascii() and word.isdigit() for word in words) or int(words[1]) == 0:
        return None
    return int(words[0]) / int(words[1])


def _memory(root: Path) -> int | None:
    """Return the bytes of the memory limit, None where there is none."""
    words = _words(root / "memory.max") or _words(root / "memory" / "memory.limit_in_bytes")
    if len(words) != 1 or not words[0].isascii() or not words[0].isdigit():
        return None
    # Version 1 writes "no limit" as a number near 2^63.
    return int(words[0]) if int(words[0]) < 2**60 else None


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except (OSError, UnicodeDecodeError):
        return []
