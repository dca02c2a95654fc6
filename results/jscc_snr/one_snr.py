"""What a network for one SNR gains over the network for all: `python results/jscc_snr/one_snr.py --labels FOLDER`.

The codec of single pictures goes on training at one SNR, at two bandwidth ratios; both are measured there on clips
that validate. Writes one_snr.csv beside itself. FOLDER is what
`python -m lossweep.experiments.training.jscc.sequences` wrote.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lossweep.endpoints.jscc.key_frame_network import KeyFrameNetwork
from lossweep.endpoints.jscc.key_frames import MODEL
from lossweep.endpoints.weights import load
from lossweep.experiments.training.jscc.key_frames import BATCH, SMALLEST_ERROR, psnr, symbols, transmit
from lossweep.experiments.training.jscc.sequences import CROP, Sequences
from lossweep.experiments.training.trainer import TrainConfig, fit

HERE = Path(__file__).parent
SNRS_DB = (0.0, 10.0)
SENT = {"1/32": 12, "1/16": 24}
RATE = 2e-4


def shipped() -> KeyFrameNetwork:
    """The network for all SNR."""
    return load(MODEL / "key_frames.safetensors", "key-frames", KeyFrameNetwork())


def trained(snr_db: float, sequences: Sequences, config: TrainConfig) -> tuple[KeyFrameNetwork, int]:
    """The network after training on at one SNR, and the steps."""
    network = shipped().train().requires_grad_(True).to(memory_format=torch.channels_last)

    def loss(rng: np.random.Generator, used: float) -> tuple[Tensor, Mapping[str, float]]:
        pictures = sequences.batch(rng, BATCH, 1)[:, 0].contiguous(memory_format=torch.channels_last)
        k = symbols(int(rng.choice(list(SENT.values()))), CROP, CROP)
        shown = transmit(network, pictures, torch.full((BATCH,), snr_db), k, rng)
        error = (shown - pictures).square().mean((1, 2, 3))
        db = -10 * torch.log10(error / 4 + SMALLEST_ERROR).mean()
        return -db, {"PSNR": float(db.detach())}

    done = fit(config, network, RATE, loss, lambda average: "")
    network.load_state_dict(done.average)
    return network.eval(), done.step


def main() -> None:
    """Trains and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--cpu-minutes", type=float, default=8.0, help="of each network")
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    args = parser.parse_args()
    torch.set_num_threads(2)
    sequences, rows = Sequences.load(args.labels), []
    natural, faces = sequences.held_out(1)
    for snr_db in SNRS_DB:
        checkpoint = args.checkpoints / f"one_snr_{snr_db:g}.pt"
        config = TrainConfig(args.labels, args.labels, HERE, checkpoint, args.cpu_minutes, threads=2, seed=5)
        network, steps = trained(snr_db, sequences, config)
        for kind, pictures in (("natural", natural[:, 0]), ("faces", faces[:, 0])):
            for ratio, sent in SENT.items():
                everywhere, here = (psnr(net, pictures[:24], snr_db, sent) for net in (shipped(), network))
                rows.append(
                    {
                        "snr_db": snr_db,
                        "pictures": kind,
                        "rho": ratio,
                        "psnr_all_snr": round(everywhere, 3),
                        "psnr_one_snr": round(here, 3),
                        "steps": steps,
                        "cpu_minutes": args.cpu_minutes,
                    }
                )
    table = pd.DataFrame(rows)
    table.to_csv(HERE / "one_snr.csv", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
