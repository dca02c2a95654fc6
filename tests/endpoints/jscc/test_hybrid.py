"""The laws of the linear code of hybrid JSCC, and what its network may not do."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lossweep.channels.awgn import Awgn
from lossweep.channels.mcs import PAYLOAD_BYTES
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.jscc import spectrum
from lossweep.endpoints.jscc.contract import transmit
from lossweep.endpoints.jscc.hybrid_coder import Side, _gains, estimate, send
from lossweep.endpoints.jscc.hybrid_jscc import HybridJsccEndpoint, HybridJsccParams
from lossweep.endpoints.jscc.restoration_network import RestorationNetwork
from lossweep.endpoints.jscc.transform import inverse, to_pixels, transform
from lossweep.experiments.clips import load_clips


@pytest.fixture(scope="module")
def group():
    return np.stack(load_clips("portrait", seconds=0.32, size=64)[0].video)


def heard(symbols, snr_db, seed=0):
    rng = np.random.default_rng(seed)
    noise = 10 ** (-snr_db / 10)
    draw = rng.standard_normal((2, len(symbols)))
    return symbols + (draw[0] + 1j * draw[1]) * (noise / 2) ** 0.5, np.full(len(symbols), noise)


def test_the_transform_is_orthonormal(group):
    pictures = group.astype(float)
    coefficients = transform(pictures)
    assert np.sum(coefficients**2) == pytest.approx(np.sum(pictures**2))
    assert (to_pixels(inverse(coefficients)) == group).all()


def test_the_fit_finds_the_variances_of_a_spectrum_that_is_such_a_function():
    rng = np.random.default_rng(1)
    numbers = np.zeros(spectrum.COUNT, np.int8)
    numbers[[0, 1, 4, 18, 52, 86]] = [40, -12, -16, -20, 16, 8]
    true = spectrum.variances(numbers, 8, 64, 64)
    found = spectrum.variances(spectrum.fit(rng.standard_normal(true.shape) * np.sqrt(true)), 8, 64, 64)
    ratio = np.log(found / true)[true > 1]
    assert np.abs(ratio).mean() < 0.15
    assert np.quantile(np.abs(ratio), 0.99) < 0.75


@pytest.mark.parametrize("snr_db", [-5, 0, 5, 15])
def test_no_other_gains_of_equal_power_have_a_smaller_expected_error(snr_db):
    rng = np.random.default_rng(2)
    variance = np.sort(np.exp(rng.normal(3, 3, 200)))[::-1]
    noise = 10 ** (-snr_db / 10) / 2

    def error(gain):
        gain = gain * np.sqrt(100 / np.sum(gain**2 * variance))
        return np.sum(variance / (1 + gain**2 * variance / noise))

    best = _gains(variance, round(snr_db * 4), 100)
    assert np.sum(best**2 * variance) == pytest.approx(100)
    assert error(best) < error(variance**-0.25)
    for _ in range(50):
        assert error(best) <= error(best * np.exp(rng.normal(0, 0.1, 200))) * (1 + 1e-9)


@pytest.mark.parametrize("snr_db", [0, 10])
def test_the_expected_error_is_the_measured_one(group, snr_db):
    symbols, side = send(group, snr_db, 4000)
    found = estimate(*heard(symbols, snr_db), side, *group.shape[:3])
    measured = np.mean((found.pictures - group) ** 2)
    assert 10 * np.log10(sum(found.errors) * 255**2 / measured) == pytest.approx(0, abs=1)


def test_all_symbols_without_noise_give_the_pictures_back(group):
    symbols, side = send(group, 25, group.size // 2)
    found = estimate(symbols, np.full(len(symbols), 1e-9), side, *group.shape[:3])
    assert np.mean((found.pictures - group) ** 2) < 1


@pytest.mark.parametrize("value", [0, 77, 255])
def test_a_picture_of_one_colour_is_sent_with_the_same_power_and_shown(value):
    flat = np.full((8, 64, 64, 3), value, np.uint8)
    symbols, side = send(flat, 5, 2000)
    assert np.mean(np.abs(symbols) ** 2) == pytest.approx(1, abs=1e-3)
    found = estimate(*heard(symbols, 5), side, *flat.shape[:3])
    assert np.abs(found.pictures - value).max() < 4


def test_side_information_is_one_block_and_any_bytes_of_it_are_read(group):
    _, side = send(group, -3.1, 4000)
    data = side.to_bytes()
    assert len(data) == PAYLOAD_BYTES
    again = Side.from_bytes(data)
    assert again.to_bytes() == data
    assert again.snr_step == -12
    rng = np.random.default_rng(3)
    for _ in range(20):
        wrong = Side.from_bytes(rng.bytes(PAYLOAD_BYTES))
        found = estimate(np.ones(500, np.complex64), np.ones(500), wrong, *group.shape[:3])
        assert np.isfinite(found.pictures).all()


def test_the_network_starts_as_the_identity_and_looks_one_picture_further_per_block():
    torch.manual_seed(0)
    network = RestorationNetwork().eval()
    pictures, errors = torch.rand(1, 8, 3, 16, 16), torch.tensor([[1e-3, 0.0]])
    with torch.inference_mode():
        assert torch.equal(network(pictures, errors), pictures)
        for block in network.blocks:
            torch.nn.init.normal_(block.second.weight, 0, 0.1)
        torch.nn.init.normal_(network.leave.weight, 0, 0.1)
        before = network(pictures, errors)
        pictures[0, 7] += 0.1
        changed = (network(pictures, errors) != before).flatten(2).any(2)[0]
    assert changed.tolist() == [i >= 7 - len(network.blocks) for i in range(8)]


@pytest.mark.parametrize("snr_db", [-5, 5])
def test_the_trained_network_brings_the_pictures_nearer(snr_db):
    clip = load_clips("portrait", seconds=0.36, size=128)[0]
    channel, errors = Awgn(snr_db), {}
    for restore in (True, False):
        params = HybridJsccParams(rho=1 / 16, restore=restore)
        encoded = HybridJsccEndpoint(params, NoCode()).encode(clip, channel)
        received = transmit(encoded.transmissions, channel, 1, 0)
        shown = HybridJsccEndpoint.decode(received, encoded.session).clip.video
        errors[restore] = np.mean((np.float64(shown) - np.float64(clip.video)) ** 2)
    assert errors[True] < 0.95 * errors[False]


def test_a_group_whose_side_information_fails_is_not_shown_and_the_next_one_is():
    clip = load_clips("portrait", seconds=0.64, size=128)[0]
    encoded = HybridJsccEndpoint(HybridJsccParams(rho=1 / 16), NoCode()).encode(clip, Awgn(10))
    first, second = transmit(encoded.transmissions, Awgn(10), 1, 0)
    playback = HybridJsccEndpoint.decode([replace(first, blocks=(None,)), second], encoded.session)
    assert playback.outcome == ("grey",) * 8 + ("whole",) * 8
