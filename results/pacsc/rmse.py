"""Writes rmse.csv: `python results/pacsc/rmse.py --labels DIR`, RMSE of the coefficients and decoding time.

The built-in clip, tracked, and the held-out clips of DIR, which `lossweep.experiments.training.face.prepare` made of
$LOSSWEEP_DATA. Code rate 1/2, groups of 4, look-ahead of 8 frames, independent loss; all codes lose the same packets.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.session import FecParameters
from lossweep.endpoints.syncsc.codes.code import FaceCode
from lossweep.endpoints.syncsc.codes.family import face_code
from lossweep.endpoints.syncsc.endpoint import SyncSCEndpoint, SyncSCParams
from lossweep.endpoints.syncsc.face_model import FaceModel
from lossweep.experiments.clips import load_clips
from lossweep.experiments.training.codes.sequences import sequences
from lossweep.experiments.training.face.prepare import load

LOSSES = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
PATTERNS = 8


def measure(code: FaceCode, sent: Sequence[NDArray[np.float32]], loss_rate: float) -> tuple[float, float]:
    """RMSE in standard deviations over PATTERNS loss patterns, and CPU time to decode in ms per frame."""
    squares, seconds = 0.0, 0.0
    for clip in sent:
        blocks = code.encode(clip)
        for pattern in range(PATTERNS):
            lost = np.random.default_rng([pattern, len(clip)]).random((len(blocks), code.block.n)) < loss_rate
            rows = [
                [None if gone else row for row, gone in zip(*pair, strict=True)]
                for pair in zip(blocks, lost, strict=True)
            ]
            start = time.process_time()
            shown = code.decode(rows, clip[0]).coefficients[: len(clip)]
            seconds += time.process_time() - start
            squares += float(np.square(shown - clip, dtype=np.float64).sum())
    numbers = PATTERNS * sum(clip.size for clip in sent)
    return (squares / numbers) ** 0.5, 1000 * seconds / (numbers / 16)


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    (portrait,) = load_clips("portrait")
    clips = {
        "built-in": [SyncSCEndpoint(SyncSCParams(), NoCode()).encode(portrait).truth.semantics],
        "held out": sequences(load(args.labels), FaceModel.load(), held_out=True),
    }
    rows = []
    for name in ("rs", "pacsc", "pacsc-s"):
        code = face_code(FecParameters(name, (("code_rate", 0.5),)), group=4, look_ahead=8)
        for title, sent in clips.items():
            for loss in LOSSES:
                rmse, ms = measure(code, sent, loss)
                rows.append(
                    {"clips": title, "n": len(sent), "code": name, "loss_rate": loss, "rmse": rmse, "ms": ms}
                )
                print(rows[-1], flush=True)
    pd.DataFrame(rows).round(5).to_csv(Path(__file__).with_name("rmse.csv"), index=False)


if __name__ == "__main__":
    main()
