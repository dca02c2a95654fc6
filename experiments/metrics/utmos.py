"""UTMOS: naturalness without a reference; the user supplies code and weights."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.alignment import align_speech
from lossweep.experiments.metrics.metric import ClipMetric, MetricAbsent

WEIGHTS = "utmos22_strong_step7459_v1.pt"


class Utmos(ClipMetric):
    """Predicted mean opinion score, about 1 to 5, without a reference, by UTMOS22 (strong learner).

    The network is that of torch hub's `tarepan/SpeechMOS`, taken from torch's hub folder (`TORCH_HOME`); nothing is
    downloaded. Speech in which nothing sounds has none (nan).

    Raises:
        MetricAbsent: its code or its weights are not there.
    Source: Saeki et al. 2022; github.com/tarepan/SpeechMOS.
    """

    name = "utmos"
    higher_is_better = True
    label = "UTMOS"
    needs = "speech"
    columns = ("utmos",)

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        hub = Path(os.environ.get("TORCH_HOME", "~/.cache/torch")).expanduser() / "hub"
        code = max(hub.glob("tarepan_SpeechMOS_*"), default=None)
        weights = hub / "checkpoints" / WEIGHTS
        if code is None or not weights.exists():
            missing = f"tarepan_SpeechMOS_v1.2.0 in {hub}" if code is None else str(weights)
            raise MetricAbsent(
                f"utmos: {missing} is missing; where there is a network, get it with torch.hub.load("
                '"tarepan/SpeechMOS:v1.2.0", "utmos22_strong") and set TORCH_HOME to the folder that holds hub/'
            )
        import torch  # takes seconds, which `lossweep check` has not

        self.weights_sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        self._predict = torch.hub.load(str(code), "utmos22_strong", source="local").to(device).eval()

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`."""
        _, received = align_speech(reference, playback)
        if not received.any():
            return {"utmos": float("nan")}
        import torch

        with torch.inference_mode():
            speech = torch.from_numpy(received)[None].to(self.device)
            return {"utmos": float(self._predict(speech, SPEECH_RATE))}
