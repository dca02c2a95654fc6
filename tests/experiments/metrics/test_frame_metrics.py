"""Metrics of pictures: perfect for identity, equal to independent packages, strict about their input."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from lossweep.experiments.metrics.metric import METRICS, MetricAbsent, Picture, luma

FRAME = ["psnr", "ssim", "ms_ssim", "lpips", "lpips_student"]
PERFECT = {"psnr": 100.0, "ssim": 1.0, "ms_ssim": 1.0, "lpips": 0.0, "lpips_student": 0.0}


def made(name: str, **options):
    try:
        return METRICS.get(name)(**options)
    except MetricAbsent as absent:
        pytest.skip(str(absent))


@pytest.fixture(scope="module")
def clean() -> Picture:
    return Picture.of(np.ascontiguousarray(astronaut()[:256, 96:352]))


def noisy(picture: Picture, sigma: float) -> Picture:
    rng = np.random.default_rng(int(sigma))
    return Picture.of(
        np.clip(picture.pixels + rng.normal(0, sigma, picture.pixels.shape), 0, 255).astype(np.uint8)
    )


def grey(level: int = 128) -> Picture:
    return Picture.of(np.full((256, 256, 3), level, np.uint8))


@pytest.mark.parametrize("name", FRAME)
def test_identity_is_perfect_and_more_noise_is_worse(name: str, clean: Picture) -> None:
    metric = made(name)
    scores = metric.scores([(noisy(clean, s) if s else clean, clean) for s in (0, 4, 16, 64)])
    assert scores[0] == pytest.approx(PERFECT[name], abs=0 if name.startswith("lpips") else 1e-12)
    assert scores == sorted(scores, reverse=metric.higher_is_better)
    assert len(set(scores)) == 4


@pytest.mark.parametrize("name", FRAME)
@pytest.mark.parametrize(
    ("wrong", "seen"),
    [
        (np.zeros((256, 256, 3), np.float32), r"uint8.*float32 \[256, 256, 3\] in \[0, 0\]"),
        (np.full((256, 256), 7, np.uint8), r"uint8.*uint8 \[256, 256\] in \[7, 7\]"),
        (np.zeros((256, 200, 3), np.uint8), r"shown is uint8 \[256, 200, 3\].*reference"),
        (np.zeros((8, 8, 3), np.uint8), r"at least|resize"),
    ],
)
def test_wrong_input_says_what_was_seen(name: str, wrong: np.ndarray, seen: str, clean: Picture) -> None:
    with pytest.raises(ValueError, match=seen) as raised:
        made(name).scores([(Picture.of(wrong), clean)])
    assert str(raised.value).startswith(name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("sigma", [1, 10, 60])
def test_psnr_and_ssim_equal_scikit_image(sigma: float, clean: Picture) -> None:
    shown = noisy(clean, sigma)
    expected = peak_signal_noise_ratio(clean.pixels, shown.pixels)
    assert made("psnr").scores([(shown, clean)]) == [pytest.approx(expected, abs=1e-9)]
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    expected = structural_similarity(luma(shown.pixels), luma(clean.pixels), **options)
    assert made("ssim").scores([(shown, clean)]) == [pytest.approx(expected, abs=1e-12)]


@pytest.mark.parametrize("sigma", [1, 10, 60])
def test_ms_ssim_equals_pytorch_msssim(sigma: float, clean: Picture) -> None:
    import torch
    from pytorch_msssim import ms_ssim

    shown = noisy(clean, sigma)
    planes = (torch.from_numpy(luma(picture.pixels))[None, None] for picture in (shown, clean))
    expected = ms_ssim(*planes, data_range=255).item()
    assert made("ms_ssim").scores([(shown, clean)]) == [pytest.approx(expected, abs=1e-5)]


def test_pictures_are_known_by_content(clean: Picture) -> None:
    assert Picture.of(clean.pixels.copy()) == clean
    assert hash(Picture.of(clean.pixels.copy())) == hash(clean)
    assert noisy(clean, 1) != clean
    flat = np.arange(48, dtype=np.uint8)
    assert Picture.of(flat.reshape(4, 4, 3)) != Picture.of(flat.reshape(2, 8, 3))


def test_lpips_equals_the_package(clean: Picture) -> None:
    metric = made("lpips")
    import lpips
    import torch

    from lossweep.experiments.metrics.lpips import BACKBONES, _hub_folder, checkpoint_folders

    folder = next(f for f in checkpoint_folders() if (f / BACKBONES[metric.net]).exists())
    with _hub_folder(folder.parent):
        package = lpips.LPIPS(net=metric.net, verbose=False)

    def image(picture: Picture) -> torch.Tensor:
        return torch.from_numpy(picture.pixels).permute(2, 0, 1)[None].float() / 127.5 - 1

    pairs = [(noisy(clean, 5), clean), (noisy(clean, 80), clean), (grey(), clean), (grey(0), grey(255))]
    with torch.inference_mode():
        expected = [package(image(a), image(b)).item() for a, b in pairs]
    assert metric.scores(pairs) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["lpips", "lpips_student"])
def test_scores_do_not_depend_on_what_else_was_scored(name: str, clean: Picture, monkeypatch) -> None:
    import torch

    from lossweep.experiments.metrics import feature_distance

    pictures = [clean, grey(), noisy(clean, 3), noisy(clean, 30)]
    pairs = [(a, b) for a in pictures for b in pictures]
    metric = made(name)
    together = metric.scores(pairs)
    assert metric.forwards == 4
    assert together == metric.scores(pairs[::-1])[::-1]
    assert metric.forwards == 4
    assert together == [together[4 * (i % 4) + i // 4] for i in range(16)], "symmetric"
    assert torch.get_num_threads() >= 1
    monkeypatch.setattr(feature_distance, "REFERENCE_BYTES", 0)
    monkeypatch.setattr(feature_distance, "SHOWN_BYTES", 0)
    forgetful = made(name)
    assert together[:6] == [forgetful.scores([pair])[0] for pair in pairs[:6]]
    assert forgetful.forwards > 4


def test_lpips_without_weights_is_absent_in_one_line(monkeypatch, tmp_path) -> None:
    import torch

    monkeypatch.delenv("LOSSWEEP_DATA", raising=False)
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path))
    try:
        with pytest.raises(MetricAbsent, match=r"^lpips is absent: no alexnet.*https://[^\n]*$"):
            METRICS.get("lpips")(net="alex")
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "alexnet-owt-7be5be79.pth").write_bytes(b"no weights")
        with pytest.raises(MetricAbsent, match="cannot be read"):
            METRICS.get("lpips")(net="alex")
        with pytest.raises(ValueError, match="squeeze, alex, vgg"):
            METRICS.get("lpips")(net="alexa")
    finally:
        torch.hub.set_dir(before)


def test_student_agrees_with_lpips_on_this_portrait_and_is_small(clean: Picture) -> None:
    from lossweep.experiments.metrics.lpips_student import WEIGHTS

    assert WEIGHTS.stat().st_size <= 4_000_000
    pairs = [(noisy(clean, s), clean) for s in (2, 8, 20, 50)] + [
        (grey(), clean),
        (noisy(clean, 3), grey(90)),
    ]
    student, teacher = (np.array(made(name).scores(pairs)) for name in ("lpips_student", "lpips"))
    assert np.corrcoef(student, teacher)[0, 1] > 0.95
    assert np.abs(student - teacher).mean() < 0.08
