"""Whether the voice is the same: cosine of speaker embeddings, by Resemblyzer's weights."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.alignment import align_speech
from lossweep.experiments.metrics.content_cache import content_hash, get_or_make
from lossweep.experiments.metrics.mel import mel_power
from lossweep.experiments.metrics.metric import ClipMetric, MetricAbsent

WEIGHTS = "pretrained.pt"
WINDOW, HOP, BANDS = 400, 160, 40
UNITS, LAYERS = 256, 3
PART = 160
"""Frames, 1.6 s, of which an embedding is computed; an utterance's is the mean."""
STEP = 77
"""Frames between two parts: 1.3 parts a second."""
COVERED = 0.75
"""The last part counts where at least this share of it is speech."""
LOUD = 10 ** (-30 / 20)
"""Root mean square to which quieter speech is raised."""
KEPT = 4096


class SpeakerSimilarity(ClipMetric):
    """Cosine of the speaker embeddings of clip and received speech, in [0, 1]; 1 is the same voice.

    Of two recordings of one person it is about 0.87 to 0.92, of two persons 0.69 to 0.80. The embedding is GE2E's with
    the weights of the package Resemblyzer, computed here: the package's own code needs a compiler to be installed.
    Pauses are not cut. Speech in which nothing sounds has none (nan).

    Raises:
        MetricAbsent: the package, and with it the weights, is not installed.
    Source: Wan et al. 2018 (GE2E); Resemblyzer 0.1.4, `VoiceEncoder.embed_utterance`.
    """

    name = "speaker_similarity"
    higher_is_better = True
    label = "speaker similarity"
    needs = "speech"
    columns = ("speaker_similarity",)

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        package = find_spec("resemblyzer")
        path = Path(package.origin).parent / WEIGHTS if package and package.origin else None
        if path is None or not path.is_file():
            raise MetricAbsent(
                "speaker_similarity: the package Resemblyzer, which carries the weights, is not installed; "
                "pip install --no-deps Resemblyzer"
            )
        self.weights_sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self._network = _Encoder(path, device)
        self._known: LRUCache[bytes, NDArray[np.float64]] = LRUCache(KEPT)

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`."""
        voices = align_speech(reference, playback)
        if not all(speech.any() for speech in voices):
            return {"speaker_similarity": float("nan")}
        one, other = (
            get_or_make(self._known, content_hash(speech), lambda s=speech: self._network.embedding(s))
            for speech in voices
        )
        return {"speaker_similarity": float(np.clip(one @ other, 0, 1))}

    def forget(self) -> None:
        """Drops the embeddings that are kept."""
        self._known.clear()


class _Encoder:
    """An LSTM of three layers over mel power, then a linear layer and a rectifier."""

    def __init__(self, path: Path, device: str) -> None:
        import torch

        state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        self._lstm = torch.nn.LSTM(BANDS, UNITS, LAYERS, batch_first=True)
        self._linear = torch.nn.Linear(UNITS, UNITS)
        for name, layer in (("lstm", self._lstm), ("linear", self._linear)):
            inner = {
                key.partition(".")[2]: value for key, value in state.items() if key.startswith(name + ".")
            }
            layer.load_state_dict(inner)
            layer.to(device)
        self._device = device

    def embedding(self, speech: NDArray[np.float32]) -> NDArray[np.float64]:
        """Speech float32 [samples], 16 kHz, that is not silent, to float64 [256] of length 1."""
        import torch

        level = float(np.sqrt(np.mean(np.square(speech, dtype=np.float64))))
        speech = speech * np.float32(max(1.0, LOUD / level))
        firsts = part_starts(len(speech))
        padded = np.pad(speech, (0, max(0, (firsts[-1] + PART) * HOP - len(speech))))
        mels = mel_power(padded, WINDOW, HOP, BANDS).astype(np.float32)
        parts = torch.from_numpy(np.stack([mels[first : first + PART] for first in firsts])).to(self._device)
        with torch.inference_mode():
            found = torch.relu(self._linear(self._lstm(parts)[1][0][-1]))
            mean = torch.nn.functional.normalize(found, dim=1).mean(0).double().cpu().numpy()
        return mean / max(float(np.linalg.norm(mean)), 1e-12)


def part_starts(samples: int) -> list[int]:
    """First mel frames of the parts of an utterance; there is always one."""
    frames = -(-(samples + 1) // HOP)
    firsts = list(range(0, max(1, frames - PART + STEP + 1), STEP))
    covered = (samples / HOP - firsts[-1]) / PART
    return firsts[:-1] if covered < COVERED and len(firsts) > 1 else firsts
