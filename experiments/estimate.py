"""How long a scenario will take, from what earlier sweeps took; no cell is tried."""

from __future__ import annotations

from collections.abc import Mapping

from lossweep.experiments.clip_facts import facts_of
from lossweep.experiments.scenario import Scenario
from lossweep.experiments.timings import recall

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
UNKNOWN_CLIP_S = 10.0


def estimate(scenario: Scenario) -> tuple[float, str]:
    """Estimates the time of a sweep on one core.

    Returns:
        Seconds, and what they come from.
    """
    known = recall()
    cells_per_way = len(list(scenario.cells())) / (len(scenario.ways()) * len(scenario.clip))
    facts = [facts_of(clip) for clip in scenario.clip]
    media_s = cells_per_way * sum(one.seconds if one is not None else UNKNOWN_CLIP_S for one in facts)
    total, measured, asked = 0.0, 0, 0
    for endpoint, _ in scenario.ways():
        name = endpoint.name  # type: ignore[attr-defined]
        for stage in (*STAGES, *(metric.name for metric in scenario.metrics)):
            asked += 1
            measured += f"{name} {stage}" in known
            total += media_s * known.get(f"{name} {stage}", TYPICAL.get(stage, OTHER_S))
    basis = (
        "times of earlier sweeps here"
        if measured > asked / 2
        else "typical times; a first run makes this better"
    )
    return total, basis
