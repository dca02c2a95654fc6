"""Networks on disk: float16 safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from torch import Tensor, nn

from lossweep.channels.errors import WeightsError

Network = TypeVar("Network", bound=nn.Module)
TRAINER = "lossweep.experiments.training.face.train"


def save(path: Path, state: dict[str, Tensor]) -> None:
    """Writes weights as float16."""
    from safetensors.torch import save_file

    save_file({name: value.half().contiguous().cpu() for name, value in state.items()}, path)


def load(path: Path, what: str, network: Network, trainer: str = TRAINER) -> Network:
    """Fills a network with the weights of a file, as float32.

    Args:
        what: the network's name, as it is given to its trainer.
        trainer: what follows `python -m`.
    Raises:
        WeightsError: the file is missing or broken.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.exists():
        raise WeightsError(
            f"{what}: {path} is missing; reinstall lossweep, or train it: python -m {trainer} {what}"
            f"{' --data DIR' if trainer == TRAINER else ''}"
        )
    try:
        network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    except (SafetensorError, RuntimeError) as error:
        raise WeightsError(f"{what}: {path} is broken ({str(error).splitlines()[0]}); reinstall it") from None
    return network.eval()
