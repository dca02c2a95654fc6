"""A lock on an output folder that dies with its process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

FILE = ".lock"


class FolderLocked(RuntimeError):
    """Another process holds the lock; its text is that process's number."""


def lock(folder: Path) -> IO[str]:
    """Locks a folder for this process; it is free again when the file returned is closed or the process ends.

    Raises:
        FolderLocked: another process holds it.
        OSError: the folder cannot be written.
    """
    file = open(folder / FILE, "a+", encoding="ascii")  # noqa: SIM115, it is open as long as the lock is held
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise FolderLocked(holder) from None
    except OSError:
        return file  # a file system without locks: nothing can be promised, and the sweep runs
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
