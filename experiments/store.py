"""The output folder of a sweep: finished cells; a cell is stored completely or not at all.

Cells are kept in an SQLite file as they are finished, one transaction each, so that a sweep can be killed at any
moment. With each cell stands what determined it, so that a change of code, versions, weights or metrics is known
cell by cell. `lossweep.experiments.export` writes the tables.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lossweep.channels.errors import LossweepError
from lossweep.experiments.cell import Cell
from lossweep.experiments.fingerprint import Print
from lossweep.experiments.lock import FolderLocked, lock
from lossweep.experiments.parts import Scalar
from lossweep.experiments.result import Result, Row

VERSION = 2
AT_ONCE = 500
"""Cells that are read together."""
FILE = "cells.sqlite"
TABLES = (
    "CREATE TABLE IF NOT EXISTS cells "
    "(id TEXT PRIMARY KEY, parameters TEXT, row TEXT, frames BLOB, base TEXT, metrics TEXT)",
    "CREATE TABLE IF NOT EXISTS failures (id TEXT PRIMARY KEY, error TEXT)",
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT)",
)
Frames = dict[str, list[Scalar]]


class StoreError(LossweepError, RuntimeError):
    """An output folder that cannot be used, or a disk that is full; one line with what to do."""

    exit_status = 1


@dataclass(frozen=True)
class Stored:
    """What determined a stored cell, and the columns that each metric gave."""

    print: Print
    columns: Mapping[str, tuple[str, ...]]


class Store:
    """Finished cells in a folder.

    Args:
        directory: made if it is not there.
        writing: takes the lock, so that no other process writes.
    Raises:
        StoreError: a folder that cannot be used, is being written, or holds a file that is no lossweep store.
    """

    def __init__(self, directory: Path, writing: bool = True) -> None:
        self.directory = directory
        with self._errors("cannot use"):
            if writing:
                directory.mkdir(parents=True, exist_ok=True)
                self._lock = lock(directory)
            mode = "rwc" if writing else "ro"
            self._db = sqlite3.connect(f"{(directory / FILE).absolute().as_uri()}?mode={mode}", uri=True)
            self._check_version()
            if writing:
                self._db.execute("PRAGMA journal_mode=WAL")
                with self._db:
                    for statement in TABLES:
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {VERSION}")
            self._inode = os.stat(directory / FILE).st_ino

    def close(self) -> None:
        """Releases the lock of the folder."""
        self._db.close()
        if hasattr(self, "_lock"):
            self._lock.close()

    def stored(self) -> dict[str, Stored]:
        """The fingerprint of each stored cell, by id."""
        found: dict[str, Stored] = {}
        kinds: dict[tuple[str, str], Stored] = {}  # cells of one kind share the object
        for name, base, text in self._select("id, base, metrics", None):
            if (base, text) not in kinds:
                metrics = json.loads(text)
                kinds[base, text] = Stored(
                    Print(base, {metric: one["print"] for metric, one in metrics.items()}),
                    {metric: tuple(one["columns"]) for metric, one in metrics.items()},
                )
            found[name] = kinds[base, text]
        return found

    def put(self, cell: Cell, result: Result, made_by: Print, only: Iterable[str] | None = None) -> None:
        """Keeps a finished cell.

        Args:
            only: metrics that were measured now; the others' columns of the stored row stay. None: a whole row.
        Raises:
            StoreError: the disk is full, or the folder is gone; what was kept before stays.
        """
        self._still_there()
        row, frames = dict(result.row), dict(result.frames)
        metrics = {
            name: {"print": made_by.metrics[name], "columns": list(result.columns.get(name, ()))}
            for name in (made_by.metrics if only is None else only)
        }
        if only is not None:
            old_row, old_frames, old_metrics = self._cell(cell.id)
            row, frames, metrics = old_row | row, old_frames | frames, old_metrics | metrics
        values = (
            cell.id,
            cell.model_dump_json(),
            json.dumps(row),
            zlib.compress(json.dumps(frames).encode(), 1),
            made_by.base,
            json.dumps(metrics),
        )
        with self._errors("cannot write to"), self._db:
            self._db.execute("INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?)", values)
            self._db.execute("DELETE FROM failures WHERE id = ?", (cell.id,))

    def cell(self, name: str) -> Cell:
        """The parameters of a finished cell.

        Raises:
            StoreError: no such cell.
        """
        for (text,) in self._rows("SELECT parameters FROM cells WHERE id = ?", name):
            return Cell.model_validate_json(text)
        raise StoreError(f"{self.directory} holds no cell {name}")

    def rows(self, ids: Sequence[str] | None = None) -> Iterator[tuple[str, Row]]:
        """Id and row of cells, one after another: of all in the store, or of these in this order.

        Those that are not there are left out.
        """
        for name, row in self._select("id, row", ids):
            yield name, json.loads(row)

    def count(self) -> int:
        """Number of finished cells."""
        return int(self._rows("SELECT COUNT(*) FROM cells")[0][0])

    def empty(self) -> bool:
        """Whether nothing was ever kept in it."""
        return not any(
            self._rows(f"SELECT 1 FROM {table} LIMIT 1") for table in ("cells", "failures", "meta")
        )

    def frames(self, name: str) -> Frames:
        """The frames of a cell; empty where it has none."""
        for (data,) in self._rows("SELECT frames FROM cells WHERE id = ?", name):
            frames: Frames = json.loads(zlib.decompress(data))
            return frames
        return {}

    def fail(self, name: str, error: str) -> None:
        """Notes that a cell failed, and why; a row that it had before is no longer valid."""
        self._still_there()
        with self._errors("cannot write to"), self._db:
            self._db.execute("INSERT OR REPLACE INTO failures VALUES (?, ?)", (name, error))
            self._db.execute("DELETE FROM cells WHERE id = ?", (name,))

    def failures(self) -> dict[str, str]:
        """Failed cells and their errors."""
        return dict(self._rows("SELECT id, error FROM failures"))

    def forget_others(self, ids: Iterable[str]) -> None:
        """Drops the cells and failures that are not among `ids`."""
        wanted = set(ids)
        for table in ("cells", "failures"):
            others = [name for (name,) in self._rows(f"SELECT id FROM {table}") if name not in wanted]
            with self._errors("cannot write to"), self._db:
                self._db.executemany(f"DELETE FROM {table} WHERE id = ?", [(name,) for name in others])

    def take_all(self, other: Path) -> None:
        """Copies the cells of another folder, and the failures of cells that are not here.

        Raises:
            StoreError: it holds no store, or one of another version.
        """
        with closing(Store(other, writing=False)) as read, self._errors("cannot write to"), self._db:
            for columns in read._select("*", None):
                self._db.execute("INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?)", columns)
                self._db.execute("DELETE FROM failures WHERE id = ?", (columns[0],))
            there = {name for (name,) in self._rows("SELECT id FROM cells")}
            failed = [one for one in read.failures().items() if one[0] not in there]
            self._db.executemany("INSERT OR REPLACE INTO failures VALUES (?, ?)", failed)
            for key in ("made by", "manifest"):
                if (value := read.noted(key)) is not None:
                    self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def note(self, key: str, value: Any) -> None:
        """Keeps a value under a key, as JSON."""
        with self._errors("cannot write to"), self._db:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def noted(self, key: str) -> Any:
        """The value kept under a key; None where there is none."""
        for (text,) in self._rows("SELECT value FROM meta WHERE key = ?", key):
            return json.loads(text)
        return None

    def _cell(self, name: str) -> tuple[Row, Frames, dict[str, Any]]:
        for row, metrics in self._rows("SELECT row, metrics FROM cells WHERE id = ?", name):
            return json.loads(row), self.frames(name), json.loads(metrics)
        return {}, {}, {}

    def _select(self, columns: str, ids: Sequence[str] | None) -> Iterator[tuple[Any, ...]]:
        """Columns of cells, a few hundred at a time."""
        if ids is None:
            with self._errors("cannot read"):
                cursor = self._db.execute(f"SELECT {columns} FROM cells")
            while some := self._fetch(cursor):
                yield from some
            return
        for start in range(0, len(ids), AT_ONCE):
            part = ids[start : start + AT_ONCE]
            marks = ",".join("?" * len(part))
            found = {
                row[0]: row for row in self._rows(f"SELECT {columns} FROM cells WHERE id IN ({marks})", *part)
            }
            yield from (found[name] for name in part if name in found)

    def _fetch(self, cursor: sqlite3.Cursor) -> list[tuple[Any, ...]]:
        with self._errors("cannot read"):
            return cursor.fetchmany(AT_ONCE)

    def _rows(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        with self._errors("cannot read"):
            return self._db.execute(statement, values).fetchall()

    def _check_version(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        tables = self._db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        if tables and version != VERSION:
            raise StoreError(
                f"{self.directory} was made by another version of lossweep; choose another --out"
            )

    def _still_there(self) -> None:
        try:
            same = os.stat(self.directory / FILE).st_ino == self._inode
        except OSError:
            same = False
        if not same:
            raise StoreError(f"{self.directory} was deleted or replaced while the sweep ran; start it again")

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except FolderLocked as holder:
            raise StoreError(
                f"{self.directory} is being written by another lossweep (process {holder}); choose another --out"
            ) from None
        except OSError as error:
            raise StoreError(
                f"{what} {self.directory}: {error.strerror or error}{_kept(error.errno)}"
            ) from None
        except sqlite3.OperationalError as error:
            room = errno.ENOSPC if "full" in str(error) else None
            raise StoreError(f"{what} {self.directory}: {error}{_kept(room)}") from None
        except (sqlite3.Error, zlib.error, ValueError) as error:
            raise StoreError(
                f"{what} {self.directory}: {error}; {FILE} in it is damaged, choose another --out"
            ) from None


def _kept(number: int | None) -> str:
    """What to do where a disk is full."""
    full = number in (errno.ENOSPC, errno.EDQUOT)
    return "; finished cells are kept: make room and run the same command again" if full else ""
