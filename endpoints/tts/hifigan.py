"""Published HiFi-GAN vocoders, for users who have their weights."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from scipy.signal import resample_poly
from torch import Tensor

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.endpoints.tts.spectrum import BANDS, FFT, HOP, LEAST, WINDOW, add_batch
from lossweep.endpoints.weights import load_checkpoint, sha256

if TYPE_CHECKING:
    from transformers import SpeechT5HifiGan

SLOPE = 0.1
PATTERNS = ("generator*", "g_*")


class HifiGanConfig(BaseModel):
    """The keys of a checkpoint's published config.json that are read."""

    model_config = ConfigDict(frozen=True)
    num_mels: Literal[80]
    fmin: Literal[0]
    fmax: Literal[8000]
    sampling_rate: int
    hop_size: int
    win_size: int
    n_fft: int
    resblock: Literal["1"]
    upsample_rates: tuple[int, ...]
    upsample_kernel_sizes: tuple[int, ...]
    upsample_initial_channel: int
    resblock_kernel_sizes: tuple[int, ...]
    resblock_dilation_sizes: tuple[tuple[int, ...], ...]

    @model_validator(mode="after")
    def _makes_hops(self) -> HifiGanConfig:
        if math.prod(self.upsample_rates) != self.hop_size:
            raise ValueError(
                f"upsample_rates {list(self.upsample_rates)} do not multiply to hop_size {self.hop_size}"
            )
        return self


class HifiGan:
    """A published checkpoint as a vocoder; the pitch is not used.

    Checkpoints are mostly for 22.05 kHz and 256 samples per frame. Bands (80, Slaney's, 0 to 8 kHz) and logarithm are
    the same as here. The spectrogram is interpolated in time to the checkpoint's frames; a constant gain compensates
    for the different window and FFT size (-0.001 for the published ones); and the sound is resampled to 16 kHz.

    Source: Kong et al. 2020, and its reference implementation (jik876/hifi-gan).
    """

    label = "hifigan"

    def __init__(
        self, generator: SpeechT5HifiGan, config: HifiGanConfig, files: tuple[Path, ...] = ()
    ) -> None:
        self.generator, self.config, self._files = generator.eval(), config, files

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> HifiGan:
        """The checkpoint of a folder with `config.json` and `generator_v1`, `g_02500000` or similar.

        Raises:
            WeightsError: one of them is missing or broken, or made for other spectrograms.
        """
        config = _config(folder / "config.json")
        found = sorted(path for name in PATTERNS for path in folder.glob(name) if path.is_file())
        if len(found) != 1:
            raise WeightsError(
                f"{folder} has {len(found) or 'no'} HiFi-GAN checkpoints ({' or '.join(PATTERNS)}); "
                "keep one there, beside its config.json"
            )
        generator = build_generator(config)
        try:
            state = load_checkpoint(found[0])["generator"]
            generator.load_state_dict(rename_parameters(state))
        except (
            LookupError,
            TypeError,
            RuntimeError,
            ValueError,
        ) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise WeightsError(
                f"{found[0]} is not a generator for the config.json beside it ({why}); fetch both again"
            ) from None
        return cls(generator.to(device), config, (found[0], folder / "config.json"))

    @torch.inference_mode()
    def wave(self, mel: Tensor, pitch_hz: Tensor) -> Tensor:
        """See `vocoder.HarmonicVocoder.wave`."""
        mels, _ = add_batch(mel, pitch_hz)
        rate, samples = self.config.sampling_rate, mel.shape[-1] * HOP
        device = next(self.generator.parameters()).device
        sound = self.generator(convert_mel(mels, self.config).to(device).mT).cpu().numpy()
        common = math.gcd(SPEECH_RATE, rate)
        speech = resample_poly(sound, SPEECH_RATE // common, rate // common, axis=-1)[:, :samples]
        speech = torch.from_numpy(np.ascontiguousarray(speech, np.float32)).clamp(-1, 1)
        return speech.reshape(*mel.shape[:-2], -1).to(mel.device)

    def weights(self) -> dict[str, str]:
        """See `vocoder.HarmonicVocoder.weights`."""
        return sha256(*self._files)


def build_generator(config: HifiGanConfig) -> SpeechT5HifiGan:
    """An untrained generator with a checkpoint's sizes; the network of `resblock` 1 is in transformers."""
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    sizes = SpeechT5HifiGanConfig(
        model_in_dim=BANDS,
        sampling_rate=config.sampling_rate,
        upsample_initial_channel=config.upsample_initial_channel,
        upsample_rates=list(config.upsample_rates),
        upsample_kernel_sizes=list(config.upsample_kernel_sizes),
        resblock_kernel_sizes=list(config.resblock_kernel_sizes),
        resblock_dilation_sizes=[list(one) for one in config.resblock_dilation_sizes],
        leaky_relu_slope=SLOPE,
        normalize_before=False,
    )
    return SpeechT5HifiGan(sizes)


def rename_parameters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Published parameters with the names of transformers, without weight normalization; see `fold_weight_norm`."""
    mean = {"mean": torch.zeros(BANDS), "scale": torch.ones(BANDS)}
    return mean | {
        re.sub(r"^ups\.", "upsampler.", name): value for name, value in fold_weight_norm(state).items()
    }


def fold_weight_norm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Published parameters with each pair `weight_g`, `weight_v` replaced by the `weight` it defines."""
    out = {name: value for name, value in state.items() if not name.endswith(("_g", "_v"))}
    for name, direction in state.items():
        if name.endswith("weight_v"):
            length = direction.norm(dim=tuple(range(1, direction.ndim)), keepdim=True)
            out[name.removesuffix("_v")] = direction * (state[name.removesuffix("v") + "g"] / length)
    return out


def convert_mel(mel: Tensor, config: HifiGanConfig) -> Tensor:
    """Our spectrogram [batch, 80, frames] converted to the checkpoint's frame rate and scale."""
    rate, hop = config.sampling_rate, config.hop_size
    frames = -(-mel.shape[-1] * HOP * rate // (SPEECH_RATE * hop))
    at = (torch.arange(frames, device=mel.device) + 0.5) * (hop * SPEECH_RATE / (rate * HOP)) - 0.5
    at = at.clamp(0, mel.shape[-1] - 1)
    below = at.floor().long().clamp(max=max(mel.shape[-1] - 2, 0))
    above = (below + 1).clamp(max=mel.shape[-1] - 1)
    moved = torch.lerp(mel[..., below], mel[..., above], (at - below).to(mel.dtype))
    louder = config.win_size / WINDOW
    fewer_bins = (SPEECH_RATE / FFT) / (rate / config.n_fft)
    return (moved + math.log(louder * fewer_bins)).clamp(min=math.log(LEAST))


def _config(path: Path) -> HifiGanConfig:
    """The checkpoint's configuration.

    Raises:
        WeightsError: it is missing or broken, or its spectrograms are not ours.
    """
    try:
        return HifiGanConfig.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError:
        raise WeightsError(
            f"{path} is missing; a HiFi-GAN folder holds config.json beside the checkpoint"
        ) from None
    except ValidationError as error:
        problems = "; ".join(
            ".".join(map(str, one["loc"])) + f" {one['msg']}".removesuffix(".") for one in error.errors()
        )
        raise WeightsError(
            f"{path}: {problems.strip()}; choose a checkpoint for 80 bands from 0 to 8 kHz, with its config.json"
        ) from None
