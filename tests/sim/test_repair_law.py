"""What is left after Reed-Solomon repair, against exact laws, two-sided, on a million packets."""

import math

import numpy as np
import pytest
from scipy.stats import binom
from streams import stream

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.bursts_in_time import BurstsInTime
from lossweep.channels.delay import Delay
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.sim.simulate import simulate

PACKETS = 1_000_000
Z = 4.5


def residual(code, path, packets=PACKETS, **options):
    """Source loss after repair, by block."""
    blocks = packets // code.n
    got = simulate(stream(code, blocks, **options), path, Delay(), seed=11)
    return 1.0 - got.usable.reshape(blocks, code.n)[:, : code.k].mean(axis=1)


def within(found, expected, parts=100):
    means = found[: len(found) // parts * parts].reshape(parts, -1).mean(axis=1)
    assert abs(means.mean() - expected) < Z * means.std() / math.sqrt(parts), (means.mean(), expected)


@pytest.mark.parametrize(("k", "n", "loss"), [(10, 20, 0.3), (32, 63, 0.45), (4, 6, 0.1), (8, 12, 0.2)])
def test_independent_losses_leave_the_binomial_tail(k, n, loss):
    """A source packet is lost for good if it is lost and fewer than k of the n - 1 others arrive."""
    expected = loss * binom.cdf(k - 1, n - 1, 1 - loss)
    within(residual(ReedSolomon(0.5).make(k, n), Bernoulli(loss)), expected)


def gilbert_elliott_residual(model, k, n):
    """By dynamic programming over (state, losses so far): expected losses among the first k, if more than n - k."""
    move = np.array([[1 - model.p, model.p], [model.r, 1 - model.r]])
    loss = np.array([model.one_minus_k, model.one_minus_h])
    chance, source = np.zeros((n + 1, 2)), np.zeros((n + 1, 2))
    now = np.array([1 - model.bad_fraction, model.bad_fraction])
    for position in range(n):
        if position == 0:
            before_chance, before_source = np.zeros((n + 1, 2)), np.zeros((n + 1, 2))
            before_chance[0] = now
        else:
            before_chance, before_source = chance @ move, source @ move
        chance, source = before_chance * (1 - loss), before_source * (1 - loss)
        lost_chance, lost_source = before_chance * loss, before_source * loss
        if position < k:
            lost_source = lost_source + lost_chance
        chance[1:] += lost_chance[:-1]
        source[1:] += lost_source[:-1]
    return source[n - k + 1 :].sum() / k


@pytest.mark.parametrize(("k", "n"), [(10, 20), (10, 15), (32, 48)])
@pytest.mark.parametrize(
    "model",
    [
        GilbertElliott.from_burst(loss_rate=0.1, mean_burst_length=4),
        GilbertElliott(p=0.03, r=0.2, one_minus_h=0.8, one_minus_k=0.01),
    ],
    ids=["simple", "four parameters"],
)
def test_gilbert_elliott_leaves_what_dynamic_programming_says(model, k, n):
    within(residual(ReedSolomon(0.5).make(k, n), model), gilbert_elliott_residual(model, k, n))


def test_a_burst_in_time_is_as_long_for_more_packets_and_in_packets_it_is_shorter():
    """RS(20, 10), evenly paced, 5 % loss, bursts of two source packets (80 ms): the finding that asks for time."""
    code, gap_s = ReedSolomon(0.5).make(10, 20), 0.02  # twice as many packets as source packets of 40 ms
    in_time = BurstsInTime(loss_rate=0.05, mean_burst_s=0.08)
    steps = GilbertElliott.from_burst(loss_rate=0.05, mean_burst_length=2)
    found = {}
    for name, path in (("time", in_time), ("packets", steps)):
        sent = stream(code, 20_000, duration_s=20 * gap_s)
        got = simulate(sent, path, Delay(), seed=3, pacing_factor=1.0)
        found[name] = 1.0 - got.usable[got.source].mean()
    assert 4 < found["time"] / found["packets"] < 40
    sampled = math.exp(-gap_s / (0.08 * 0.95))
    stays = 0.05 + 0.95 * sampled
    chain = GilbertElliott(p=(1 - stays) * 0.05 / 0.95, r=1 - stays)
    assert found["time"] == pytest.approx(gilbert_elliott_residual(chain, 10, 20), rel=0.15)
    assert found["packets"] == pytest.approx(gilbert_elliott_residual(steps, 10, 20), rel=0.35)


def test_no_code_leaves_the_channel_s_loss():
    within(residual(NoCode().make(10), Bernoulli(0.07)), 0.07)
