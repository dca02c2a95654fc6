"""What made a result: the scenario, the versions, the commit, the hashes."""

from __future__ import annotations

import hashlib
import logging
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from lossweep.endpoints.clip import Clip, ClipError
from lossweep.endpoints.codecs.video.encode import content_hash
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.tts.synthesizer import SYNTHESIZERS
from lossweep.experiments.evaluator import Bench, says_words
from lossweep.experiments.scenario import Scenario

LIBRARIES = (
    "lossweep",
    "av",
    "lpips",
    "numpy",
    "pandas",
    "pydantic",
    "scipy",
    "simpy",
    "torch",
    "torchvision",
    "zfec",
)
CODEC_LIBRARIES = ("libx264", "libx265", "libSvtAv1Enc", "libdav1d", "libopus")
_log = logging.getLogger(__name__)


def versions() -> dict[str, str]:
    """Versions of Python, the libraries, and the codec libraries that PyAV carries (by their file names)."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        found[name] = metadata.version(name)
    carried = [Path(str(file)).name for file in metadata.files("av") or []]
    for name in CODEC_LIBRARIES:
        found[name] = next((file for file in carried if file.startswith(f"{name}-")), "of the system")
    return found


def git_commit() -> str:
    """The commit of the code, with "+changes" where the tree differs from it; "" outside a checkout."""
    folder = Path(__file__).parent
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True)
        changes = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=folder,
            capture_output=True,
            text=True,
        )
    except OSError:
        return ""
    return commit.stdout.strip() + ("+changes" if changes.stdout.strip() else "")


def clips_of(scenario: Scenario, bench: Bench) -> dict[str, dict[str, Any]]:
    """What each clip holds, and hashes of its content, by name.

    Raises:
        ClipError: a clip that cannot be read, or has the name of another one.
    """
    clips: dict[str, dict[str, Any]] = {}
    spoken = any(says_words(cell["endpoint"]) for cell in scenario.cells())
    for params in {str(c["clip"]): c["clip"] for c in scenario.cells()}.values():
        clip = bench.clip(params, spoken)
        if len(scenario.clip) > 1 and clip.name in clips:
            raise ClipError(f"two clips are called {clip.name}, also {params['source']}; rename one of them")
        for note in clip.notes:
            _log.warning("clip %s: %s", clip.name, note)
        clips[clip.name] = {
            "frames": len(clip.video) if clip.video is not None else 0,
            "fps": clip.fps,
            "words": len(clip.words or ()),
            "words_from": clip.source,
            "notes": list(clip.notes),
            "video_hash": content_hash(clip.video) if clip.video is not None else "",
            "speech_hash": content_hash([clip.speech]) if clip.speech is not None else "",
            "words_hash": _hash_of_words(clip) if clip.words else "",
        }
    return clips


def manifest(
    scenario: Scenario, bench: Bench, clips: dict[str, dict[str, Any]], extra: dict[str, Any]
) -> dict[str, Any]:
    """The content of `manifest.json`.

    Args:
        bench: its metrics tell labels, directions and weights.
        clips: as `clips_of` gives them.
        extra: further keys (device, wall_s, ...).
    """
    return {
        "scenario_name": scenario.name,
        "scenario": shown(scenario),
        "seeds": {"scenario": scenario.seed, "repetitions": scenario.repetitions},
        "versions": versions(),
        "git_commit": git_commit(),
        "clips": clips,
        "metrics": {name: _metric(metric) for name, metric in bench.metrics.items()},
        "weights": weights(scenario, bench),
        "absent": bench.absent,
        **extra,
    }


def shown(scenario: Scenario) -> dict[str, Any]:
    """The scenario as data, clip paths reduced to their names, so that no machine's paths are published."""
    data = scenario.model_dump()
    for clip in data["clip"]:
        clip |= {key: Path(clip[key]).name for key in ("source", "recognizer") if key in clip}
    for endpoint in data["endpoint"]:
        if endpoint.get("voice"):
            endpoint["voice"]["vocoder"] = Path(endpoint["voice"]["vocoder"]).name
    return data


def _hash_of_words(clip: Clip) -> str:
    return hashlib.blake2b(repr(clip.words).encode(), digest_size=16).hexdigest()


def _metric(metric: Any) -> dict[str, Any]:
    columns = list(getattr(metric, "columns", (metric.name,)))
    if getattr(metric, "undecodable_score", None) is not None:
        columns.append(f"{metric.name}_paper")
    opposite = list(getattr(metric, "opposite", ()))
    said = {"label": metric.label, "higher_is_better": metric.higher_is_better, "columns": columns}
    return said | ({"opposite": opposite} if opposite else {})


def weights(scenario: Scenario, bench: Bench) -> dict[str, str]:
    """SHA-256 of the weights that metrics and endpoints read, by metric and by file."""
    hashes = {name: getattr(metric, "weights_sha256", "") for name, metric in bench.metrics.items()}
    endpoints = [cell["endpoint"] for cell in scenario.cells()]
    parts = [
        (key, part) for endpoint in endpoints for key, part in endpoint.items() if isinstance(part, dict)
    ]
    readers = {("endpoint", endpoint["name"]) for endpoint in endpoints}
    readers |= {("voice" if key == "voice" else "endpoint", part["name"]) for key, part in parts}
    for kind, name in sorted(readers):
        known = SYNTHESIZERS if kind == "voice" else ENDPOINTS
        hashes |= getattr(known.get(name), "weights", dict)()
    return {name: value for name, value in hashes.items() if value}
