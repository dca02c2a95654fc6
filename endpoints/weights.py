"""Networks and tables of numbers on disk: float16 safetensors, read and written here and nowhere else."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import WeightsError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from torch import Tensor, nn

    Network = TypeVar("Network", bound=nn.Module)

TRAINER = "lossweep.experiments.training.face.train"
SCALE = ".scale"
"""What follows the name of an int8 table in that of its scales."""


def save(
    path: Path,
    state: Mapping[str, Tensor],
    sizes: DataclassInstance | None = None,
    tables: Sequence[str] = (),
) -> None:
    """Writes weights as float16; `sizes`, where they are given, stand as JSON in the header.

    Args:
        tables: names of large embedding tables that are written as int8 with one float16 scale per row.
    """
    from safetensors.torch import save_file

    metadata = {"config": json.dumps(asdict(sizes))} if sizes is not None else None
    stored = {name: value.detach().half().contiguous().cpu() for name, value in state.items()}
    for name in tables:
        table = state[name].detach().float().cpu()
        scale = (table.abs().amax(1, keepdim=True) / 127).clamp(min=1e-8).half()
        stored[name] = (table / scale.float()).round().clamp(-127, 127).char().contiguous()
        stored[name + SCALE] = scale
    save_file(stored, path, metadata)


def load(path: Path, what: str, network: Network, trainer: str = TRAINER) -> Network:
    """Fills a network with the weights of a file, as float32, and sets it to evaluation.

    Args:
        what: the network's name, as it is given to its trainer.
        trainer: what follows `python -m`.
    Raises:
        WeightsError: the file is missing or broken.
    """
    _, arrays = _read(path, what, trainer)
    return _filled(network, arrays, path, what)


def load_checkpoint(path: Path) -> Any:
    """What `torch.save` wrote: tensors in plain containers. Nothing in the file is executed.

    Raises:
        WeightsError: it cannot be read, or holds anything else.
    """
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror})") from None
    except Exception:
        raise WeightsError(f"{path} is damaged, or holds more than tensors, which is not read") from None


def load_configured(
    path: Path,
    what: str,
    make: Callable[[dict[str, Any]], Network],
    device: str = "cpu",
    trainer: str = TRAINER,
) -> Network:
    """The network of a file whose header has its sizes, in float32, ready to use; otherwise as `load`.

    Args:
        make: the network of the sizes in the header.
    """
    metadata, arrays = _read(path, what, trainer)
    try:
        network = make(json.loads(metadata["config"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(what, path, error) from None
    return _filled(network, arrays, path, what).to(device)


def save_arrays(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Writes arrays as they are, in their own types."""
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, path)


def load_arrays(path: Path, what: str, trainer: str = TRAINER) -> dict[str, NDArray[np.float32]]:
    """The arrays of a file, as float32.

    Raises:
        WeightsError: the file is missing or broken.
    """
    _, arrays = _read(path, what, trainer)
    return {name: value.astype(np.float32) for name, value in arrays.items()}


def sha256(*paths: Path) -> dict[str, str]:
    """Name of each file -> SHA-256 of its bytes.

    Raises:
        WeightsError: a file is missing.
    """
    try:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    except FileNotFoundError as error:
        raise WeightsError(f"{error.filename} is missing; reinstall lossweep") from None


def _read(path: Path, what: str, trainer: str) -> tuple[dict[str, str], dict[str, NDArray[np.generic]]]:
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        data = " --data DIR" if trainer == TRAINER else ""
        raise WeightsError(
            f"{what}: {path} is missing; reinstall lossweep, or train it: python -m {trainer} {what}{data}"
        )
    try:
        with safe_open(path, "np") as stored:
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            return stored.metadata() or {}, _unscaled(arrays)
    except (SafetensorError, OSError) as error:
        raise _broken(what, path, error) from None


def _unscaled(arrays: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    """Tables of int8 multiplied by their scales; all else as it is."""
    scales = {name for name in arrays if name.endswith(SCALE) and name.removesuffix(SCALE) in arrays}
    return {
        name: value * arrays[name + SCALE].astype(np.float32) if name + SCALE in scales else value
        for name, value in arrays.items()
        if name not in scales
    }


def _filled(network: Network, arrays: Mapping[str, NDArray[np.generic]], path: Path, what: str) -> Network:
    import torch

    try:
        network.load_state_dict({name: torch.from_numpy(v.copy()).float() for name, v in arrays.items()})
    except (RuntimeError, TypeError) as error:
        raise _broken(what, path, error) from None
    return network.eval()


def _broken(what: str, path: Path, error: Exception) -> WeightsError:
    return WeightsError(f"{what}: {path} is broken ({str(error).splitlines()[0]}); reinstall it")
