"""TextPC on disk: half-precision safetensors with the sizes in the header, and a vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lossweep.channels.errors import WeightsError
from lossweep.endpoints import weights
from lossweep.endpoints.text import huffman
from lossweep.endpoints.text import ngram_counts as counts
from lossweep.endpoints.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from lossweep.endpoints.text.network import TextNetwork

TRAINER = "lossweep.experiments.training.text.train"
SHIPPED = Path(__file__).parent / "model"
NETWORK_FILE = "textpc.safetensors"
VOCABULARY_FILE = "vocabulary.json.gz"
WORDS = "word.weight"
FILES = (NETWORK_FILE, VOCABULARY_FILE, counts.FILE, huffman.FILE.name)
"""What training writes, and both ends of the text stream read."""


def save(folder: Path, network: TextNetwork, vocabulary: Vocabulary) -> None:
    """Writes network (float16; its table of words int8) and vocabulary into `folder`."""
    weights.save(folder / NETWORK_FILE, network.state_dict(), network.config, tables=[WORDS])
    vocabulary.save(folder / VOCABULARY_FILE)


def load(folder: Path = SHIPPED, device: str = "cpu") -> tuple[TextNetwork, Vocabulary]:
    """The network, in float32 and ready to fill, and its vocabulary. No network connection is used.

    Raises:
        WeightsError: a file is missing or broken, naming it, or the two do not belong together.
    """
    from lossweep.endpoints.text.network import NetworkConfig, TextNetwork

    path = folder / NETWORK_FILE
    network = weights.load_configured(
        path, "textpc", lambda sizes: TextNetwork(NetworkConfig(**sizes)), device, trainer=TRAINER
    )
    vocabulary = Vocabulary.load(folder / VOCABULARY_FILE)
    if network.config.vocabulary != len(vocabulary):
        raise WeightsError(f"textpc: {path} and {VOCABULARY_FILE} beside it are not of one training")
    return network, vocabulary
