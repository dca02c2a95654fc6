"""Training of the vocoder: reconstruction of speech from its mel spectrogram and pitch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.signal import resample_poly
from torch import Tensor

from lossweep.endpoints.tts.harmonic_network import ROUNDS, HarmonicNetwork, excite, shape
from lossweep.endpoints.tts.spectral_consistency import refine_to_mel
from lossweep.endpoints.tts.spectrum import HOP, mel
from lossweep.endpoints.tts.vocoder import SHIPPED
from lossweep.endpoints.weights import save
from lossweep.experiments.training.model_card import ModelCard, Table, training_of
from lossweep.experiments.training.trainer import TrainConfig, Trained, fit
from lossweep.experiments.training.tts.corpus import Corpus, Utterance

BATCH = 8
FRAMES = 100
RATE = 2e-3
REAL = 0.6
"""Share of real speech."""
BLURRED = 0.4
"""Share of mel spectrograms that are degraded like those of a synthesizer."""
SIZES = (128, 256, 512, 1024, 2048)
FAINT = 3e-3
MEL_WEIGHT = 1.0
HELD_OUT_FRAMES = 400


def train(config: TrainConfig) -> None:
    """Trains for `config.cpu_minutes` in all, resuming from `config.checkpoint`; writes weights and card."""

    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    corpus = Corpus.load(config.labels)
    network = HarmonicNetwork().to(config.device)
    spoken = [u for u in corpus.utterances if not u.held_out and u.samples >= 2 * FRAMES * HOP]
    kinds = [[u for u in spoken if u.kind == kind] for kind in ("espeak", "real")]
    lengths = [np.array([u.samples for u in kind], float) for kind in kinds]
    noise = torch.Generator().manual_seed(config.seed)

    def one(rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        kind = int(rng.random() < REAL) if all(kinds) else int(bool(kinds[1]))
        chosen = rng.choice(len(kinds[kind]), p=lengths[kind] / lengths[kind].sum())
        return draw_segment(corpus, kinds[kind][chosen], rng)

    def loss(rng: np.random.Generator, done: float) -> tuple[Tensor, Mapping[str, float]]:
        speech, pitch = (
            torch.from_numpy(np.stack(p)).to(config.device)
            for p in zip(*(one(rng) for _ in range(BATCH)), strict=True)
        )
        wanted = mel(speech)
        seen, degraded_pitch = degrade(wanted, pitch, rng)
        filters = network(seen, degraded_pitch)
        starts = torch.from_numpy(rng.random((2, BATCH))).to(config.device)
        shaped = (
            shape(filters.pulses, filters.noise, excite(degraded_pitch, noise, start)) for start in starts
        )
        first, second = (refine_to_mel(speech, seen, filters.trust, ROUNDS) for speech in shaped)
        near = (spectral_distance(first, speech) + spectral_distance(second, speech)) / 2
        apart = spectral_distance(first, second)
        bands = (mel(first) - wanted).abs().mean()
        whole = near - apart / 2 + MEL_WEIGHT * bands
        figures = {"near": near, "apart": apart, "mel": bands, "trust": filters.trust.mean()}
        return whole, {name: value.detach() for name, value in figures.items()}

    def unseen(average: dict[str, Tensor]) -> Validation:
        return validate(average, corpus, config.device)

    trained = fit(config, network, RATE, loss, lambda average: str(unseen(average)))
    finish(config, trained, unseen(trained.average))


class Validation(dict[str, float]):
    """Kind of speech -> mel L1 distance, natural logarithm, on speakers held out."""

    def __str__(self) -> str:
        return ", ".join(f"{kind} mel {value:.4f}" for kind, value in self.items())


def draw_segment(corpus: Corpus, u: Utterance, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """One second of an utterance at a random speed and level, float32 [16000], and its pitch [100]."""
    up = int(rng.integers(17, 25))
    frames = -(-FRAMES * up // 20) + 1
    first = int(rng.integers(0, u.samples // HOP - frames + 1))
    speech = corpus.speech_of(u)[first * HOP : (first + frames) * HOP]
    pitch = corpus.pitch_of(u)[first : first + frames]
    speech = resample_poly(speech, 20, up)[: FRAMES * HOP] * np.exp(rng.uniform(-1.2, 0.7))
    at = (np.arange(FRAMES) + 0.5) * up / 20 - 0.5
    below = np.floor(at).astype(int)
    low, high = pitch[below], pitch[below + 1]
    share = np.where(low * high > 0, at - below, np.round(at - below))
    return speech.astype(np.float32), ((low * (1 - share) + high * share) * up / 20).astype(np.float32)


def degrade(mel: Tensor, pitch: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Mel spectrograms and pitch, some of them smoothed, with noise and pitch errors, like those of a synthesizer."""
    mel, pitch = mel.cpu().numpy().copy(), pitch.cpu().numpy().copy()
    for i in range(len(mel)):
        if rng.random() < BLURRED:
            mel[i] = gaussian_filter(mel[i], rng.uniform(0, (1.2, 1.5)))
            rough = gaussian_filter(rng.standard_normal(mel[i].shape), (2, 2))
            mel[i] += rng.uniform(0, 0.25) * rough / rough.std()
            bent = gaussian_filter(rng.standard_normal(pitch.shape[1]), 6)
            pitch[i] *= np.exp(rng.uniform(0, 0.006) * bent / bent.std())
    return torch.from_numpy(mel), torch.from_numpy(pitch)


