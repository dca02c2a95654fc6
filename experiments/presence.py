"""Which metrics are absent here, or of no use in a scenario, without loading those that were present before."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from lossweep.channels.cache import cache_folder, read, write
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.experiments.cell import name_of
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.fingerprint import sources_hash, versions
from lossweep.experiments.metrics.metric import METRICS, MetricAbsent
from lossweep.experiments.parts import MetricParams
from lossweep.experiments.scenario import Scenario

FILE = "metrics_present.json"
MEDIA = {"video": "pictures", "speech": "sounds", "words": "words"}
PLACES = ("TORCH_HOME", "LOSSWEEP_DATA", "PATH")


def absent(metrics: Sequence[MetricParams]) -> dict[str, str]:
    """Metrics that cannot be had here, each with one line: why, and how to get it.

    A metric that was made once is known to be there, as long as code, versions and folders are the same. One that is
    absent is looked for each time.

    Raises:
        ScenarioError: a value of an option that a metric refuses.
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
        except (ValueError, TypeError) as error:
            raise ScenarioError(f"metrics: {metric.name}: {error}") from None
    write(cache_folder() / FILE, json.dumps({"key": key, "present": sorted(known)}).encode())
    return found


def unused(scenario: Scenario) -> list[str]:
    """One line for each metric of a medium that no endpoint of the scenario sends."""
    sent: set[str] = set()
    for endpoint, _ in scenario.ways():
        parts = [part for part in MEDIA if getattr(endpoint, part, None) is not None]
        sent |= set(parts) if parts else {ENDPOINTS.get(name_of(endpoint)).sends}
        if getattr(endpoint, "voice", None) is not None:
            sent.add("speech")
    return [
        f"{metric.name} will have no values: it measures {MEDIA[needs]}, and no endpoint sends them"
        for metric in scenario.metrics
        if (needs := getattr(METRICS.get(metric.name), "needs", "video")) not in sent
    ]


def _read(key: str) -> set[str]:
    try:
        data = json.loads(read(cache_folder() / FILE) or b"{}")
        return set(data["present"]) if data.get("key") == key else set()
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()
