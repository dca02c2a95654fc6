"""Physical channels: the SNR that was asked for, per transmission, whatever is sent; fading; errors."""

import numpy as np
import pytest

from lossweep.channels.awgn import Awgn
from lossweep.channels.physical import PHYSICAL, generator
from lossweep.channels.rayleigh import Rayleigh


def symbols(k, seed=0, busy=True):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(2, k)) if busy else np.ones((2, k))
    x = (values[0] + 1j * values[1]).astype(np.complex64)
    return x / np.sqrt(np.mean(np.abs(x) ** 2))


def channels(snr_db=7.0):
    return [
        Awgn(snr_db),
        Rayleigh(snr_db),
        Rayleigh(snr_db, block=1),
        Rayleigh(snr_db, block=50, known=False),
    ]


def test_every_registered_channel_is_tried():
    assert {type(one).name for one in channels()} == set(PHYSICAL.names())


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 12.5])
@pytest.mark.parametrize("busy", [True, False])
def test_awgn_has_the_snr_asked_for_in_each_transmission(snr_db, busy):
    """A constant and a busy picture have the same SNR: within 0.05 dB on 200,000 symbols (3 standard errors: 0.03)."""
    sent = symbols(200_000, busy=busy)
    noise = Awgn(snr_db).transmit(sent, generator(1, 0, 0)).symbols - sent
    measured = 10 * np.log10(np.mean(np.abs(sent) ** 2) / np.mean(np.abs(noise) ** 2))
    assert measured == pytest.approx(snr_db, abs=0.05)
    assert np.mean(noise.real**2) == pytest.approx(np.mean(noise.imag**2), rel=0.02)


@pytest.mark.parametrize("block", [1, 20])
def test_fading_gains_are_complex_gaussian_of_power_one(block):
    gains = Rayleigh(0.0, block=block).gains(400_000, generator(1, 0, 0))
    assert (gains[: block - 1] == gains[0]).all()
    power = np.abs(gains[::block]) ** 2
    assert power.mean() == pytest.approx(1, abs=0.03)
    assert np.mean(power > 1) == pytest.approx(np.exp(-1), abs=0.01), "|h|^2 is exponential"
    assert abs(gains.mean()) < 0.02
    assert len(np.unique(Rayleigh(0.0).gains(1000, generator(1, 0, 0)))) == 1


@pytest.mark.parametrize("channel", channels(), ids=str)
def test_a_transmission_depends_on_seed_repetition_and_its_number_alone(channel):
    sent = symbols(500)
    one = channel.transmit(sent, generator(3, 1, 2)).symbols
    np.testing.assert_array_equal(one, channel.transmit(sent, generator(3, 1, 2)).symbols)
    for other in ((4, 1, 2), (3, 2, 2), (3, 1, 3)):
        assert (one != channel.transmit(sent, generator(*other)).symbols).any()


def test_a_receiver_that_knows_the_gain_undoes_it_and_one_that_does_not_undoes_the_phase():
    sent = symbols(20_000)
    known = Rayleigh(60.0, block=1).transmit(sent, generator(1, 0, 0))
    restored, variance = known.equalized()
    strong = variance < 1e-4
    np.testing.assert_allclose(restored[strong], sent[strong], atol=0.1)
    np.testing.assert_allclose(variance, 1e-6 / np.maximum(np.abs(known.gain) ** 2, 1e-9), rtol=1e-3)
    unknown = Rayleigh(60.0, block=1, known=False).transmit(sent, generator(1, 0, 0))
    phases = np.angle(unknown.equalized()[0] / sent)
    assert np.abs(phases).max() < 0.3
    assert np.std(np.abs(unknown.equalized()[0]) / np.abs(sent)) > 0.3


def test_mismatch_changes_what_is_believed_and_not_what_happens():
    sent = symbols(1000)
    true, wrong = Awgn(10.0), Awgn(10.0, snr_est_db=0.0)
    one, other = (channel.transmit(sent, generator(1, 0, 0)) for channel in (true, wrong))
    np.testing.assert_array_equal(one.symbols, other.symbols)
    assert (true.believed_db, wrong.believed_db) == (10.0, 0.0)
    assert (one.noise_variance, other.noise_variance) == pytest.approx((0.1, 1.0))


@pytest.mark.parametrize(
    ("name", "params", "line"),
    [
        ("awgn", {"snr_db": "high"}, "snr_db is 'high'"),
        ("awgn", {"snr_db": float("nan")}, "snr_db is nan"),
        ("awgn", {"snr_db": 0, "snr_est_db": 500}, "snr_est_db is 500"),
        ("awgn", {}, "missing 'snr_db'"),
        ("rayleigh", {"snr_db": 0, "block": -1}, "block is -1"),
        ("rayleigh", {"snr_db": 0, "known": 1}, "known is 1"),
    ],
)
def test_mistakes_are_one_line_each(name, params, line):
    with pytest.raises(ValueError, match=line) as error:
        PHYSICAL.get(name).from_params(**params)
    assert "\n" not in str(error.value)
