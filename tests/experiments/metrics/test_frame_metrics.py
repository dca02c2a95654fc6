"""Metrics of pictures: perfect for identity, equal to independent packages, strict about their input."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from lossweep.experiments.metrics.lpips.backbone import (
    CHECKPOINTS,
    SHIPPED,
    checkpoint_folders,
    load_model,
    read_weights,
)
from lossweep.experiments.metrics.metric import METRICS, MetricAbsent, Picture, luma

FRAME = ["psnr", "ssim", "ms_ssim", "lpips"]
PERFECT = {"psnr": 100.0, "ssim": 1.0, "ms_ssim": 1.0, "lpips": 0.0}


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
    assert scores[0] == pytest.approx(PERFECT[name], abs=0 if name == "lpips" else 1e-12)
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


@pytest.mark.parametrize("shape", [(11, 11), (12, 200), (41, 26), (42, 27), (43, 58), (200, 11), (97, 161)])
def test_ssim_of_any_size_equals_scikit_image(shape: tuple[int, int]) -> None:
    """Pictures are cut into strips and blocks; no size may lose or repeat a window."""
    rng = np.random.default_rng(shape)
    planes = rng.integers(0, 256, (2, *shape, 3), dtype=np.uint8)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    expected = structural_similarity(luma(planes[0]), luma(planes[1]), **options)
    pair = Picture.of(planes[0]), Picture.of(planes[1])
    assert made("ssim").scores([pair]) == [pytest.approx(expected, abs=1e-12)]


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


def lpips_pairs(clean: Picture) -> list[tuple[Picture, Picture]]:
    return [(noisy(clean, 5), clean), (noisy(clean, 80), clean), (grey(), clean), (grey(0), grey(255))]


def of_package(model, pairs: list[tuple[Picture, Picture]]) -> list[float]:
    """Scores of a model of the package lpips."""
    import torch

    def image(picture: Picture) -> torch.Tensor:
        return torch.from_numpy(picture.pixels).permute(2, 0, 1)[None].float() / 127.5 - 1

    with torch.inference_mode():
        return [model(image(a), image(b)).item() for a, b in pairs]


def test_lpips_equals_the_package_with_the_weights_that_ship(clean: Picture) -> None:
    pairs = lpips_pairs(clean)
    expected = of_package(load_model("squeeze", read_weights("squeeze")), pairs)
    assert made("lpips").scores(pairs) == pytest.approx(expected, abs=1e-5)


def test_lpips_equals_the_package_with_torchvisions_own_weights(clean: Picture, monkeypatch) -> None:
    import lpips
    import torch

    homes = [folder.parent for folder in checkpoint_folders()]
    home = next((h for h in homes if (h / "checkpoints" / "squeezenet1_1-b8a52dc0.pth").exists()), None)
    if home is None:
        pytest.skip("no squeezenet1_1-b8a52dc0.pth in TORCH_HOME or LOSSWEEP_DATA")
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(home))
    try:
        package = lpips.LPIPS(net="squeeze", verbose=False)
    finally:
        torch.hub.set_dir(before)
    pairs = lpips_pairs(clean)
    assert made("lpips").scores(pairs) == pytest.approx(of_package(package, pairs), abs=1e-3)


def test_lpips_scores_do_not_depend_on_what_else_was_scored(clean: Picture, monkeypatch) -> None:
    import torch

    from lossweep.experiments.metrics.lpips import feature_distance

    pictures = [clean, grey(), noisy(clean, 3), noisy(clean, 30)]
    pairs = [(a, b) for a in pictures for b in pictures]
    metric = made("lpips")
    together = metric.scores(pairs)
    assert metric.forwards == 4
    assert together == metric.scores(pairs[::-1])[::-1]
    assert metric.forwards == 4
    assert together == [together[4 * (i % 4) + i // 4] for i in range(16)], "symmetric"
    assert torch.get_num_threads() >= 1
    monkeypatch.setattr(feature_distance, "REFERENCE_BYTES", 0)
    monkeypatch.setattr(feature_distance, "SHOWN_BYTES", 0)
    forgetful = made("lpips")
    assert together[:6] == [forgetful.scores([pair])[0] for pair in pairs[:6]]
    assert forgetful.forwards > 4


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """An empty hub folder of torch, and no other."""
    import torch

    monkeypatch.delenv("LOSSWEEP_DATA", raising=False)
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    yield tmp_path / "checkpoints"
    torch.hub.set_dir(before)


def test_lpips_needs_no_file_but_for_other_nets(hub, clean: Picture) -> None:
    assert METRICS.get("lpips")().scores([(clean, clean)]) == [0.0]
    with pytest.raises(MetricAbsent, match=r"^lpips: no alexnet.*https://[^\n]*$"):
        METRICS.get("lpips")(net="alex")
    (hub / CHECKPOINTS["alex"]).write_bytes(b"no weights")
    with pytest.raises(MetricAbsent, match=r"^lpips: .*has SHA-256 [^\n]*not 7be5be79[^\n]*$"):
        METRICS.get("lpips")(net="alex")
    with pytest.raises(ValueError, match="squeeze, alex, vgg"):
        METRICS.get("lpips")(net="alexa")


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_the_other_nets_load_published_files_and_equal_the_package(
    net, hub, clean: Picture, monkeypatch
) -> None:
    """With random weights in a file that is named as the published one is, by its own hash."""
    import lpips
    import torch

    torch.manual_seed(0)
    package = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    named = {f"features.{name.partition('.')[2]}": w for name, w in package.net.state_dict().items()}
    torch.save(named, hub / "x.pth")
    name = f"{net}-{hashlib.sha256((hub / 'x.pth').read_bytes()).hexdigest()[:8]}.pth"
    (hub / "x.pth").rename(hub / name)
    monkeypatch.setitem(CHECKPOINTS, net, name)
    pairs = lpips_pairs(clean)[:2]
    assert made("lpips", net=net).scores(pairs) == pytest.approx(of_package(package, pairs), abs=1e-5)


class Crafted:
    """Runs code when it is unpickled."""

    def __init__(self, mark) -> None:
        self.mark = mark

    def __reduce__(self):
        return (type(self.mark).touch, (self.mark,))


def test_reading_a_crafted_backbone_runs_no_code(hub, tmp_path, monkeypatch) -> None:
    import torch

    mark = tmp_path / "ran"
    torch.save({"features.0.weight": Crafted(mark)}, hub / "crafted.pth")
    torch.load(hub / "crafted.pth", weights_only=False)
    assert mark.exists(), "the file would run code"
    mark.unlink()
    (hub / CHECKPOINTS["alex"]).write_bytes((hub / "crafted.pth").read_bytes())
    with pytest.raises(MetricAbsent, match="has SHA-256"):
        METRICS.get("lpips")(net="alex")
    digest = hashlib.sha256((hub / "crafted.pth").read_bytes()).hexdigest()
    (hub / "crafted.pth").rename(hub / f"crafted-{digest[:8]}.pth")
    monkeypatch.setitem(CHECKPOINTS, "alex", f"crafted-{digest[:8]}.pth")
    with pytest.raises(MetricAbsent, match="holds more than tensors") as error:
        METRICS.get("lpips")(net="alex")
    assert "\n" not in str(error.value)
    assert not mark.exists()


def test_damaged_shipped_weights_are_absent_in_one_line(tmp_path, monkeypatch) -> None:
    from lossweep.experiments.metrics.lpips import backbone

    assert backbone.SHIPPED.stat().st_size < 2_500_000
    monkeypatch.setattr(backbone, "SHIPPED", tmp_path / "x.safetensors")
    for content in (b"", b"no weights", SHIPPED.read_bytes()[:1000]):
        backbone.SHIPPED.write_bytes(content)
        with pytest.raises(MetricAbsent, match=r"^lpips: [^\n]*install lossweep again$"):
            METRICS.get("lpips")()
