"""Which metrics are absent here, without loading those that were present before."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from lossweep.channels.cache import cache_folder, read, write
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
    write(cache_folder() / FILE, json.dumps({"key": key, "present": sorted(known)}).encode())
    return found


def _read(key: str) -> set[str]:
    try:
        data = json.loads(read(cache_folder() / FILE) or b"{}")
        return set(data["present"]) if data.get("key") == key else set()
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()
