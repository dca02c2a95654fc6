"""Weights of the networks under LPIPS: SqueezeNet 1.1 ships, the others are torchvision's files."""

from __future__ import annotations

import hashlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.weights import load_checkpoint
from lossweep.experiments.metrics.metric import MetricAbsent

if TYPE_CHECKING:
    import torch

SHIPPED = Path(__file__).parent / "squeezenet1_1.safetensors"
CHECKPOINTS = {"alex": "alexnet-owt-7be5be79.pth", "vgg": "vgg16-397923af.pth"}
"""Files of torchvision; the part after the last dash is the start of their SHA-256."""
NETS = ("squeeze", *CHECKPOINTS)


@dataclass(frozen=True)
class Weights:
    """A file with a network's weights.

    Attributes:
        file: where it is.
        sha256: of its content.
        tensors: name ("features.0.weight") -> float32 tensor.
    """

    file: Path
    sha256: str
    tensors: dict[str, torch.Tensor]


def checkpoint_folders() -> list[Path]:
    """Folders where torchvision's files are looked for: torch's own, then `$LOSSWEEP_DATA/torch_home`."""
    import torch

    homes = [Path(torch.hub.get_dir())]
    if "LOSSWEEP_DATA" in os.environ:
        homes.append(Path(os.environ["LOSSWEEP_DATA"]) / "torch_home" / "hub")
    return [home / "checkpoints" for home in homes]


def read_weights(net: str) -> Weights:
    """The weights of a network. Reading a file runs no code from it; nothing is downloaded.

    Args:
        net: one of NETS.
    Raises:
        ValueError: unknown net.
        MetricAbsent: the file is missing, is not the published one, or cannot be read.
    """
    check_net(net)
    return _read_shipped(SHIPPED) if net == "squeeze" else _read_checkpoint(CHECKPOINTS[net])


def check_net(net: str) -> None:
    """Refuses an unknown network.

    Raises:
        ValueError: naming the known ones.
    """
    if net not in NETS:
        raise ValueError(f"lpips: net must be one of {', '.join(NETS)}, not {net!r}")


def _read_shipped(file: Path) -> Weights:
    from safetensors.torch import load

    try:
        data = file.read_bytes()
        tensors = {name: tensor.float() for name, tensor in load(data).items()}
    except Exception as error:
        why = " ".join(str(error).split())[:200]
        raise MetricAbsent(f"lpips: {file} cannot be read ({why}); install lossweep again") from None
    return Weights(file, hashlib.sha256(data).hexdigest(), tensors)


def _read_checkpoint(name: str) -> Weights:

    url = f"https://download.pytorch.org/models/{name}"
    folders = checkpoint_folders()
    file = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if file is None:
        raise MetricAbsent(
            f"lpips: no {name} in {' or '.join(map(str, folders))}; get it from {url}, "
            "or use net: squeeze, which needs no file"
        )
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    start = file.stem.rpartition("-")[2]
    if not digest.startswith(start):
        raise MetricAbsent(
            f"lpips: {file} has SHA-256 {digest[:8]}..., not {start}...; get it again from {url}"
        )
    try:
        tensors = load_checkpoint(file)
    except WeightsError as error:
        raise MetricAbsent(f"lpips: {error}; get it again from {url}") from None
    return Weights(file, digest, tensors)


def load_model(net: str, weights: Weights) -> torch.nn.Module:
    """The package's LPIPS model, version 0.1, with these weights in its backbone.

    Raises:
        MetricAbsent: the weights do not fit the network.
    """
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchvision's, of how the package calls it
        model = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    # the package keeps layer "features.3" as "slice2.3"
    names = {name: f"features.{name.partition('.')[2]}" for name in model.net.state_dict()}
    try:
        model.net.load_state_dict({name: weights.tensors[source] for name, source in names.items()})
    except (KeyError, RuntimeError) as error:
        why = " ".join(str(error).split())[:200]
        raise MetricAbsent(f"lpips: {weights.file} does not fit {net} ({why}); get it again") from None
    return model.requires_grad_(False)
