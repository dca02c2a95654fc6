"""Content hashes of files, so that a result records the files that determined it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

CHUNK = 1 << 20


def file_hash(path: Path) -> str:
    """BLAKE2b of a file's bytes, 32 hexadecimal digits. Read again only when size or time of change differ.

    Raises:
        OSError: it cannot be read.
    """
    status = os.stat(path)
    return _hash(str(path), status.st_size, status.st_mtime_ns)


def files_hash(paths: Iterable[Path]) -> str:
    """One hash of several files: of their names and bytes, in any order of `paths`.

    Raises:
        OSError: one cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name, content in sorted((path.name, file_hash(path)) for path in paths):
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()


def folder_hash(folder: Path, pattern: str = "*.py") -> str:
    """One hash of all files of a folder and those below it that match, with their places.

    Raises:
        OSError: one cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(folder.rglob(pattern)):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{file_hash(path)}\n".encode())
    return digest.hexdigest()


@lru_cache(maxsize=4096)
def _hash(path: str, size: int, changed_ns: int) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
