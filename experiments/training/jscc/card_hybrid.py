"""Measures hybrid JSCC and writes the card of its network.

    python -m lossweep.experiments.training.jscc.card_hybrid --data DIR --labels FOLDER --checkpoint FILE

DIR holds testclips/kodak; FOLDER is what `sequences` wrote; FILE is the checkpoint of the training `restoration`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from lossweep.endpoints.jscc.hybrid_coder import SIDE_SYMBOLS, estimate, send
from lossweep.endpoints.jscc.key_frames import MODEL, TRAINER
from lossweep.endpoints.jscc.restoration_network import RestorationNetwork
from lossweep.endpoints.weights import load
from lossweep.experiments.training.jscc.card import DEEPJSCC, KODAK_SNRS, SNRS, WITT
from lossweep.experiments.training.jscc.cost import PASSES, millions, milliseconds
from lossweep.experiments.training.jscc.restoration import gain, pixels
from lossweep.experiments.training.jscc.sequences import LENGTH, Sequences
from lossweep.experiments.training.model_card import Cell, ModelCard, Table

GROUPS = 16


def main(argv: list[str] | None = None) -> None:
    """Writes the card."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("--data", "--labels", "--checkpoint"):
        parser.add_argument(name, type=Path, required=True)
    args = parser.parse_args(argv)
    torch.set_num_threads(2)
    network = load(MODEL / "restoration.safetensors", "restoration", RestorationNetwork(), TRAINER)
    network = network.to(memory_format=torch.channels_last)
    sequences = Sequences.load(args.labels)
    kept = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    kodak = [
        np.asarray(Image.open(path).convert("RGB"))[None]
        for path in sorted((args.data / "testclips" / "kodak").glob("*.png"))
    ]
    card = ModelCard(
        title="Weights of hybrid JSCC",
        files=("restoration.safetensors",),
        summary=(
            "`hybrid-jscc`: the receiver's network, which restores pictures after a linear analog code. Network: "
            "`endpoints/jscc/restoration_network.py`; one model for all SNR, bandwidth ratios and lengths of a group.",
            "The linear code is `endpoints/jscc/hybrid_coder.py`: a 3-D DCT as in SoftCast, gains of least mean "
            "squared error at the SNR, and a model of the spectrum in place of a variance for each chunk.",
        ),
        data=(
            f"Natural clips ({len(sequences.natural)} train, {len(sequences.natural_held_out)} validate) and talking "
            f"heads ({len(sequences.faces)} clips train, {len(sequences.faces_held_out)} of other people validate), "
            f"groups of {LENGTH} pictures, crops of 128 x 128; no footage is in the package. Kodak is used for "
            "measuring alone.",
        ),
        command="python -m lossweep.experiments.training.jscc.train restoration --labels FOLDER",
        training={"steps": kept["step"], "CPU seconds": round(kept["cpu_seconds"])},
        tables=(
            Table(
                f"Groups of {LENGTH} pictures of 256 x 256 at bandwidth ratio 1/32, held-out clips; PSNR in dB over "
                "AWGN, and in brackets that of the linear estimate",
                ("pictures", *(f"{snr} dB" for snr in SNRS)),
                [
                    [name, *(_both(network, pixels(x[:GROUPS]), snr, 1 / 32) for snr in SNRS)]
                    for name, x in zip(("natural", "faces"), sequences.held_out(LENGTH), strict=True)
                ],
            ),
            Table(
                "Kodak, 24 pictures, each a group of its own, bandwidth ratio 1/16, PSNR in dB over AWGN, and in "
                "brackets that of the linear estimate; others read off the figures of Yang et al. 2023, within "
                "0.15 dB",
                ("codec", *(f"{snr} dB" for snr in KODAK_SNRS)),
                [
                    ["hybrid JSCC", *(_kodak(network, kodak, snr) for snr in KODAK_SNRS)],
                    ["DeepJSCC", *DEEPJSCC],
                    ["WITT", *WITT],
                ],
            ),
            Table(
                f"Cost for 256 x 256 on 2 threads of a shared machine, median of {PASSES} passes over a group of "
                f"{LENGTH}, per picture",
                ("part", "parameters, M", "ms"),
                _cost(network),
            ),
        ),
        limits=(
            "The network saw AWGN alone and groups of 8 pictures alone.",
            "Motion is left to the transform in time: pictures that move far keep less of their energy in the "
            "coefficients that are sent.",
        ),
    )
    card.write(MODEL, "hybrid")


def _both(network: RestorationNetwork, groups: NDArray[np.uint8], snr_db: float, ratio: float) -> str:
    """PSNR after restoration, and of the linear estimate; the side information counts."""
    before, after = gain(network, groups, snr_db, ratio - SIDE_SYMBOLS / groups[0].size)
    return f"{after:.1f} ({before:.1f})"


def _kodak(network: RestorationNetwork, pictures: list[NDArray[np.uint8]], snr_db: float) -> str:
    ratio = 1 / 16 - SIDE_SYMBOLS / pictures[0].size
    found = [gain(network, one[None], snr_db, ratio) for one in pictures]
    before, after = np.mean(found, 0)
    return f"{after:.1f} ({before:.1f})"


@torch.inference_mode()
def _cost(network: RestorationNetwork) -> list[list[Cell]]:
    group = np.random.default_rng(0).integers(0, 256, (LENGTH, 256, 256, 3)).astype(np.uint8)
    k = group.size // 32
    symbols, side = send(group, 5.0, k)
    noise, pictures, errors = np.full(k, 0.3), torch.zeros(1, LENGTH, 3, 256, 256), torch.ones(1, 2)
    return [
        ["sender", "", milliseconds(send, group, 5.0, k) / LENGTH],
        [
            "linear estimate",
            "",
            milliseconds(estimate, symbols, noise, side, *group.shape[:3]) / LENGTH,
        ],
        ["restoration", millions(network), milliseconds(network, pictures, errors) / LENGTH],
    ]


if __name__ == "__main__":
    main()
