"""What adapting DeepWiVe's allocation could gain: `python results/jscc_snr/allocations.py --labels FOLDER`.

Each held-out group is sent with some allocations at a few SNRs. Writes allocations.csv beside itself: per kind of clip
and SNR the mean PSNR of the uniform allocation, of the best fixed one, and of the one that is best for each group;
and that of the network's choice. The best for each group is chosen with the noise that it is measured with: a bound.
FOLDER is what `python -m lossweep.experiments.training.jscc.sequences` wrote.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lossweep.endpoints.jscc.allocation import UNIFORM, allocations, best, number_of
from lossweep.endpoints.jscc.deepwive_coder import allocator, interpolation
from lossweep.endpoints.jscc.key_frames import key_frame_network
from lossweep.experiments.training.jscc.allocation import Link
from lossweep.experiments.training.jscc.sequences import SPAN, Sequences

HERE = Path(__file__).parent
TRIED = (
    UNIFORM,
    (8, 4, 4, 4),
    (8, 6, 3, 3),
    (11, 3, 3, 3),
    (11, 4, 4, 1),
    (11, 5, 2, 2),
    (12, 6, 1, 1),
    (14, 2, 2, 2),
    (14, 4, 1, 1),
    (17, 1, 1, 1),
)
"""Chunks of the key frame and of frames 2, 1 and 3."""
SNRS_DB = (-5.0, 5.0, 15.0)
RHO = 1 / 32


@torch.inference_mode()
def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--groups", type=int, default=9, help="of each kind")
    args = parser.parse_args()
    networks = key_frame_network("cpu"), interpolation("cpu")
    rows = []
    for kind, sequences in zip(("natural", "faces"), Sequences.load(args.labels).held_out(SPAN), strict=True):
        for snr_db in SNRS_DB:
            found, chosen = [], []
            for frames in sequences[: args.groups]:
                link = Link(*networks, frames[None], snr_db, RHO, np.random.default_rng(7))
                found.append([link.psnr(number_of(one), move=False) for one in TRIED])
                number = best(allocator("cpu").values(link.state(), link.sender.snr_db), link.fits)
                chosen.append(link.psnr(number, move=False))
            table = np.array(found)
            fixed = int(table.mean(0).argmax())
            rows.append(
                {
                    "clips": kind,
                    "snr_db": snr_db,
                    "groups": len(table),
                    "uniform": table[:, 0].mean(),
                    "best_fixed": table[:, fixed].mean(),
                    "best_fixed_chunks": " ".join(map(str, allocations()[number_of(TRIED[fixed])])),
                    "best_of_each_group": table.max(1).mean(),
                    "chosen": np.mean(chosen),
                }
            )
            print(rows[-1], flush=True)
    pd.DataFrame(rows).round(3).to_csv(HERE / "allocations.csv", index=False)


if __name__ == "__main__":
    main()
