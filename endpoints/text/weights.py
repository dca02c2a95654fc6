"""TextPC on disk: half-precision safetensors with the sizes in the header, and a vocabulary."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.text import huffman
from lossweep.endpoints.text import ngram_counts as counts
from lossweep.endpoints.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from lossweep.endpoints.text.network import TextNetwork

SHIPPED = Path(__file__).parent / "model"
NETWORK_FILE = "textpc.safetensors"
VOCABULARY_FILE = "vocabulary.json.gz"
FILES = (NETWORK_FILE, VOCABULARY_FILE, counts.FILE, huffman.FILE.name)
"""What training writes, and both ends of the text stream read."""


def save(folder: Path, network: TextNetwork, vocabulary: Vocabulary) -> None:
    """Writes network (float16) and vocabulary into `folder`."""
    import torch
    from safetensors.torch import save_file

    state = {
        name: tensor.detach().to(torch.float16).contiguous() for name, tensor in network.state_dict().items()
    }
    save_file(state, folder / NETWORK_FILE, {"config": json.dumps(asdict(network.config))})
    vocabulary.save(folder / VOCABULARY_FILE)


def load(folder: Path = SHIPPED, device: str = "cpu") -> tuple[TextNetwork, Vocabulary]:
    """The network, in float32 and ready to fill, and its vocabulary. No network connection is used.

    Raises:
        WeightsError: a file is missing or broken, naming it, or the two do not belong together.
    """
    path = folder / NETWORK_FILE
    if not path.exists():
        raise WeightsError(f"text model: {path} is missing; it ships with lossweep, reinstall or train again")
    from safetensors import SafetensorError, safe_open

    from lossweep.endpoints.text.network import NetworkConfig, TextNetwork

    vocabulary = Vocabulary.load(folder / VOCABULARY_FILE)
    try:
        with safe_open(path, "pt") as stored:
            network = TextNetwork(NetworkConfig(**json.loads(stored.metadata()["config"])))
            state = {name: stored.get_tensor(name).float() for name in stored.keys()}  # noqa: SIM118
        network.load_state_dict(state, assign=True)
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"text model: {path} is broken ({str(error).splitlines()[0]}); train again"
        ) from None
    if network.config.vocabulary != len(vocabulary):
        raise WeightsError(f"text model: {path} and {VOCABULARY_FILE} beside it are not of one training")
    return network.to(device).eval(), vocabulary
