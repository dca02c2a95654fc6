"""How far lpips_student agrees with LPIPS, and the card that says so."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lossweep.experiments.metrics.student.network import Student, cell_distances
from lossweep.experiments.metrics.student.pairs import GROUP, HELD_OUT_PEOPLE, KINDS, PAIRS

if TYPE_CHECKING:
    from lossweep.experiments.metrics.student.kept import Pairs

Agreement = tuple[float, float, int]
"""Pearson correlation, mean absolute error, number of pairs."""


@torch.inference_mode()
def agreement(model: Student, data: Pairs, limit: int | None = None) -> dict[str, Agreement]:
    """Agreement with LPIPS squeeze on a split.

    For "all" pairs, those "against clean" (one of the two a clean frame), those with "both distorted", and
    each kind (against the clean frame of its moment).

    Args:
        data: the split.
        limit: at most this many groups, spread evenly; None for all.
    """
    device = next(model.parameters()).device
    count = len(data.pictures)
    groups = np.arange(count) if limit is None else np.linspace(0, count - 1, min(limit, count)).astype(int)
    first, second = map(np.array, zip(*PAIRS, strict=True))
    found = []
    for group in groups:
        cells = cell_distances(model.maps(torch.from_numpy(data.pictures[group]).to(device)), GROUP)
        found.append(cells.mean(dim=(1, 2))[0].cpu().numpy()[first, second])
    found, wanted = np.array(found), data.cells[groups].mean(axis=(2, 3))
    kinds = data.kinds[groups]
    clean = np.broadcast_to(first == 0, found.shape)
    table = {
        "all": _agreement(found, wanted),
        "against clean": _agreement(found[clean], wanted[clean]),
        "both distorted": _agreement(found[~clean], wanted[~clean]),
    }
    for kind in KINDS[1:]:
        chosen = clean & (kinds[:, second] == KINDS.index(kind))
        if chosen.sum() > 2:
            table[kind] = _agreement(found[chosen], wanted[chosen])
    return table


def _agreement(found: np.ndarray, wanted: np.ndarray) -> Agreement:
    pearson = np.corrcoef(found.ravel(), wanted.ravel())[0, 1]
    return float(pearson), float(np.abs(found - wanted).mean()), int(found.size)


def write_card(
    file: Path,
    table: dict[str, Agreement],
    state: dict[str, Any],
    training: Pairs,
    held_out: Pairs,
    device: str,
) -> None:
    """Writes the model card.

    Args:
        table: `agreement` of the stored weights on people held out.
        state: of the training: "step", "seconds", and "unseen", the agreement on the kinds that the first
            phase had not seen, at its end.
    """
    pairs = len(PAIRS)
    lines = [
        "# lpips_student",
        "",
        "A small network distilled from LPIPS squeeze (package lpips 0.1, net squeeze). It is not LPIPS: its",
        "scores stand under its own name. Written by `lossweep.experiments.metrics.student.train`.",
        "",
        f"* Network: {sum(p.numel() for p in Student().parameters()):,} parameters, stored as float16.",
        "* Data: the talking-face clips of the project's data folder (`clips/manifest.csv`; the footage is",
        "  not redistributed) and the built-in clip `portrait`; distortions by H.264, H.265 and AV1 at many",
        "  rates and GOPs, lost and truncated frames, freezes at all lags, copied macroblocks, grey, blur,",
        "  blocks, rescaling, colour, noise and warps; pairs of a clean and a distorted picture and of two",
        "  distorted ones.",
        f"* Training: {len(training.pictures) * GROUP:,} pictures, {len(training.pictures) * pairs:,} pairs;",
        f"  {state['step']} steps in {state['seconds'] / 60:.0f} minutes on {device} ({platform.machine()}).",
        f"* Held out: {HELD_OUT_PEOPLE} people, {len(held_out.pictures) * GROUP:,} pictures,",
        f"  {len(held_out.pictures) * pairs:,} pairs; none of their clips is in the training data.",
        "",
        "## Agreement with LPIPS squeeze on people held out",
        "",
        "| pairs | Pearson | mean absolute error | number |",
        "|---|---|---|---|",
        *_rows(table),
        "",
        "Kinds are against the clean frame of that moment.",
        "",
        "## Kinds of distortion held out",
        "",
        "At the end of the first phase of training, which had seen no pair with any of these kinds; people",
        "held out as well. (The second phase, and so the stored weights, saw all kinds.)",
        "",
        "| kind | Pearson | mean absolute error | number |",
        "|---|---|---|---|",
        *_rows(state["unseen"]),
        "",
    ]
    file.write_text("\n".join(lines))


def _rows(table: dict[str, Agreement]) -> list[str]:
    return [f"| {name} | {r:.4f} | {error:.4f} | {count} |" for name, (r, error, count) in table.items()]
