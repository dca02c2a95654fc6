"""Trains the text models: `python -m lossweep.experiments.training.text.train --data DIR`.

DIR holds transcripts (.txt). Weights, counts, vocabulary, Huffman code and card are written; a training resumes.
"""

from __future__ import annotations

import argparse
import copy
import sys
from pathlib import Path

from lossweep.channels.errors import LossweepError
from lossweep.endpoints.text import huffman
from lossweep.endpoints.text import ngram_counts as counts
from lossweep.endpoints.text.ngram_counts import CHEMISTRY, Grams
from lossweep.endpoints.text.vocabulary import build
from lossweep.experiments.training.text.corpus import Corpus, Lecture, read_corpus
from lossweep.experiments.training.trainer import TrainConfig

LAYERS = 4
POSITIONS = 120


def main(argv: list[str] | None = None) -> int:
    """Trains; resumes where it was interrupted. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lossweep.experiments.training.text.train", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of transcripts (.txt)")
    parser.add_argument("--out", type=Path, default=Path("build/textpc"), help="weights, card and checkpoint")
    parser.add_argument("--cpu-minutes", type=float, default=60.0, help="CPU time of all threads and runs")
    parser.add_argument("--start", type=Path, help="folder of a BERT (default: all-MiniLM-L6-v2)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    try:
        _train(args)
    except LossweepError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _train(args: argparse.Namespace) -> None:
    import torch

    from lossweep.endpoints.text.minilm import minilm_folder
    from lossweep.endpoints.text.ngram_features import NgramFeatures
    from lossweep.endpoints.text.pretrained import initialize_from
    from lossweep.endpoints.text.weights import save
    from lossweep.experiments.training.text.card import write_card
    from lossweep.experiments.training.text.dataset import Texts
    from lossweep.experiments.training.text.textpc import train

    config = TrainConfig(
        args.data,
        args.data,
        args.out,
        args.out / "checkpoint.pt",
        args.cpu_minutes,
        args.device,
        args.threads,
        args.seed,
    )
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    corpus = read_corpus(config.data)
    config.out.mkdir(parents=True, exist_ok=True)
    vocabulary = build((x.words for x in corpus.general), (x.words for x in corpus.chemistry))
    general, chemistry, validation = (
        [vocabulary.encode(x.words) for x in part]
        for part in (corpus.general, corpus.chemistry, corpus.validation)
    )
    grams = count_ngrams([ids for ids, _ in general], [ids for ids, _ in chemistry])
    counts.save(config.out / counts.FILE, grams)
    train_huffman(corpus).save(config.out / huffman.FILE.name)
    network = initialize_from(args.start or minilm_folder(), vocabulary, LAYERS, POSITIONS)

    def saved(average: dict[str, torch.Tensor]) -> None:
        kept = copy.deepcopy(network)
        kept.load_state_dict(average)
        save(config.out, kept, vocabulary)

    trained, history = train(
        config,
        network,
        NgramFeatures(grams, vocabulary.frequency),
        Texts(general, POSITIONS, counted=True, chemistry=False),
        Texts(chemistry, POSITIONS, counted=True, chemistry=True),
        Texts(validation, POSITIONS, counted=False, chemistry=False),
        saved,
    )
    write_card(config, trained, history, corpus, network, args.start.name if args.start else "")
    print(f"written to {config.out}: weights, counts, vocabulary, Huffman code, card")


def count_ngrams(general: list, chemistry: list) -> dict[str, Grams]:
    """N-grams of all lectures (lists of word ids), and pairs and triples of the chemistry lectures alone."""
    grams = counts.count([*general, *chemistry])
    own = counts.count(chemistry)
    return {**grams, **{CHEMISTRY + kind: own[kind] for kind in ("pairs", "triples")}}


def train_huffman(corpus: Corpus) -> huffman.Huffman:
    """A Huffman code trained on the training lectures."""
    lectures: tuple[Lecture, ...] = (*corpus.general, *corpus.chemistry)
    return huffman.train(word for x in lectures for word in x.words)


if __name__ == "__main__":
    sys.exit(main())
