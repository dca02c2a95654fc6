"""`python -m endpoints.text.train --data DIR`: trains the text models and writes their weights and card."""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

import numpy as np

from endpoints.clip import ClipError
from endpoints.text import huffman, ngram
from endpoints.text.corpus import Corpus, Lecture, read_corpus
from endpoints.text.vocabulary import Vocabulary, build

LAYERS = 4
POSITIONS = 120


def main(argv: list[str] | None = None) -> int:
    """Trains; resumes where it was interrupted. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m endpoints.text.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of transcripts (.txt)")
    parser.add_argument("--out", type=Path, default=Path("build/textpc"), help="weights, card and checkpoint")
    parser.add_argument("--minutes", type=float, default=60.0, help="training time of the network")
    parser.add_argument("--start", type=Path, help="folder of a BERT (default: all-MiniLM-L6-v2)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    try:
        _train(args)
    except ClipError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _train(args: argparse.Namespace) -> None:
    import torch

    from endpoints.text.pretrained import minilm_folder, start_from
    from endpoints.text.training import Texts, train
    from endpoints.text.weights import save

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    corpus = read_corpus(args.data)
    args.out.mkdir(parents=True, exist_ok=True)
    vocabulary = vocabulary_of(corpus)
    network = start_from(args.start or minilm_folder(), vocabulary, LAYERS, POSITIONS)

    def texts(lectures: tuple[Lecture, ...]) -> Texts:
        parts = [vocabulary.encode(lecture.words) for lecture in lectures]
        ids, shapes = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Texts(ids.astype(np.int32), shapes.astype(np.int8))

    progress = train(
        network,
        texts(corpus.general),
        texts(corpus.chemistry),
        texts(corpus.validation),
        minutes=args.minutes,
        seed=args.seed,
        device=args.device,
        checkpoint=args.out / "checkpoint.pt",
        say=lambda line: print(line, flush=True),
    )
    save(args.out, network, vocabulary)
    training = (*corpus.general, *corpus.chemistry)
    huffman.train(word for x in training for word in x.words).save(args.out / huffman.FILE.name)
    ngram.count((vocabulary.encode(x.words)[0] for x in training), args.out / ngram.FILE)
    last = progress.history[-1]
    print(
        f"{progress.step} steps, {progress.words:,} words, {progress.seconds / 60:.1f} min on {args.device} "
        f"({platform.machine()}, {args.threads} threads); validation {last}; written to {args.out}"
    )


def vocabulary_of(corpus: Corpus) -> Vocabulary:
    """The vocabulary of the training lectures."""
    return build((x.words for x in corpus.general), (x.words for x in corpus.chemistry))


if __name__ == "__main__":
    sys.exit(main())
