"""What determines a row beside its cell: sources, versions, device, threads, weights, third parties' code."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from lossweep.channels import content
from lossweep.channels.channel import CHANNELS
from lossweep.channels.content import files_hash, folder_hash
from lossweep.endpoints import endpoint as endpoint_module
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.code import CODES
from lossweep.experiments.cell import Cell, digest
from lossweep.experiments.inspection import Inspection
from lossweep.experiments.metrics.metric import METRICS
from lossweep.experiments.scenario import Scenario
from lossweep.sim import stream

LIBRARIES = (
    "av",
    "numpy",
    "onnxruntime",
    "pydantic",
    "scipy",
    "simpy",
    "torch",
    "torchvision",
    "transformers",
    "zfec",
)
CODEC_LIBRARIES = ("libx264", "libx265", "libSvtAv1Enc", "libdav1d", "libopus")
HERE = Path(__file__).parent
ROW_MODULES = (
    "call_params.py",
    "calls.py",
    "cell.py",
    "columns.py",
    "column_table.py",
    "e_model.py",
    "evaluator.py",
    "parts.py",
    "result.py",
    "scores.py",
)
"""Modules of this package that have a part in a row; the others only run, store and show."""


@dataclass(frozen=True)
class Print:
    """What a stored row was made by.

    Attributes:
        base: hash of all that determines the row but the metrics.
        metrics: metric to hash of its options, weights and code.
    """

    base: str
    metrics: Mapping[str, str]


class Fingerprint:
    """What determines the rows of a sweep.

    Args:
        scenario: its metrics.
        inspection: weights of metrics and endpoints.
        device, threads: that networks run on.
    Attributes:
        parts: name to value of what all rows have in common, for messages and the manifest.
    """

    def __init__(self, scenario: Scenario, inspection: Inspection, device: str, threads: int) -> None:
        self.parts = {
            "lossweep's code": sources_hash(),
            "versions": json.dumps(versions()),
            "device": device,
            "threads per worker": str(threads),
        }
        self._weights = inspection.weights
        self._prints: dict[tuple[str, tuple[str, ...]], Print] = {}
        self.metrics = {
            metric.name: _hash(
                [
                    metric.model_dump(),
                    inspection.metrics[metric.name].weights_sha256,
                    METRICS.plugin_hash(metric.name),
                ]
            )
            for metric in scenario.metrics
            if metric.name in inspection.metrics
        }

    def of(self, cell: Cell) -> Print:
        """What determines the row of a cell."""
        names = (cell.endpoint_name, cell.code.name, *(member.name for member in cell.channel.members()))
        key = (digest(cell.endpoint), names)
        if key not in self._prints:
            self._prints[key] = self._print(cell)
        return self._prints[key]

    def _print(self, cell: Cell) -> Print:
        plugins = (
            ENDPOINTS.plugin_hash(cell.endpoint_name),
            CODES.plugin_hash(cell.code.name),
            *(CHANNELS.plugin_hash(member.name) for member in cell.channel.members()),
        )
        weights = self._weights.get(digest(cell.endpoint), {})
        return Print(_hash([self.parts, dict(weights), plugins]), self.metrics)


@lru_cache(maxsize=1)
def sources_hash() -> str:
    """One hash of lossweep's modules that determine a row."""
    packages = (
        Path(content.__file__).parent,
        Path(stream.__file__).parent,
        Path(endpoint_module.__file__).parent,
        HERE / "metrics",
        HERE / "clips",
    )
    modules = files_hash([HERE / name for name in ROW_MODULES])
    return _hash([*(folder_hash(package) for package in packages), modules])


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Versions of Python, the libraries, and the codec libraries that PyAV carries (by their file names)."""
    found = {"python": platform.python_version(), "lossweep": _version("lossweep")}
    for name in LIBRARIES:
        found[name] = _version(name)
    carried = [Path(str(file)).name for file in metadata.files("av") or []]
    for name in CODEC_LIBRARIES:
        found[name] = next((file for file in carried if file.startswith(f"{name}-")), "of the system")
    return found


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _hash(value: object) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=12).hexdigest()
