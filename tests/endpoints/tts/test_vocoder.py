"""Sound from spectrograms: the vocoder that ships, and HiFi-GAN's published layout."""

from __future__ import annotations

import json
import math

import librosa
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.signal import resample_poly
from torch import nn
from torch.nn import functional
from torch.nn.utils import weight_norm

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.tts.espeak import speak
from lossweep.endpoints.tts.harmonic_network import HarmonicNetwork, excite, response, shape
from lossweep.endpoints.tts.hifigan import HifiGan, HifiGanConfig, convert_mel
from lossweep.endpoints.tts.spectrum import mel
from lossweep.endpoints.tts.vocoder import SHIPPED, HarmonicVocoder, load_vocoder

TINY = {
    "resblock": "1",
    "upsample_rates": [8, 8, 4],
    "upsample_kernel_sizes": [16, 16, 8],
    "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3, 5],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5]],
    "num_mels": 80,
    "n_fft": 1024,
    "hop_size": 256,
    "win_size": 1024,
    "sampling_rate": 22050,
    "fmin": 0,
    "fmax": 8000,
    "fmax_for_loss": None,
}


def _excited(pitch_hz: torch.Tensor):
    return excite(pitch_hz, torch.Generator().manual_seed(0))


def test_pulses_are_harmonics_of_equal_strength_and_nothing_else() -> None:
    pulses = _excited(torch.full((1, 100), 200.0)).pulses[0]
    amplitude = torch.fft.rfft(pulses).abs() / 16000
    at = torch.arange(200, 7000, 200)
    assert amplitude[at].std() / amplitude[at].mean() < 0.02
    others = torch.ones(len(amplitude), dtype=bool)
    others[::200] = False
    assert amplitude[others].max() < 0.02 * amplitude[at].mean()


def test_voices_of_all_pitches_have_unit_power() -> None:
    glide = torch.linspace(math.log(60), math.log(480), 400).exp()[None]
    power = _excited(glide).pulses.reshape(8, -1).square().mean(1)
    assert power.min() > 0.8
    assert power.max() < 1.1


def test_what_is_unvoiced_has_no_pulses() -> None:
    pitch = torch.zeros(1, 60)
    pitch[:, :20] = 150
    pulses = _excited(pitch).pulses[0]
    assert pulses[: 19 * 160].abs().max() > 1
    assert not pulses[21 * 160 :].any()
    assert not _excited(torch.zeros(1, 60)).pulses.any()


def test_a_constant_filter_is_a_convolution() -> None:
    cepstrum = torch.zeros(1, 50, 40)
    cepstrum[..., :4] = torch.tensor([-0.3, 0.6, -0.4, 0.2])
    excitation = _excited(torch.zeros(1, 50))
    shaped = shape(response(cepstrum), response(cepstrum), excitation)
    impulse = torch.fft.irfft(torch.fft.rfft(cepstrum[0, :1], 4096).exp())[0]
    assert impulse[0] == pytest.approx(math.exp(-0.3), rel=1e-3)  # causal: minimum phase
    plain = np.convolve(excitation.noise[0].numpy(), impulse[:256].numpy())[: 50 * 160]
    assert np.allclose(shaped[0, 160:].numpy(), plain[160:], atol=1e-3)


def test_the_untrained_network_already_gives_noise_its_bands() -> None:
    bands = torch.randn(1, 80, 1).cumsum(1).mul(0.3).sub(4).expand(-1, -1, 200)
    network = HarmonicNetwork().eval()
    with torch.no_grad():
        network.leave.weight.zero_()
        made = network.wave(bands, torch.zeros(1, 200), _excited(torch.zeros(1, 200)))
    off = (mel(made).mean(-1) - bands[..., 0])[0, 6:]
    assert off.abs().mean() < 0.2


