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


def test_a_transmission_of_another_power_is_refused():
    Transmission(np.ones(10, np.complex64))
    with pytest.raises(SymbolError, match="symbols of mean power 4"):
        Transmission(2 * np.ones(10, np.complex64))
