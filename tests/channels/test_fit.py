"""Loss models fitted to losses of known models, and to recorded ones."""

import os
from pathlib import Path

import numpy as np
import pytest

from lossweep.channels.fit import burst_lengths, expectation_maximization, fit_losses, share_in_bursts
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.channels.hidden_markov import Chain
from lossweep.channels.loss_records import read_losses

LOSSGEN = Path(os.environ.get("LOSSWEEP_DATA", "/nowhere")) / "traces" / "lossgen"


def test_a_gilbert_elliott_channel_is_found_again():
    model = GilbertElliott(p=0.02, r=0.2, one_minus_h=0.8, one_minus_k=0.01)
    lost = model.sample(30_000, np.random.default_rng(1))
    fits = fit_losses(lost)
    chain = fits.gilbert_elliott.chain
    assert chain.transitions[0, 1] == pytest.approx(0.02, rel=0.25)
    assert chain.transitions[1, 0] == pytest.approx(0.2, rel=0.25)
    assert chain.loss == pytest.approx([0.01, 0.8], rel=0.2)
    assert fits.hidden is None
    assert fits.gilbert_elliott.log_likelihood > fits.gilbert.log_likelihood


def test_the_likelihood_is_that_of_the_forward_recursion():
    chain = Chain(np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([0.05, 0.6]))
    lost = np.random.default_rng(2).random(997) < 0.2
    fit = expectation_maximization(lost, chain)
    state, likelihood = fit.chain.stationary(), 0.0
    for gone in lost:
        state = (state @ fit.chain.transitions) * (fit.chain.loss if gone else 1 - fit.chain.loss)
        likelihood += np.log(state.sum())
        state = state / state.sum()
    assert fit.log_likelihood == pytest.approx(likelihood, rel=1e-4)


def test_expectation_maximization_never_makes_it_worse():
    lost = GilbertElliott(p=0.05, r=0.3, one_minus_h=0.9).sample(5000, np.random.default_rng(3))
    start = Chain(np.array([[0.8, 0.2], [0.5, 0.5]]), np.array([0.1, 0.5]))
    state, likelihood = start.stationary(), 0.0
    for gone in lost:
        state = (state @ start.transitions) * (start.loss if gone else 1 - start.loss)
        likelihood += np.log(state.sum())
        state = state / state.sum()
    assert expectation_maximization(lost, start).log_likelihood > likelihood


def test_burst_lengths_and_shares_by_hand():
    lost = np.array([1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1], dtype=bool)
    assert burst_lengths(lost).tolist() == [1, 2, 5]
    assert share_in_bursts(lost, 5) == 5 / 8
    chain = Chain(np.array([[0.9, 0.1], [0.5, 0.5]]), np.array([0.0, 1.0]))
    assert chain.burst_lengths(3) == pytest.approx([0.5, 0.25, 0.125])


@pytest.mark.parametrize(
    ("lost", "says"), [(np.zeros(50, bool), "too few"), (np.arange(200) == 7, "losses are too few")]
)
def test_what_cannot_be_fitted_is_said(lost, says):
    with pytest.raises(ValueError, match=says):
        fit_losses(lost)


@pytest.mark.skipif(not LOSSGEN.is_dir(), reason="needs LOSSWEEP_DATA with traces/lossgen")
def test_lossgen_s_losses_come_in_longer_bursts_than_a_gilbert_channel_s():
    lost = read_losses(str(LOSSGEN / "lossgen_05pct_100k.txt.gz")).lost
    assert burst_lengths(lost).mean() == pytest.approx(1.66, abs=0.005)
    assert burst_lengths(lost).max() == 55
    assert share_in_bursts(lost, 5) == pytest.approx(0.264, abs=0.001)
    fits = fit_losses(lost[:50_000])
    assert fits.gilbert.chain.share_in_bursts(5) == pytest.approx(0.086, abs=0.015)
    assert not fits.fits(fits.gilbert)
    assert fits.fits(fits.gilbert_elliott)
