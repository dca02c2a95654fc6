"""How long a scenario will take, from what earlier sweeps took; no cell is tried."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.experiments.cell import name_of, needed_side
from lossweep.experiments.clip_facts import Facts, facts_of
from lossweep.experiments.metrics.metric import METRICS
from lossweep.experiments.scenario import Scenario
from lossweep.experiments.timings import PIXELS, recall

STAGES = ("clip", "encode", "simulate", "decode")
TYPICAL: Mapping[str, float] = {
    "clip": 0.02,
    "encode": 0.15,
    "simulate": 0.001,
    "decode": 0.02,
    "psnr": 0.01,
    "ssim": 0.05,
    "ms_ssim": 0.2,
    "lpips": 1.8,
    "vmaf": 0.015,
    "bleu": 0.015,
    "semantic_similarity": 0.01,
    "word_recovery": 0.001,
    "coefficients": 0.001,
    "pesq": 0.05,
    "stoi": 0.01,
    "mcd": 0.02,
    "mel_similarity": 0.01,
    "dnsmos": 1.3,
}
"""Processor seconds per cell and second of clip: H.264 (256 x 256, 25 frames per second), Opus, text and SyncSC, two
cells of 2 s each, nothing reused, on one core of a virtual machine. A sweep reuses much of it, so this is too long."""
OTHER_S = 0.05
"""Of stages that were not measured."""
TYPICAL_PIXELS_PER_S = 25 * 256 * 256
"""Of the clips that these were measured on."""
UNKNOWN_CLIP = Facts(frozenset({"video"}), 10.0, width=640, height=360)


def estimate(scenario: Scenario) -> tuple[float, str]:
    """Estimates the time of a sweep on one core; what works on pictures takes time in proportion to their pixels.

    Returns:
        Seconds, and what they come from.
    """
    known = recall()
    cells_per_way = len(list(scenario.cells())) / (len(scenario.ways()) * len(scenario.clip))
    facts = [facts_of(clip) or UNKNOWN_CLIP for clip in scenario.clip]
    media_s = cells_per_way * sum(one.seconds for one in facts)
    pixels_per_s = fmean(one.pixels_per_s for one in facts)
    scaled = {"clip", "encode", "decode"} | {m.name for m in scenario.metrics if _of_pictures(m.name)}
    total, measured, asked = 0.0, 0, 0
    for endpoint, _ in scenario.ways():
        name = name_of(endpoint)
        of_pictures = ENDPOINTS.get(name).sends in ("video", "several") and needed_side(endpoint) is None
        for stage in (*STAGES, *(metric.name for metric in scenario.metrics)):
            asked += 1
            key = f"{name} {stage}"
            measured += key in known
            before = (
                known.get(f"{name} {PIXELS}", TYPICAL_PIXELS_PER_S) if key in known else TYPICAL_PIXELS_PER_S
            )
            times = pixels_per_s / before if of_pictures and stage in scaled and before else 1.0
            total += media_s * times * known.get(key, TYPICAL.get(stage, OTHER_S))
    basis = (
        "times of earlier sweeps here"
        if measured > asked / 2
        else "typical times; a first run makes this better"
    )
    return total, basis


def _of_pictures(metric: str) -> bool:
    return getattr(METRICS.get(metric), "needs", "video") == "video"
