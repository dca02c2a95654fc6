"""The output folder of a run, which is only there where the run kept something in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lossweep.experiments.lock import FILE as LOCK
from lossweep.experiments.store import FILE, Store


@contextmanager
def output_folder(out: Path) -> Iterator[Store]:
    """The store in a folder. Where an error comes before anything is kept, what was made for it is removed again.

    Raises:
        StoreError: as `Store`.
    """
    folders = [folder for folder in (out, *out.parents) if not folder.exists()]
    files = [out / name for name in (FILE, LOCK) if not (out / name).exists()]
    empty = False
    try:
        with closing(Store(out)) as store:
            try:
                yield store
            except BaseException:
                empty = store.empty()
                raise
    finally:
        if empty:
            for file in files:
                file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # something else was put there meanwhile
                for folder in folders:
                    folder.rmdir()
