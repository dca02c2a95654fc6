"""DeepWiVe's part of the card: what it is, how good its interpolated frames and its allocations are, what it costs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lossweep.endpoints.jscc.allocation import HEADER, allocations, best
from lossweep.endpoints.jscc.deepwive_coder import Sender, allocator, interpolation
from lossweep.endpoints.jscc.interpolation_network import InterpolationNetwork
from lossweep.endpoints.jscc.key_frame_network import KeyFrameNetwork
from lossweep.experiments.training.jscc.allocation import Link, held_out_gain
from lossweep.experiments.training.jscc.cost import PASSES, millions, milliseconds
from lossweep.experiments.training.jscc.interpolation import held_out_psnr
from lossweep.experiments.training.model_card import Cell, Table

SNRS = (-5, 0, 5, 10, 15)
GROUPS = 16
SUMMARY = (
    "`deepwive`: after Tung and Gunduz, scaled down: 64, 96 and 160 features where the source has 256. Networks: "
    "`endpoints/jscc/interpolation_network.py`, `allocation.py`. Key frames are those of `flow-jscc`, with noise "
    "attention; the attention feature modules are in the interpolation. Blur of scale-space flow is a mean over 2 to "
    "16 pixels. The values of the 1771 allocations are sums of 4 x 21 outputs. The allocation is told in "
    f"{HEADER} symbols, which count.",
)


def tables(keys: KeyFrameNetwork, natural: Tensor, faces: Tensor) -> tuple[Table, ...]:
    """The tables.

    Args:
        natural, faces: sequences that validate, [n, SPAN, 3, height, width].
    """
    networks, choose = (keys, interpolation("cpu")), allocator("cpu")
    kinds = (("natural", natural[:GROUPS]), ("faces", faces[:GROUPS]))
    header = tuple(f"{snr} dB" for snr in SNRS)
    return (
        Table(
            "DeepWiVe, frame 2 of 4 at a quarter of a group's symbols (ratio 1/32), key frames likewise; PSNR in dB",
            ("pictures", *header),
            [[name, *(held_out_psnr(networks[1], keys, x, snr) for snr in SNRS)] for name, x in kinds],
        ),
        Table(
            "DeepWiVe, gain in dB of the chosen allocation over the uniform one, first groups, ratio 1/32",
            ("pictures", *header),
            [[name, *(held_out_gain(choose, networks, x, snr) for snr in SNRS)] for name, x in kinds],
        ),
        Table(
            "DeepWiVe, mean chunks of the key frame and of frames 2, 1 and 3",
            ("pictures", *header),
            [[name, *(_chunks(networks, x, snr) for snr in SNRS)] for name, x in kinds],
        ),
        Table(
            f"DeepWiVe, cost for 256 x 256 on 2 threads of a shared machine, median of {PASSES} passes",
            ("network", "parameters, M", "ms"),
            _cost(networks),
        ),
    )


@torch.inference_mode()
def _chunks(networks: tuple[KeyFrameNetwork, InterpolationNetwork], batch: Tensor, snr_db: float) -> str:
    found = []
    for frames in batch:
        link = Link(*networks, frames[None], snr_db, 1 / 32, np.random.default_rng(7))
        number = best(allocator("cpu").values(link.state(), link.sender.snr_db), link.fits)
        found.append(allocations()[number])
    return " ".join(f"{value:.1f}" for value in np.mean(found, 0))


@torch.inference_mode()
def _cost(networks: tuple[KeyFrameNetwork, InterpolationNetwork]) -> list[list[Cell]]:
    between, choose = interpolation("cpu"), allocator("cpu")
    picture, one = torch.zeros(1, 3, 256, 256), torch.ones(1)
    features = torch.zeros(1, 48 * 256)
    sender = Sender(networks[0], between, one)

    state = sender.state(picture, [picture] * 4)
    inputs = between.inputs(picture, picture, picture)
    return [
        ["interpolation, inputs of one frame", "", milliseconds(between.inputs, picture, picture, picture)],
        [
            "interpolation, encode",
            millions(between),
            milliseconds(between.encode, inputs, (picture, picture), one, one),
        ],
        [
            "interpolation, decode",
            "",
            milliseconds(between.decode, features, features, one, picture, picture),
        ],
        ["allocation of a group", millions(choose), milliseconds(choose, state, one)],
    ]
