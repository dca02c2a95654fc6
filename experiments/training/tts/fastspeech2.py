"""Training of the baseline FastSpeech 2: `python -m lossweep.experiments.training.tts.train fastspeech2`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lossweep.endpoints.tts.fastspeech2_network import FastSpeech2Network
from lossweep.endpoints.weights import save
from lossweep.experiments.training.trainer import run
from lossweep.experiments.training.tts.corpus import Corpus
from lossweep.experiments.training.tts.dataset import Batches
from lossweep.experiments.training.tts.visual import BATCH, RATE, REAL, SYNTHETIC_ONLY, losses, on


def train(args: Namespace) -> None:
    """Trains and writes fastspeech2.safetensors; see `loop.run`."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    corpus = Corpus.load(args.labels)
    training, unseen = Batches(corpus, False), Batches(corpus, True)
    network = FastSpeech2Network().to(args.device)
    kept = {k: unseen.draw_sequences(np.random.default_rng(0), 16, float(k == "real")) for k in unseen.kinds}

    def judged(judge: FastSpeech2Network, drawn: tuple, teach: bool) -> tuple[Tensor, dict[str, float]]:
        given, lengths, target, true = on(args.device, drawn)
        mels, told, told_lengths = judge(given, lengths, true[:, :3] if teach else None)
        loss, shown = losses(mels, told, target, true)
        inner = lengths > 0
        inner[:, 0] = False  # it may have begun before the window
        off = ((told_lengths - lengths.clamp(min=1).log()).square() * inner).sum() / inner.sum()
        return loss + 0.1 * off, {**shown, "duration": off.item()}

    def loss_of(rng: np.random.Generator, done: float) -> tuple[Tensor, Mapping[str, float]]:
        real = REAL if done > SYNTHETIC_ONLY else 0.0
        return judged(network, training.draw_sequences(rng, BATCH, real), teach=True)

    @torch.inference_mode()
    def validate(average: dict[str, Tensor]) -> str:
        save(args.out / "fastspeech2.safetensors", average)
        judge = FastSpeech2Network().to(args.device).eval()
        judge.load_state_dict(average)
        return "; ".join(
            kind
            + " "
            + ", ".join(f"{name} {value:.3f}" for name, value in judged(judge, one, False)[1].items())
            for kind, one in kept.items()
        )

    trained = run(args, network, RATE, loss_of, validate)
    print(f"{trained.step} steps, {trained.seconds / 60:.1f} min; {validate(trained.average)}")
