"""Loss models against their exact laws, two-sided, on a million packets."""

import math

import numpy as np
import pytest
from scipy.stats import chi2

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.bursts_in_time import BurstsInTime
from lossweep.channels.chance import Chance
from lossweep.channels.corruption import Corruption
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.channels.hidden_markov import Chain, HiddenMarkovStage
from lossweep.channels.loss_state import LossState
from lossweep.channels.outage import Outage
from lossweep.channels.packets import Packets

COUNT = 1_000_000
GAP_S = 0.004
Z = 4.5


@pytest.fixture(scope="module")
def packets():
    number = np.arange(COUNT)
    return Packets(number, number // 200, number % 200, np.full(COUNT, 1000), number * GAP_S)


def gilbert_elliott_chain(model):
    moves = np.array([[1 - model.p, model.p], [model.r, 1 - model.r]])
    return Chain(moves, np.array([model.one_minus_k, model.one_minus_h]))


def sampled_in_time(model):
    """The chain of the clock, looked at once per packet: both lost with probability l + (1 - l) exp(-t / tau)."""
    loss, tau = model.loss_rate, model.mean_burst_s * (1 - model.loss_rate)
    stays = loss + (1 - loss) * math.exp(-GAP_S / tau)
    to_bad = (1 - stays) * loss / (1 - loss)
    return Chain(np.array([[1 - to_bad, to_bad], [1 - stays, stays]]), np.array([0.0, 1.0]))


GE = GilbertElliott(p=0.02, r=0.25, one_minus_h=0.85, one_minus_k=0.01)
FLIP = GilbertElliott(p=0.7, r=0.8)
SIMPLE = GilbertElliott.from_burst(loss_rate=0.05, mean_burst_length=2)
IN_TIME = BurstsInTime(loss_rate=0.1, mean_burst_s=0.02)
STATES = LossState(p13=0.02, p31=0.2, p32=0.2, p23=0.5, p14=0.01)
THREE = Chain(np.array([[0.95, 0.04, 0.01], [0.1, 0.8, 0.1], [0.05, 0.25, 0.7]]), np.array([0.001, 0.2, 0.9]))

MODELS = {
    "bernoulli": (Bernoulli(0.2), Chain(np.array([[1.0]]), np.array([0.2]))),
    "gilbert_elliott": (GE, gilbert_elliott_chain(GE)),
    "short bursts": (FLIP, gilbert_elliott_chain(FLIP)),
    "simple gilbert": (SIMPLE, gilbert_elliott_chain(SIMPLE)),
    "bursts in time": (IN_TIME, sampled_in_time(IN_TIME)),
    "loss_state": (STATES, Chain(STATES.transitions(), np.array([0.0, 0.0, 1.0, 1.0]))),
    "hidden_markov": (None, THREE),
}


def lost(name, packets):
    model, chain = MODELS[name]
    chance = Chance(7, 0, 0)
    stage = HiddenMarkovStage(chain, chance) if model is None else model.start(chance, 0.0)
    return stage.lost(packets)


def run_lengths(found):
    edges = np.flatnonzero(np.diff(np.concatenate([[False], found, [False]]).astype(np.int8)))
    return edges[1::2] - edges[::2]


@pytest.mark.parametrize("name", MODELS)
def test_loss_rate_and_burst_lengths_follow_the_exact_law(name, packets):
    found, chain = lost(name, packets), MODELS[name][1]
    parts = found.reshape(100, -1).mean(axis=1)
    assert abs(found.mean() - chain.loss_rate) < Z * parts.std() / math.sqrt(len(parts))
    lengths, law = run_lengths(found), chain.burst_lengths(400)
    classes = np.arange(
        1, 1 + np.searchsorted(-law * len(lengths), -10.0)
    )  # 10 runs or more expected in each
    counts = np.array([np.count_nonzero(lengths == n) for n in classes])
    counts = np.append(counts, len(lengths) - counts.sum())
    expected = np.append(law[: len(classes)], 1 - law[: len(classes)].sum()) * len(lengths)
    keep = expected > 1
    statistic = np.sum((counts[keep] - expected[keep]) ** 2 / expected[keep])
    degrees = np.count_nonzero(keep) - 1
    assert chi2.sf(statistic, degrees) > 1e-5
    assert chi2.cdf(statistic, degrees) > 1e-5  # too good a fit is no chance either


def test_bursts_in_time_last_as_long_as_asked_however_many_packets_are_sent():
    model = BurstsInTime(loss_rate=0.1, mean_burst_s=0.05)
    masks = []
    for gap_s in (0.001, 0.002):
        times = np.arange(int(2000 / gap_s)) * gap_s
        number = np.arange(len(times))
        found = model.start(Chance(1, 0, 0), 0.0).lost(
            Packets(number, number, number * 0, np.full(len(number), 100), times)
        )
        bursts_s = run_lengths(found) * gap_s
        # A run of m packets gap apart is what is seen of a burst; unseen bursts are shorter than the gap.
        assert abs(bursts_s.mean() - 0.05) < Z * 0.05 / math.sqrt(len(bursts_s)) + gap_s
        masks.append(found)
    assert (masks[0][::2] == masks[1]).all()


def test_packets_of_another_rate_meet_the_same_bursts_and_repetitions_others(packets):
    model = BurstsInTime(loss_rate=0.2, mean_burst_s=0.1)
    few = packets.select(slice(0, None, 10))
    whole = model.start(Chance(1, 0, 0), 0.0).lost(packets)
    assert (whole[::10] == model.start(Chance(1, 0, 0), 0.0).lost(few)).all()
    other = model.start(Chance(1, 1, 0), 0.0).lost(packets)
    assert abs(np.mean(whole & other) - 0.04) < 0.01


def test_an_outage_is_when_it_is_said_to_be(packets):
    found = Outage(start_s=2.0, duration_s=0.5, every_s=10.0).start(Chance(0, 0, 0), 0.0).lost(packets)
    inside = (packets.time_s >= 2.0) & ((packets.time_s - 2.0) % 10.0 < 0.5)
    assert (found == inside).all()
    assert found.mean() == pytest.approx(0.05, abs=1e-3)


def test_bits_are_inverted_evenly_over_the_payload(packets):
    out = Corruption(0.5, deliver=True).start(Chance(3, 0, 3), 0.0).apply(packets, math.inf)
    bits = out.flipped_bit[out.flipped_bit >= 0]
    assert abs(len(bits) / COUNT - 0.5) < Z * 0.5 / math.sqrt(COUNT)
    assert bits.min() >= 0
    assert bits.max() < 972 * 8
    shares = np.bincount(bits // (972 * 8 // 8), minlength=8) / len(bits)
    assert np.abs(shares - 0.125).max() < Z * math.sqrt(0.125 * 0.875 / len(bits))
