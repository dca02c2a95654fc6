"""Published HiFi-GAN vocoders, for users who have their weights."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from scipy.signal import resample_poly
from torch import Tensor, nn
from torch.nn import functional

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.endpoints.tts.spectrum import BANDS, FFT, HOP, LEAST, WINDOW
from lossweep.endpoints.tts.vocoder import batched

SLOPE = 0.1
NAMES = ("generator*", "g_*")
FITTING = {"num_mels": BANDS, "fmin": 0, "fmax": SPEECH_RATE // 2}
NEEDED = (
    "sampling_rate",
    "hop_size",
    "win_size",
    "n_fft",
    "resblock",
    "upsample_rates",
    "upsample_kernel_sizes",
    "upsample_initial_channel",
    "resblock_kernel_sizes",
    "resblock_dilation_sizes",
)


class HifiGan:
    """A published checkpoint as a vocoder; the pitch is not used.

    Checkpoints are mostly for 22.05 kHz and 256 samples a frame. Their bands (80, Slaney's, 0 to 8 kHz) and logarithm
    are ours, so the spectrogram is interpolated in time, between the middles of frames, to the checkpoint's frames;
    a constant mends what window and width of the Fourier bins change (-0.001 for the published ones); and
    the sound is resampled to 16 kHz.

    Source: Kong et al. 2020, and its reference implementation (jik876/hifi-gan).
    """

    label = "hifigan"

    def __init__(self, generator: Generator, config: dict[str, Any], files: tuple[Path, ...] = ()) -> None:
        self.generator, self.config, self._files = generator.eval(), config, files

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> HifiGan:
        """The checkpoint of a folder: `config.json`, and `generator_v1`, `g_02500000` or the like.

        Raises:
            WeightsError: one of them is missing or broken, or made for other spectrograms.
        """
        config = _config(folder / "config.json")
        found = sorted(path for name in NAMES for path in folder.glob(name) if path.is_file())
        if len(found) != 1:
            raise WeightsError(
                f"{folder} has {len(found) or 'no'} HiFi-GAN checkpoints ({' or '.join(NAMES)}); "
                "keep one there, beside its config.json"
            )
        generator = Generator(config)
        try:
            state = torch.load(found[0], map_location="cpu", weights_only=True)["generator"]
            generator.load_state_dict(folded(state))
        except (
            LookupError,
            TypeError,
            EOFError,
            RuntimeError,
            OSError,
            ValueError,
            UnpicklingError,
        ) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise WeightsError(
                f"{found[0]} is no generator for the config.json beside it ({why}); fetch both again"
            ) from None
        return cls(generator.to(device), config, (found[0], folder / "config.json"))

    @torch.inference_mode()
    def wave(self, mel: Tensor, pitch_hz: Tensor) -> Tensor:
        """See `vocoder.AnyVocoder.wave`."""
        mels, _ = batched(mel, pitch_hz)
        rate, samples = self.config["sampling_rate"], mel.shape[-1] * HOP
        device = next(self.generator.parameters()).device
        sound = self.generator(translated(mels, self.config).to(device))[:, 0].cpu().numpy()
        common = math.gcd(SPEECH_RATE, rate)
        speech = resample_poly(sound, SPEECH_RATE // common, rate // common, axis=-1)[:, :samples]
        speech = torch.from_numpy(np.ascontiguousarray(speech, np.float32)).clamp(-1, 1)
        return speech.reshape(*mel.shape[:-2], -1).to(mel.device)

    def weights(self) -> dict[str, str]:
        """See `vocoder.AnyVocoder.weights`."""
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self._files}


class Generator(nn.Module):
    """HiFi-GAN's generator with weight normalization folded in; names as published.

    Takes log mel spectrograms [batch, 80, frames]; gives [batch, 1, frames * hop] in [-1, 1].
    """

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        width, kernels = config["upsample_initial_channel"], config["resblock_kernel_sizes"]
        kind = RESIDUALS[str(config["resblock"])]
        self.conv_pre = nn.Conv1d(BANDS, width, 7, padding=3)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for stride, kernel in zip(config["upsample_rates"], config["upsample_kernel_sizes"], strict=True):
            padding = (kernel - stride) // 2
            self.ups.append(nn.ConvTranspose1d(width, width // 2, kernel, stride, padding=padding))
            width //= 2
            for size, dilations in zip(kernels, config["resblock_dilation_sizes"], strict=True):
                self.resblocks.append(kind(width, size, dilations))
        self.conv_post = nn.Conv1d(width, 1, 7, padding=3)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.conv_pre(mel)
        together = len(self.resblocks) // len(self.ups)
        for i, up in enumerate(self.ups):
            x = up(functional.leaky_relu(x, SLOPE))
            x = sum(block(x) for block in self.resblocks[i * together : (i + 1) * together]) / together
        return torch.tanh(self.conv_post(functional.leaky_relu(x)))


class Residual(nn.Module):
    """`resblock` 1: pairs of a dilated and an undilated convolution."""

    def __init__(self, width: int, kernel: int, dilations: list[int]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(_same(width, kernel, dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(_same(width, kernel, 1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            x = x + second(functional.leaky_relu(first(functional.leaky_relu(x, SLOPE)), SLOPE))
        return x


class ShortResidual(nn.Module):
    """`resblock` 2: dilated convolutions alone."""

    def __init__(self, width: int, kernel: int, dilations: list[int]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(_same(width, kernel, dilation) for dilation in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = x + conv(functional.leaky_relu(x, SLOPE))
        return x


RESIDUALS = {"1": Residual, "2": ShortResidual}


def _same(width: int, kernel: int, dilation: int) -> nn.Conv1d:
    return nn.Conv1d(width, width, kernel, dilation=dilation, padding=(kernel - 1) * dilation // 2)


def folded(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Published parameters with each `weight_g` and `weight_v` as the one `weight` that they stand for."""
    out = {name: value for name, value in state.items() if not name.endswith(("_g", "_v"))}
    for name, direction in state.items():
        if name.endswith("weight_v"):
            length = direction.norm(dim=tuple(range(1, direction.ndim)), keepdim=True)
            out[name.removesuffix("_v")] = direction * (state[name.removesuffix("v") + "g"] / length)
    return out


def translated(mel: Tensor, config: dict[str, Any]) -> Tensor:
    """Our spectrogram [batch, 80, frames] as the checkpoint's own analysis would have it."""
    rate, hop = config["sampling_rate"], config["hop_size"]
    frames = -(-mel.shape[-1] * HOP * rate // (SPEECH_RATE * hop))
    at = (torch.arange(frames, device=mel.device) + 0.5) * (hop * SPEECH_RATE / (rate * HOP)) - 0.5
    at = at.clamp(0, mel.shape[-1] - 1)
    below = at.floor().long().clamp(max=max(mel.shape[-1] - 2, 0))
    above = (below + 1).clamp(max=mel.shape[-1] - 1)
    moved = torch.lerp(mel[..., below], mel[..., above], (at - below).to(mel.dtype))
    louder = config["win_size"] / WINDOW
    fewer_bins = (SPEECH_RATE / FFT) / (rate / config["n_fft"])
    return (moved + math.log(louder * fewer_bins)).clamp(min=math.log(LEAST))


def _config(path: Path) -> dict[str, Any]:
    """The checkpoint's configuration.

    Raises:
        WeightsError: it is missing or broken, or spectrograms are not ours.
    """
    try:
        config = json.loads(path.read_text())
    except OSError:
        raise WeightsError(
            f"{path} is missing; a HiFi-GAN folder holds config.json beside the checkpoint"
        ) from None
    except ValueError as error:
        raise WeightsError(f"{path} is not JSON ({error}); fetch it again") from None
    missing = [key for key in (*FITTING, *NEEDED) if key not in config]
    if missing:
        raise WeightsError(f"{path} lacks {', '.join(missing)}; fetch the one published with the checkpoint")
    wrong = [f"{key} is {config[key]}, not {value}" for key, value in FITTING.items() if config[key] != value]
    if str(config["resblock"]) not in RESIDUALS:
        wrong.append(f"resblock is {config['resblock']}, not {' or '.join(RESIDUALS)}")
    if math.prod(config["upsample_rates"]) != config["hop_size"]:
        wrong.append(f"upsample_rates {config['upsample_rates']} do not make hop_size {config['hop_size']}")
    if wrong:
        raise WeightsError(f"{path}: {'; '.join(wrong)}; choose a checkpoint for 80 bands from 0 to 8 kHz")
    return config
