"""The schema of the tables: what each column means. Rows are checked against it; plots and the report read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Literal

from pydantic import BaseModel

from lossweep.experiments.column import PARTS, Column, Scalar
from lossweep.experiments.column_table import COLUMNS

Schema = Mapping[str, Column]


def schema(metrics: Mapping[str, Any] | None = None) -> dict[str, Column]:
    """All columns that a row may have, by name.

    Args:
        metrics: metric objects by name. Their class or instance may declare `schema: tuple[Column, ...]`; of others
            `columns`, `label`, `higher_is_better` and `opposite` are read.
    """
    known = _of_plugins() | {column.name: column for column in COLUMNS}
    for metric in (metrics or {}).values():
        known |= {column.name: column for column in columns_of(metric, known)}
    return known


def columns_of(metric: Any, known: Schema) -> list[Column]:
    """The columns that a metric gives: its `schema`, else those of `known`, else by its attributes."""
    declared = getattr(metric, "schema", None)
    if declared is not None:
        return list(declared)
    names = [*getattr(metric, "columns", (metric.name,))]
    if getattr(metric, "undecodable_score", None) is not None:
        names.append(f"{metric.name}_paper")
    entry = {
        "label": metric.label,
        "higher_is_better": metric.higher_is_better,
        "columns": names,
        "opposite": list(getattr(metric, "opposite", ())),
    }
    return columns_from_manifest(metric.name, entry, known)


def columns_from_manifest(name: str, entry: Mapping[str, Any], known: Schema) -> list[Column]:
    """The columns of a metric from its entry in a manifest: keys label, higher_is_better, columns, opposite."""
    found = []
    for column in entry["columns"]:
        if column in known and column != name:
            found.append(known[column])
            continue
        higher = entry["higher_is_better"] != (column in entry.get("opposite", ()))
        base = known.get(column) or Column(column, column.replace("_", " "), "quality")
        label = entry["label"].removesuffix(f" ({base.unit})") if column == name else base.label
        better: Literal["higher", "lower"] = "higher" if higher else "lower"
        found.append(Column(**{**asdict(base), "label": label, "better": better}))
    return found


def read_schema(manifest: Mapping[str, Any]) -> dict[str, Column]:
    """The schema of a finished sweep, of its manifest's `columns`, else of its `metrics`."""
    if "columns" in manifest:  # all that its table has: endpoints need not be imported for more
        names = {field.name for field in fields(Column)}
        stored = (Column(**{k: v for k, v in c.items() if k in names}) for c in manifest["columns"])
        return {column.name: column for column in (*COLUMNS, *stored)}
    known = schema()
    for name, entry in manifest.get("metrics", {}).items():
        known |= {column.name: column for column in columns_from_manifest(name, entry, known)}
    return known


def as_data(columns: Schema, names: Iterable[str]) -> list[dict[str, Any]]:
    """The columns named, as a manifest keeps them under `columns`."""
    return [asdict(columns[name]) for name in names if name in columns]


def mistakes(row: Mapping[str, Any], known: Schema) -> list[str]:
    """What is wrong with a row: undeclared columns, and values outside their range; one line each."""
    found = []
    for name, value in row.items():
        if name not in known:
            found.append(f"column {name} is not declared; declare it in the `schema` of what gives it")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            low, high = known[name].lowest, known[name].highest
            if (low is not None and value < low - 1e-6) or (high is not None and value > high + 1e-6):
                found.append(f"column {name} is {value:g}, outside its range ({low} to {high})")
    return found


def describe(metrics: Mapping[str, Any] | None = None) -> str:
    """All columns as text, one per line: name, unit, range, direction, label (for `lossweep columns`)."""
    lines = []
    for column in schema(metrics).values():
        low, high = ("" if v is None else f"{v:g}" for v in (column.lowest, column.highest))
        reach = f"{low or '-inf'} to {high or 'inf'}" if low or high else ""
        unit = column.unit or ("fraction" if column.shown == "%" else "")
        better = f"{column.better} is better" if column.better else ""
        lines.append(
            f"{column.name:<28} {column.role:<9} {unit:<9} {reach:<12} {better:<17} {column.label}".rstrip()
        )
    return "\n".join(lines)


SHARED = {"bpp": "target_bpp"}
"""Options whose name means something else in the table: `bpp` there is the rate that was reached."""
OF_VIDEO = {"bitrate": "target_bps"}
"""Options of endpoints that have a `bpp`, whose name in the table is that of another part's option."""