def test_speech_comes_back() -> None:
    """The pulses stand at the pitch asked for, the bands as given, both where asked."""
    from lossweep.endpoints.tts.pitch import pitch

    pytest.importorskip("parselmouth")
    speech, _, _ = speak("Nine small waves, a summer's morning.", "en-us+m3", 160)
    speech = speech[: len(speech) // 160 * 160]
    bands, asked = mel(torch.from_numpy(speech)), pitch(speech)
    made = HarmonicVocoder.load().wave(bands, torch.from_numpy(asked))
    assert made.shape == speech.shape
    assert (mel(made) - bands).abs().mean() < 0.3
    got = pitch(made.numpy())
    both = (got > 0) & (asked > 0)
    assert both.sum() > 0.85 * (asked > 0).sum()
    assert np.median(np.abs(np.log2(got[both] / asked[both]))) < 0.01


def test_bands_without_harmonics_are_spoken_low_at_the_pitch_asked_for() -> None:
    from lossweep.endpoints.tts.pitch import pitch

    pytest.importorskip("parselmouth")
    bands = mel(torch.from_numpy(speak("We are all away.", "en-us+m3")[0]))
    bands = torch.from_numpy(gaussian_filter(bands.numpy(), (4, 1)))
    for hertz in (90.0, 120.0):
        asked = torch.linspace(0.85 * hertz, 1.15 * hertz, bands.shape[-1])
        track = pitch(HarmonicVocoder.load().wave(bands, asked).numpy())
        heard = (track / asked.numpy())[track > 0]
        assert np.median(heard) == pytest.approx(1, rel=0.01)


def test_a_batch_is_each_of_its_parts_and_each_call_the_same() -> None:
    own = HarmonicVocoder.load()
    bands, pitch = torch.randn(2, 80, 60) - 5, torch.full((2, 60), 120.0)
    together = own.wave(bands, pitch)
    assert together.shape == (2, 9600)
    assert together.abs().max() <= 1
    assert torch.equal(together, own.wave(bands, pitch))
    assert torch.allclose(together[0], own.wave(bands[0], pitch[0]), atol=1e-5)
    with pytest.raises(ValueError, match=r"\[80, frames\]"):
        own.wave(bands, pitch[:, 1:])


def test_the_shipped_one_is_small_and_named() -> None:
    own = load_vocoder("own")
    assert sum(p.numel() for p in own.network.parameters()) <= 2e6
    assert SHIPPED.stat().st_size <= 4e6
    assert own.label == "own"
    assert list(own.weights()) == ["vocoder.safetensors"]


class Generator(nn.Module):
    """An oracle: HiFi-GAN's generator written down from its paper, with the names of the published checkpoints.

    Takes log mel spectrograms [batch, 80, frames]; gives [batch, 1, frames * hop] in [-1, 1].
    """

    def __init__(self, config: dict) -> None:
        super().__init__()
        width, kernels = config["upsample_initial_channel"], config["resblock_kernel_sizes"]
        self.conv_pre = nn.Conv1d(80, width, 7, padding=3)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for stride, kernel in zip(config["upsample_rates"], config["upsample_kernel_sizes"], strict=True):
            padding = (kernel - stride) // 2
            self.ups.append(nn.ConvTranspose1d(width, width // 2, kernel, stride, padding=padding))
            width //= 2
            for size, dilations in zip(kernels, config["resblock_dilation_sizes"], strict=True):
                self.resblocks.append(Residual(width, size, dilations))
        self.conv_post = nn.Conv1d(width, 1, 7, padding=3)

    def forward(self, mel):
        x = self.conv_pre(mel)
        together = len(self.resblocks) // len(self.ups)
        for i, up in enumerate(self.ups):
            x = up(functional.leaky_relu(x, 0.1))
            x = sum(block(x) for block in self.resblocks[i * together : (i + 1) * together]) / together
        return torch.tanh(self.conv_post(functional.leaky_relu(x)))


class Residual(nn.Module):
    """`resblock` 1: pairs of a dilated and an undilated convolution."""

    def __init__(self, width: int, kernel: int, dilations: list[int]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(_same(width, kernel, dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(_same(width, kernel, 1) for _ in dilations)

    def forward(self, x):
        for first, second in zip(self.convs1, self.convs2, strict=True):
            x = x + second(functional.leaky_relu(first(functional.leaky_relu(x, 0.1)), 0.1))
        return x


def _same(width: int, kernel: int, dilation: int) -> nn.Conv1d:
    return nn.Conv1d(width, width, kernel, dilation=dilation, padding=(kernel - 1) * dilation // 2)


def _normalized(config: dict) -> Generator:
    """A generator whose convolutions are torch's own weight-normalized ones, as published checkpoints were saved."""
    torch.manual_seed(3)
    generator = Generator(config)
    for module in generator.modules():
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
            weight_norm(module)
            module.weight_g.data.mul_(torch.rand_like(module.weight_g) + 0.5)
    return generator


@pytest.fixture
def published(tmp_path):
    config = {**TINY, "resblock": "1"}
    generator = _normalized(config)
    state = generator.state_dict()
    assert "ups.0.weight_g" in state
    assert "resblocks.0.convs" in " ".join(state)
    torch.save({"generator": state}, tmp_path / "generator_v1")
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path, generator


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_published_layout_gives_what_weight_norm_gives(published) -> None:
    folder, generator = published
    loaded = load_vocoder(str(folder))
    bands = torch.randn(2, 80, 9) - 4
    with torch.no_grad():
        wanted = generator(bands)
        assert torch.allclose(loaded.generator(bands.mT)[:, None], wanted, atol=1e-5)
    assert wanted.shape == (2, 1, 9 * 256)
    assert wanted.std() > 0
    assert set(loaded.weights()) == {"generator_v1", "config.json"}
    assert loaded.wave(bands[0], torch.zeros(9)).shape == (1440,)
    assert loaded.wave(bands, torch.zeros(2, 9)).shape == (2, 1440)


def test_translated_is_the_analysis_of_the_published_code() -> None:
    speech, _, _ = speak("The north wind and the sun.", "en-us", 170)
    up = resample_poly(speech, 441, 320)
    padded = np.pad(up, (1024 - 256) // 2, mode="reflect")
    theirs = librosa.feature.melspectrogram(
        y=padded, sr=22050, n_fft=1024, hop_length=256, center=False, power=1, n_mels=80, fmax=8000
    )
    theirs = np.log(np.maximum(theirs, 1e-5))
    ours = convert_mel(mel(torch.from_numpy(speech))[None], HifiGanConfig(**TINY))[0].numpy()
    frames = min(ours.shape[1], theirs.shape[1])
    assert abs(ours.shape[1] - theirs.shape[1]) <= 1
    loud = theirs[2:78, 2 : frames - 2] > -6
    off = (ours[2:78, 2 : frames - 2] - theirs[2:78, 2 : frames - 2])[loud]
    assert abs(np.median(off)) < 0.02
    assert np.abs(off).mean() < 0.15


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num_mels": 128}, "num_mels Input should be 80"),
        ({"fmax": 11025}, "fmax Input should be 8000"),
        ({"hop_size": 300}, "do not multiply to hop_size 300"),
        ({"resblock": "2"}, "resblock Input should be '1'"),
        ({"n_fft": None}, "n_fft Field required"),
        ({"upsample_initial_channel": 32}, "not a generator for the config.json beside it"),
    ],
)
def test_what_does_not_fit_is_one_line(published, change, said) -> None:
    folder, _ = published
    config = {**json.loads((folder / "config.json").read_text()), **change}
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v is not None}))
    with pytest.raises(WeightsError, match=said) as raised:
        HifiGan.load(folder)
    assert "\n" not in str(raised.value)


def test_what_is_missing_or_broken_is_one_line(published) -> None:
    folder, _ = published
    (folder / "generator_v1").write_bytes(b"not a checkpoint")
    with pytest.raises(WeightsError, match="generator_v1 is not a generator"):
        HifiGan.load(folder)
    (folder / "generator_v1").unlink()
    with pytest.raises(WeightsError, match="no HiFi-GAN checkpoints"):
        HifiGan.load(folder)
    (folder / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"config\.json is missing"):
        HifiGan.load(folder)
