"""How much memory there is for a clip, and one line where it does not suffice."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from lossweep.endpoints.clip import ClipError

SHARE = 0.5
"""Of the memory that is free: a receiver holds the pictures that it decodes beside the clip."""

_CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)


def free_bytes() -> int:
    """Memory that this process can still take: of the machine, within its control group and its limits."""
    room = [_of_machine()]
    for limit, usage in _CGROUPS:
        try:
            room.append(int(limit.read_text(encoding="utf-8")) - int(usage.read_text(encoding="utf-8")))
        except (OSError, ValueError):  # not there, or "max"
            continue
    address_space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if address_space != resource.RLIM_INFINITY:
        room.append(address_space - _address_space_used())
    return max(0, min(room))


def check_fits(path: Path, what: str, bytes_per_s: float, seconds: float, advice: str = "") -> None:
    """Refuses a clip that the memory cannot hold.

    Args:
        path: of the clip, for the message.
        what: takes the memory ("250 pictures of 1280x720").
        seconds: length of the clip.
        advice: what to do other than to keep the beginning.
    Raises:
        ClipError: one line with the sizes, and how many seconds would fit.
    """
    needed, room = bytes_per_s * seconds, SHARE * free_bytes()
    if needed > room:
        fitting_s = max(int(room / bytes_per_s), 1)
        raise ClipError(
            f"{path}: {what} take {needed / 2**30:.1f} GiB, and {room / 2**30:.1f} GiB are free for them; "
            f"keep the beginning (clip.seconds: {fitting_s}){advice}"
        )


def _of_machine() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _address_space_used() -> int:
    try:
        return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    except OSError:
        return 0
