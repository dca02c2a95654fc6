"""The user's cache folder: files that can be recomputed, so a fault of the cache is not an error."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from pathlib import Path

from platformdirs import user_cache_dir

VARIABLE = "LOSSWEEP_CACHE"
LEFT_OVER_S = 86_400.0
_log = logging.getLogger(__name__)
_warned: set[str] = set()


def cache_folder() -> Path:
    """Where files are kept: `$LOSSWEEP_CACHE`, else the user's cache folder."""
    return Path(os.environ.get(VARIABLE) or user_cache_dir("lossweep"))


def read(path: Path) -> bytes | None:
    """The content of a file; None where it is not there or cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _warn(f"{path}: {error.strerror}; it is made again. {VARIABLE} names another cache folder")
        return None


def write(path: Path, data: bytes) -> None:
    """Keeps a file, whole or not at all, with the permissions of new files. Where that cannot be, one line says so."""
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(part, 0o666 & ~_umask())
        os.replace(part, path)
    except OSError as error:
        if part is not None:
            Path(part).unlink(missing_ok=True)
        _warn(f"nothing is cached in {path.parent}: {error.strerror}. {VARIABLE} names another cache folder")


def clear_left_overs(folder: Path) -> None:
    """Removes unfinished files that killed processes left, once they are a day old."""
    try:
        for part in folder.glob("*.part"):
            if time.time() - part.stat().st_mtime > LEFT_OVER_S:
                part.unlink(missing_ok=True)
    except OSError:
        return


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _warn(line: str) -> None:
    if line not in _warned:
        _warned.add(line)
        _log.warning(line)