def parameter_columns(cell: Any) -> dict[str, Scalar]:
    """Every parameter of a cell as a flat row, under the names that the table uses.

    Endpoint and path options keep their names (`bpp` and `bitrate` of video are `target_bpp` and `target_bps`); those
    of the clip begin with `clip_`; names of parts of a system with the part (`video_name`, `words_code_rate`), other
    options only where two parts have them.

    Args:
        cell: a mapping or model with clip, endpoint, code, channel, path, repetition, seed.
    """
    data: Mapping[str, Any] = cell.model_dump() if isinstance(cell, BaseModel) else cell
    row: dict[str, Scalar] = {}
    for part, value in data.items():
        if part == "clip":
            named = {"source": value} if isinstance(value, str) else value
            row |= {f"clip_{k}": v for k, v in named.items() if k != "source"}
        elif part == "endpoint":
            row |= _endpoint(value)
        elif part in ("code", "channel"):
            row |= _named(value, part)
        elif part == "call":
            row |= _call(value)
        elif isinstance(value, Mapping):
            row |= _flat(value, "")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for member in value:
                row |= _flat({k: v for k, v in member.items() if k != "name"}, f"{member['name']}_")
        else:
            row[part] = value
    return row


def varied(rows: Iterable[Mapping[str, Scalar]]) -> dict[str, list[Scalar]]:
    """The parameters that have more than one value in rows of `parameter_columns`, with their values in order."""
    values: dict[str, dict[Scalar, None]] = {}
    for row in rows:
        for name, value in row.items():
            if value is not None:
                values.setdefault(name, {})[value] = None
    return {name: list(found) for name, found in values.items() if len(found) > 1}


def _named(value: Any, name: str) -> dict[str, Scalar]:
    if isinstance(value, str):
        return {name: value}
    row: dict[str, Scalar] = {name: value["name"]}
    row |= _flat({k: v for k, v in value.items() if k not in ("name", "elements")}, "")
    for member in value.get("elements") or ():
        for key, single in _flat({k: v for k, v in member.items() if k != "name"}, "").items():
            row[f"{member['name']}_{key}" if key in row else key] = single
    return row


def _endpoint(value: Any) -> dict[str, Scalar]:
    if isinstance(value, str):
        return {"endpoint_name": value}
    row: dict[str, Scalar] = {"endpoint_name": value["name"]}
    for key, option in _in_table(value).items():
        if key == "name":
            continue
        if key in PARTS and option is not None:
            part = {"name": option} if isinstance(option, str) else _in_table(option)
            row[f"{key}_name"] = part["name"]
            if part.get("code") is not None:
                row |= {f"{key}_{k}": v for k, v in _named(part["code"], "code").items()}
            for name, single in _flat(
                {k: v for k, v in part.items() if k not in ("name", "code")}, ""
            ).items():
                row[f"{key}_{name}" if name in row else name] = single
        elif key == "code":
            row |= _named(option, "code")
        elif key not in PARTS:
            row |= _flat({key: option}, "")
    return row


def _call(value: Any) -> dict[str, Scalar]:
    """Mechanisms of a call; what its path back has begins with `reverse_`."""
    if value is None:
        return {}
    row = _flat({k: v for k, v in value.items() if k != "reverse"}, "")
    if value.get("reverse") is not None:
        back = _named(value["reverse"], "reverse")
        row |= {k if k == "reverse" else f"reverse_{k}": v for k, v in back.items()}
    return row


def _in_table(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Options of an endpoint under the names of the table."""
    names = OF_VIDEO if "name" in options and ("bpp" in options or "quantizer" in options) else {}
    return {names.get(key, key): value for key, value in options.items()}


def _flat(value: Mapping[str, Any], prefix: str) -> dict[str, Scalar]:
    row: dict[str, Scalar] = {}
    for key, single in value.items():
        if isinstance(single, Mapping):
            row |= _flat(single, f"{prefix}{key}_")
        elif isinstance(single, list | tuple):
            row[prefix + key] = " ".join(map(str, single))
        else:
            row[prefix + SHARED.get(key, key)] = single
    return row


def _of_plugins() -> dict[str, Column]:
    """What endpoints declare as `schema` on their class; their other options count as settings."""
    from lossweep.endpoints.endpoint import ENDPOINTS

    found: dict[str, Column] = {}
    for name in ENDPOINTS.names():
        try:
            endpoint = ENDPOINTS.get(name)
        except Exception:  # a broken plug-in is reported where it is used
            continue
        options = getattr(endpoint.Params, "model_fields", {})
        found |= {
            SHARED.get(key, key): setting(SHARED.get(key, key))
            for key in options
            if key not in (*PARTS, "name")
        }
        found |= {column.name: column for column in getattr(endpoint, "schema", ())}
    return found


def setting(name: str) -> Column:
    """A setting that nothing declares: its label is its name."""
    return Column(name, name.replace("_", " "), "setting")