def spectral_distance(one: Tensor, other: Tensor) -> Tensor:
    """Spectral distance over windows of 8 to 128 ms, of amplitudes and of their logarithms.

    Twice the distance to the original less that between two random outputs is minimal when the outputs have the
    distribution of the original.

    Source: Gritsenko et al. 2020 (spectral energy distance).
    """
    total = one.new_zeros(())
    for size in SIZES:
        a, b = (amplitudes(sound, size) for sound in (one, other))
        total = total + ((a + FAINT).log() - (b + FAINT).log()).abs().mean()
        total = total + (a - b).abs().mean() / b.detach().mean().clamp(min=FAINT)
    return total / len(SIZES)


def amplitudes(sound: Tensor, size: int) -> Tensor:
    """Amplitude spectrum, [batch, bins, frames], hop of a quarter window; 1 for noise of unit power."""
    window = torch.hann_window(size, device=sound.device)
    spectrum = torch.stft(sound, size, size // 4, size, window / window.norm(), return_complex=True)
    return spectrum.abs()


@torch.no_grad()
def validate(average: dict[str, Tensor], corpus: Corpus, device: str) -> Validation:
    """Error of the output's mel spectrum, at most 4 s of each utterance held out."""
    network = HarmonicNetwork().to(device).eval()
    network.load_state_dict(average)
    found: dict[str, list[float]] = {}
    for u in [u for u in corpus.utterances if u.held_out]:
        if len(found.setdefault(u.kind, [])) == 24:
            continue
        samples = min(u.samples, HELD_OUT_FRAMES * HOP)
        speech = torch.from_numpy(corpus.speech_of(u)[:samples])[None].to(device)
        pitch = torch.from_numpy(corpus.pitch_of(u)[: samples // HOP])[None].to(device)
        wanted = mel(speech)
        made = network.wave(wanted, pitch, excite(pitch, torch.Generator().manual_seed(1)))
        found[u.kind].append(float((mel(made) - wanted).abs().mean()))
    return Validation({kind: float(np.mean(values)) for kind, values in found.items()})


def finish(config: TrainConfig, trained: Trained, unseen: dict[str, float]) -> None:
    """Writes float16 weights and card into `config.out`; `unseen` is the last validation."""
    path = config.out / SHIPPED.name
    save(path, trained.average)
    count = sum(p.numel() for p in HarmonicNetwork().parameters())
    ModelCard(
        title="Vocoder",
        files=[path.name],
        summary=[
            f"From 80 mel bands and the pitch, 100 frames per second, to speech at 16 kHz: {count:,} parameters, "
            f"{path.stat().st_size / 1e6:.1f} MB as float16.",
            "Pulses at the pitch and noise, each through a minimum-phase filter that the network predicts every 10 ms "
            "(`harmonic_network.py`); then spectral-consistency refinement (`spectral_consistency.py`).",
        ],
        data=[
            "The corpus of `python -m lossweep.experiments.training.tts.prepare`: 40 % synthetic speech "
            "(libespeak-ng), 60 % people in the clips whose person is in training; at random speed (0.85 to "
            "1.2), some spectrograms degraded."
        ],
        command="python -m lossweep.experiments.training.tts.train vocoder",
        training=training_of(config, trained),
        tables=[
            Table(
                "Mel spectrum of the output against the given one, mean absolute difference of natural logarithms, "
                "held-out speakers:",
                [*unseen],
                [[*unseen.values()]],
            )
        ],
    ).write(config.out, "vocoder")
