"""Whether pictures jump where another reference becomes the nearest: `python results/references/flicker.py CLIP ...`.

Differences are mean absolute ones of consecutive pictures, in grey levels of 255, of 4 s without loss. "at changes" is
over the pairs of frames between which the nearest of three references changes.
"""

import sys
from itertools import pairwise

import numpy as np
import torch

from lossweep.endpoints.syncsc import references
from lossweep.endpoints.syncsc.lazy_frames import RenderedFrames
from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.metrics.lpips.metric import Lpips
from lossweep.experiments.metrics.metric import Picture
from lossweep.experiments.scenario_file import read

WAYS = {"1 reference": (1, None), "3, the nearest alone": (3, 1e-9), "3, blended": (3, None)}
USUAL = references.BLEND


def main(clips: list[str]) -> None:
    """Prints means over the clips."""
    torch.set_num_threads(1)
    found = [flicker(clip) for clip in clips]
    print("| pictures | LPIPS | difference | at changes | largest at changes |\n|---|---|---|---|---|")
    for way in found[0]:
        lpips, *rest = np.nanmean([one[way] for one in found], axis=0)
        print(
            f"| {way} | {'' if way == 'original' else f'{lpips:.4f}'} | {' | '.join(f'{v:.1f}' for v in rest)} |"
        )


def flicker(source: str) -> dict[str, tuple[float, float, float, float]]:
    """LPIPS, mean difference, that at changes of the nearest reference and the largest there, by way."""
    evaluator, lpips = Evaluator([]), Lpips("cpu")
    shown, wanted, changes = {}, [], np.zeros(0, int)
    for way, (count, blend) in WAYS.items():
        references.BLEND = blend or USUAL
        options = [f"clip.source={source}", "endpoint.drawing=generator", f"endpoint.references={count}"]
        (cell,) = read("references", options).cells()
        clip, playback = evaluator.restore(cell)
        frames = playback.clip.video
        assert isinstance(frames, RenderedFrames)
        assert clip.video is not None
        wanted, shown[way] = list(clip.video), list(frames)[: len(clip.video)]
        changes = np.flatnonzero(np.diff(frames.shares[: len(wanted)].argmax(1)))
    rows = {}
    for way, pictures in {"original": wanted, **shown}.items():
        apart = np.array([np.abs(b.astype(float) - a).mean() for a, b in pairwise(pictures)])
        scores = lpips.scores(
            [(Picture.of(pictures[i]), Picture.of(wanted[i])) for i in range(0, len(wanted), 5)]
        )
        at = apart[changes] if len(changes) else np.array([np.nan])
        rows[way] = float(np.mean(scores)), float(apart.mean()), float(at.mean()), float(at.max())
    return rows


if __name__ == "__main__":
    main(sys.argv[1:])
