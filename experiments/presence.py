"""Which metrics are absent here, without loading those that were present before."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from lossweep.endpoints.codecs.video.encode import cache_folder
from lossweep.experiments.fingerprint import sources_hash, versions
from lossweep.experiments.metrics.metric import METRICS, MetricAbsent
from lossweep.experiments.parts import MetricParams

FILE = "metrics_present.json"
PLACES = ("TORCH_HOME", "LOSSWEEP_DATA", "PATH")


def absent(metrics: Sequence[MetricParams]) -> dict[str, str]:
    """Metrics that cannot be had here, each with one line: why, and how to get it.

    A metric that was made once is known to be there, as long as code, versions and folders are the same. One that is
    absent is looked for each time.
    """
    key = json.dumps([sources_hash(), versions(), {name: os.environ.get(name) for name in PLACES}])
    known = _read(key)
    found: dict[str, str] = {}
    for metric in metrics:
        text = metric.model_dump_json()
        if text in known:
            continue
        try:
            METRICS.get(metric.name)(device="cpu", **metric.options)
            known.add(text)
        except MetricAbsent as reason:
            found[metric.name] = str(reason)
    _write(key, known)
    return found


def _read(key: str) -> set[str]:
    path: Path = cache_folder() / FILE
    try:
        data = json.loads(path.read_text())
        return set(data["present"]) if data["key"] == key else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _write(key: str, present: set[str]) -> None:
    path: Path = cache_folder() / FILE
    part = path.with_name(f"{FILE}.{os.getpid()}.part")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({"key": key, "present": sorted(present)}))
        os.replace(part, path)
