"""Writes the tables of a sweep from its store, in the scenario's order of cells, not in that of finishing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lossweep.experiments.parts import Scalar
from lossweep.experiments.store import Store, StoreError

CELLS_AT_ONCE = 500
FIRST = ("cell", "frame", "time_s", "outcome")
TABLES = ("table.csv", "table.parquet", "failures.json")


def export(store: Store, ids: Sequence[str], metrics: Sequence[str]) -> list[str]:
    """Writes `table.parquet`, `table.csv`, `frames.parquet` and `failures.json`, where they are not up to date.

    The frames are streamed; memory holds the table (one row per cell) and the frames of 500 cells.

    Args:
        ids: of the scenario's cells, in order; those that are not finished are left out.
        metrics: whose columns the tables have.
    Returns:
        The columns of the table.
    Raises:
        StoreError: the disk is full; the cells themselves stay.
    """
    stored = store.stored()
    there = [name for name in ids if name in stored]
    wanted = set(ids)
    failed = {name: error for name, error in store.failures().items() if name in wanted}
    kinds = {id(one): _hash([one.print.base, dict(one.print.metrics)]) for one in stored.values()}
    state = _hash([[[name, kinds[id(stored[name])]] for name in there], list(metrics), failed])
    old = store.noted("exported")
    directory = store.directory
    if old is not None and old["state"] == state and all((directory / name).exists() for name in TABLES):
        return list(old["columns"])
    dropped = {
        column
        for one in {id(one): one for one in stored.values()}.values()
        for metric, columns in one.columns.items()
        if metric not in metrics
        for column in columns
    }
    with _writing(directory):
        table = _table(store, there, dropped)
        _replace(directory / "table.csv", table.to_csv(index=False).encode())
        part = directory / f"table.parquet.{os.getpid()}.part"
        _one_type(table).to_parquet(part, index=False)
        os.replace(part, directory / "table.parquet")
        _export_frames(store, there, dropped)
        lines = [
            {"cell": name, "error": error, "rerun": f"lossweep run ... --cell {name}"}
            for name, error in failed.items()
        ]
        _replace(directory / "failures.json", json.dumps(lines, indent=1).encode())
    columns = list(table.columns)
    store.note("exported", {"state": state, "columns": columns})
    return columns


def write_manifest(directory: Path, text: str) -> None:
    """Writes `manifest.json`.

    Raises:
        StoreError: the disk is full.
    """
    with _writing(directory):
        _replace(directory / "manifest.json", text.encode())


def _table(store: Store, ids: Sequence[str], dropped: set[str]) -> pd.DataFrame:
    """The rows as a table, gathered by column: the rows as mappings would take several times its memory."""
    columns: dict[str, list[Scalar]] = {}
    same: dict[Scalar, Scalar] = {}
    count = 0
    for _, row in store.rows(ids):
        for name, value in row.items():
            if name in dropped:
                continue
            column = columns.setdefault(name, [])
            column += [None] * (count - len(column))
            column.append(same.setdefault(value, value) if isinstance(value, str) else value)
        count += 1
    for column in columns.values():
        column += [None] * (count - len(column))
    return pd.DataFrame(columns, columns=None if columns else ["cell", "clip", "endpoint"])


def _one_type(table: pd.DataFrame) -> pd.DataFrame:
    """The table with columns of words and numbers ("auto" and 0.1) as words, which Parquet needs."""
    mixed = [
        name
        for name in table.columns
        if table[name].dtype == object and len({isinstance(v, str) for v in table[name].dropna()}) > 1
    ]
    return table.assign(**{name: table[name].map(lambda v: v if pd.isna(v) else str(v)) for name in mixed})


def _export_frames(store: Store, ids: Sequence[str], dropped: set[str]) -> None:
    path = store.directory / "frames.parquet"
    part = store.directory / f"frames.parquet.{os.getpid()}.part"
    schema: pa.Schema | None = None
    writer = None
    for table in _frames(store, ids, dropped, _frame_columns(store, ids, dropped)):
        if writer is None:
            schema = table.schema
            writer = pq.ParquetWriter(part, schema, compression="zstd")
        writer.write_table(table.cast(schema))
    if writer is None:
        path.unlink(missing_ok=True)
        return
    writer.close()
    os.replace(part, path)


def _frame_columns(store: Store, ids: Sequence[str], dropped: set[str]) -> list[str]:
    """All frame columns; cells of one kind have the same, so those of each set of metrics are looked at once."""
    stored = store.stored()
    kinds: dict[int, str] = {}
    for name in ids:
        kinds.setdefault(id(stored[name]), name)
    found = {column for name in kinds.values() for column in store.frames(name)} - dropped
    return sorted(found, key=lambda c: (FIRST.index(c) if c in FIRST else len(FIRST), c))


def _frames(
    store: Store, ids: Sequence[str], dropped: set[str], columns: Sequence[str]
) -> Iterator[pa.Table]:
    kinds = {"frame": pa.int64(), "outcome": pa.string()}
    for start in range(0, len(ids), CELLS_AT_ONCE):
        data: dict[str, list[Scalar]] = {"cell": [], **{column: [] for column in columns}}
        for name in ids[start : start + CELLS_AT_ONCE]:
            frames = store.frames(name)
            length = len(next(iter(frames.values()), []))
            data["cell"] += [name] * length
            for column in columns:
                data[column] += frames.get(column, [None] * length)
        if data["cell"]:
            types = {"cell": pa.string(), **{column: kinds.get(column, pa.float64()) for column in columns}}
            yield pa.table({name: pa.array(values, types[name]) for name, values in data.items()})


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    os.replace(part, path)


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        for part in directory.glob("*.part"):
            part.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or str(error)
        raise StoreError(
            f"cannot write tables to {directory}: {reason}; the cells are kept, run the same command again"
        ) from None


def _hash(value: object) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()
