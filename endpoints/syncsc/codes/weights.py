"""Networks of the packet codes on disk: half-precision safetensors with the sizes in the header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossweep.channels.errors import WeightsError

if TYPE_CHECKING:
    from torch import nn

SHIPPED = Path(__file__).parent.parent / "model"


def save(path: Path, network: nn.Module, config: Any) -> None:
    """Writes a network's weights as float16, with its sizes (a dataclass)."""
    import torch
    from safetensors.torch import save_file

    state = {k: v.detach().cpu().to(torch.float16).contiguous() for k, v in network.state_dict().items()}
    save_file(state, path, {"config": json.dumps(asdict(config))})


def load(path: Path, make: Callable[[dict[str, Any]], nn.Module], device: str = "cpu") -> nn.Module:
    """The network of a file, in float32, ready to use.

    Args:
        make: the network of the sizes in the header.
    Raises:
        WeightsError: the file is missing or broken.
    """
    if not path.exists():
        raise WeightsError(
            f"packet code: {path} is missing; it ships with lossweep, reinstall or train again"
        )
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as stored:
            network = make(json.loads(stored.metadata()["config"]))
            network.load_state_dict({name: stored.get_tensor(name).float() for name in stored.keys()})  # noqa: SIM118
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"packet code: {path} is broken ({str(error).splitlines()[0]}); train again"
        ) from None
    return network.to(device).eval()


def digests(*names: str) -> dict[str, str]:
    """SHA-256 of the shipped files of these names, as `weights` says them."""
    return {name: hashlib.sha256((SHIPPED / name).read_bytes()).hexdigest() for name in names}
