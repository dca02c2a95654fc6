"""The output folder of a sweep: finished cells, whole or not at all, and the tables made from them.

Cells are kept in an SQLite file as they are finished, a transaction each, so that a sweep can be killed at
any moment. The tables are written from it, in the scenario's order of cells, whatever the order of finishing.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lossweep.channels.errors import LossweepError
from lossweep.experiments.evaluator import Cell, Result, cell_id

CELLS_AT_ONCE = 500


class StoreError(LossweepError, RuntimeError):
    """An output folder that cannot be used, or a disk that is full; one line with the mend."""


class Store:
    """Finished cells in a folder.

    Args:
        directory: made if it is not there.
    Raises:
        StoreError: a folder that cannot be written, or a file in it that is no lossweep store.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(directory / "cells.sqlite")
            self._db.execute("PRAGMA journal_mode=WAL")
            with self._db:
                self._db.execute(
                    "CREATE TABLE IF NOT EXISTS cells "
                    "(id TEXT PRIMARY KEY, parameters TEXT, row TEXT, frames BLOB)"
                )
                self._db.execute("CREATE TABLE IF NOT EXISTS failures (id TEXT PRIMARY KEY, error TEXT)")
                self._db.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT)")
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot use output folder {directory}: {error}") from None

    def claim(self, fingerprint: dict[str, Any], accept_changes: bool) -> None:
        """Binds the folder to what determines its rows: the scenario, and the versions that compute it.

        Args:
            fingerprint: name -> value; those that earlier runs had as well must be equal.
            accept_changes: keep the cells that both have in common and go on.
        Raises:
            StoreError: the folder belongs to something else.
        """
        new = {key: json.dumps(value, sort_keys=True, default=str) for key, value in fingerprint.items()}
        old = dict(self._db.execute("SELECT key, value FROM meta"))
        changed = [key for key in new if key in old and old[key] != new[key]]
        if changed and not accept_changes:
            raise StoreError(
                f"{self.directory} holds cells of another {' and '.join(changed)}; choose another --out, or "
                "go on in it with --accept-changes (cells that are the same are kept)"
            )
        if any(key != "scenario" for key in changed):
            self._write("DELETE FROM cells")
        for key, value in new.items():
            self._write("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, value)

    def finished(self) -> set[str]:
        """Ids of the cells that are there."""
        return {name for (name,) in self._db.execute("SELECT id FROM cells")}

    def put(self, cell: Cell, result: Result) -> None:
        """Keeps a finished cell.

        Raises:
            StoreError: the disk is full; what was kept before stays.
        """
        name, frames = cell_id(cell), zlib.compress(json.dumps(result.frames).encode())
        values = (name, json.dumps(cell), json.dumps(result.row), frames)
        self._write("INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?)", *values)
        self._write("DELETE FROM failures WHERE id = ?", name)

    def cell(self, name: str) -> Cell:
        """The parameters of a finished cell."""
        return json.loads(
            self._db.execute("SELECT parameters FROM cells WHERE id = ?", (name,)).fetchone()[0]
        )

    def fail(self, name: str, error: str) -> None:
        """Notes that a cell failed, and why."""
        self._write("INSERT OR REPLACE INTO failures VALUES (?, ?)", name, error)

    def failures(self) -> dict[str, str]:
        """Failed cells and their errors."""
        return dict(self._db.execute("SELECT id, error FROM failures"))

    def export(self, cells: Iterator[Cell], manifest: dict[str, Any]) -> None:
        """Writes `table.parquet`, `table.csv`, `frames.parquet`, `manifest.json` and `failures.json`.

        The frames are streamed; memory holds the table (a row a cell) and the frames of 500 cells.

        Args:
            cells: in the scenario's order; those that are not finished are left out.
        Raises:
            StoreError: the disk is full; the cells themselves stay.
        """
        ids = [cell_id(cell) for cell in cells]
        try:
            _replace(self.directory / "table.csv", self._table(ids).to_csv(index=False).encode())
            part = self.directory / "table.parquet.part"
            self._table(ids).to_parquet(part, index=False)
            os.replace(part, self.directory / "table.parquet")
            self._export_frames(ids)
            failed = [
                {"cell": name, "error": error, "rerun": f"lossweep run ... --cell {name}"}
                for name, error in self.failures().items()
            ]
            _replace(self.directory / "failures.json", json.dumps(failed, indent=1).encode())
            _replace(self.directory / "manifest.json", json.dumps(manifest, indent=1, default=str).encode())
        except OSError as error:
            raise StoreError(f"cannot write tables to {self.directory}: {error.strerror}") from None

    def _table(self, ids: list[str]) -> pd.DataFrame:
        found = dict(self._db.execute("SELECT id, row FROM cells"))
        return pd.DataFrame([json.loads(found[name]) for name in ids if name in found])

    def _export_frames(self, ids: list[str]) -> None:
        part = self.directory / "frames.parquet.part"
        columns = sorted({c for frame in self._frames(ids) for c in frame.columns}, key=_frames_order)
        writer = None
        for frame in self._frames(ids):
            table = pa.Table.from_pandas(frame.reindex(columns=columns), preserve_index=False)
            if writer is None:
                writer = pq.ParquetWriter(part, table.schema, compression="zstd")
            writer.write_table(table.cast(writer.schema))
        if writer is not None:
            writer.close()
            os.replace(part, self.directory / "frames.parquet")

    def _frames(self, ids: list[str]) -> Iterator[pd.DataFrame]:
        for start in range(0, len(ids), CELLS_AT_ONCE):
            parts = []
            for name in ids[start : start + CELLS_AT_ONCE]:
                found = self._db.execute("SELECT frames FROM cells WHERE id = ?", (name,)).fetchone()
                frames = json.loads(zlib.decompress(found[0])) if found else {}
                if frames:
                    parts.append(pd.DataFrame({"cell": name, **frames}))
            if parts:
                yield pd.concat(parts, ignore_index=True)

    def _write(self, statement: str, *values: Any) -> None:
        try:
            with self._db:
                self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise StoreError(
                f"cannot write to {self.directory} ({error}); what was finished is kept: make room and run "
                "the same command again"
            ) from None


def _frames_order(column: str) -> tuple[int, str]:
    first = ("cell", "frame", "time_s", "outcome")
    return (first.index(column) if column in first else len(first), column)


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)
