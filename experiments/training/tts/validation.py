"""Validation of a synthesizer in training: its weights are written and judged on what is held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from lossweep.endpoints.weights import save
from lossweep.experiments.training.trainer import TrainConfig

N = TypeVar("N", bound=nn.Module)


def validation(
    config: TrainConfig,
    name: str,
    make: Callable[[], N],
    kept: Mapping[str, tuple],
    figures_of: Callable[[N, tuple], Mapping[str, float]],
) -> Callable[[dict[str, Tensor]], str]:
    """Writes weights as NAME.safetensors into `config.out`, and says in one line how good they are.

    Args:
        make: the untrained network.
        kept: a held-out batch by kind of speech.
        figures_of: what is reported of a network and a batch.
    """

    @torch.inference_mode()
    def validate(weights: dict[str, Tensor]) -> str:
        save(config.out / f"{name}.safetensors", weights)
        judge = make().to(config.device).eval()
        judge.load_state_dict(weights)
        shown = {kind: figures_of(judge, batch) for kind, batch in kept.items()}
        return "; ".join(
            f"{kind} " + ", ".join(f"{figure} {value:.3f}" for figure, value in figures.items())
            for kind, figures in shown.items()
        )

    return validate
