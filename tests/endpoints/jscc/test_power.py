"""Power of a transmission: exact, per transmission, over the symbols that are sent; and undone at the receiver."""

import numpy as np
import pytest
import torch

from lossweep.endpoints.jscc.contract import SymbolError, Transmission
from lossweep.endpoints.jscc.power import PILOTS, SCALE_MIDDLE, receive, send


def features(rows=3, count=4000, seed=0):
    rng = np.random.default_rng(seed)
    scale = np.exp(SCALE_MIDDLE) * np.array([0.8, 1.0, 1.3])[:rows, None]
    return torch.from_numpy(scale * rng.normal(size=(rows, count))).float()


@pytest.mark.parametrize("k", [300, 1016, 2016])
def test_every_transmission_has_mean_power_one_however_many_symbols_are_sent(k):
    sent = send(features(), k)
    assert sent.shape == (3, k)
    np.testing.assert_allclose(sent.abs().square().mean(1), 1, atol=1e-4)


def test_a_row_of_a_batch_is_sent_as_it_is_alone():
    batch = features()
    for i in range(3):
        np.testing.assert_allclose(send(batch, 500)[i], send(batch[i : i + 1], 500)[0], atol=1e-5)


def test_without_noise_the_features_come_back():
    given = features()
    restored, variance = receive(send(given, 1000 + PILOTS), torch.full((3,), 1e-9))
    np.testing.assert_allclose(restored, given[:, :2000], rtol=2e-3, atol=2e-3)
    assert (variance < 1e-6).all()


def test_the_noise_of_features_is_what_the_receiver_says():
    given, snr = features(count=40_000), 0.1
    sent = send(given, 20_000 + PILOTS)
    noise = torch.randn(2, *sent.shape, generator=torch.Generator().manual_seed(1)) * (snr / 2) ** 0.5
    restored, variance = receive(sent + torch.complex(noise[0], noise[1]), torch.full((3,), snr))
    error = (restored - given).var(1)
    np.testing.assert_allclose(error, variance[:, 0], rtol=0.08)


def test_under_fast_fading_each_feature_has_the_noise_of_its_own_symbol():
    given, rng = features(rows=1, count=40_000), np.random.default_rng(2)
    sent = send(given, 20_000 + PILOTS).numpy()
    gain = (rng.normal(size=(2, *sent.shape)) / 2**0.5 * np.array([1, 1j])[:, None, None]).sum(0)
    variance = 0.1 / np.abs(gain) ** 2
    noise = (rng.normal(size=(2, *sent.shape)) * np.array([1, 1j])[:, None, None]).sum(0)
    heard = torch.from_numpy((sent + noise * np.sqrt(variance / 2)).astype(np.complex64))
    restored, found = receive(heard, torch.from_numpy(variance).float())
    scaled = ((restored - given) / found.sqrt()).numpy()
    for weak in (variance[0, PILOTS:] > 0.3, variance[0, PILOTS:] < 0.1):
        np.testing.assert_allclose(scaled[0].reshape(-1, 2)[weak].var(), 1, rtol=0.1)


def test_a_pilot_in_a_fade_does_not_count():
    given = features(rows=1)
    sent, variance = send(given, 500), torch.full((1, 500), 1e-6)
    sent[:, 3], variance[:, 3] = 1000, 1e6
    np.testing.assert_allclose(
        receive(sent, variance)[0], given[:, : 2 * (500 - PILOTS)], rtol=5e-3, atol=5e-3
    )


def test_a_transmission_of_another_power_is_refused():
    Transmission(np.ones(10, np.complex64))
    with pytest.raises(SymbolError, match="symbols of mean power 4"):
        Transmission(2 * np.ones(10, np.complex64))
