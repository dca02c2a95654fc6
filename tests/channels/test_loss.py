"""Loss models: corner cases, two-sided tests of the textbook statistics, errors in one line."""

import math

import numpy as np
import pytest

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.chance import Chance
from lossweep.channels.channel import CHANNELS
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.channels.packets import Packets

Z = 4.5  # two-sided, 7e-6 a comparison
MODELS = [
    Bernoulli(0.3),
    GilbertElliott.from_burst(loss_rate=0.1, mean_burst_length=4),
    GilbertElliott.from_burst(loss_rate=0.6, mean_burst_length=8),
    GilbertElliott(p=0.7, r=0.8),  # bursts shorter than those of independent loss
    GilbertElliott(p=0.05, r=0.2, one_minus_h=0.8, one_minus_k=0.02),
]


def packets(n):
    """`n` packets in blocks of 250."""
    number = np.arange(n)
    return Packets(number, number // 250, number % 250, np.full(n, 100), number * 0.01)


def step(model, n, seed=1, packets_of=packets):
    """The model itself, as arrays; that it is the same packet by packet is tested for every element."""
    return model.start(Chance(seed, 0, 0), 0.0).lost(packets_of(n))


def sample(model, n, seed=1):
    return model.sample(n, np.random.default_rng(seed))


def runs(lost):
    """Lengths of the loss runs that the ends do not cut."""
    edges = np.flatnonzero(np.diff(lost.astype(int)))
    lengths = np.diff(edges)
    return lengths[lost[edges[:-1] + 1]]


def variance_of_mean(model, n):
    """Of the loss rate over n packets, with the chain's correlation (glossary)."""
    loss = model.loss_rate
    grows = 1.0
    if isinstance(model, GilbertElliott):
        memory, bad = 1 - model.p - model.r, model.bad_fraction
        gap = (model.one_minus_h - model.one_minus_k) ** 2 * bad * (1 - bad)
        grows += 2 * memory / (1 - memory) * gap / (loss * (1 - loss))
    return loss * (1 - loss) * grows / n


@pytest.mark.parametrize("draw", [step, sample])
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_loss_rate_and_mean_burst_are_the_theory_s(model, draw):
    n = 100_000
    lost = draw(model, n)
    assert abs(lost.mean() - model.loss_rate) < Z * math.sqrt(variance_of_mean(model, n))
    lengths = runs(lost)
    assert abs(lengths.mean() - model.mean_burst_length) < Z * lengths.std() / math.sqrt(len(lengths))


@pytest.mark.parametrize("draw", [step, sample])
def test_runs_of_the_simple_gilbert_channel_are_geometric(draw):
    lengths = runs(draw(GilbertElliott.from_burst(loss_rate=0.2, mean_burst_length=3), 100_000))
    for length in (1, 2, 5):
        share = (1 / 3) * (2 / 3) ** (length - 1)
        bound = Z * math.sqrt(share * (1 - share) / len(lengths))
        assert abs(np.mean(lengths == length) - share) < bound


@pytest.mark.parametrize("draw", [step, sample])
def test_the_first_state_is_from_the_stationary_law(draw):
    model = GilbertElliott.from_burst(loss_rate=0.3, mean_burst_length=50)
    first = [draw(model, 1, seed)[0] for seed in range(2000)]
    assert abs(np.mean(first) - 0.3) < Z * math.sqrt(0.3 * 0.7 / 2000)


@pytest.mark.parametrize("draw", [step, sample])
@pytest.mark.parametrize(
    ("p", "r", "loss", "burst"),
    [(0, 0, 0.0, math.nan), (0, 1, 0.0, 1.0), (1, 0, 1.0, math.inf), (1, 1, 0.5, 1.0)],
)
def test_corners_of_p_and_r(draw, p, r, loss, burst):
    model = GilbertElliott(p=p, r=r)
    lost = draw(model, 1000)
    assert lost.mean() == model.loss_rate == loss
    if (p, r) == (1, 1):
        assert (lost[1:] != lost[:-1]).all()
    if not math.isnan(burst):
        assert model.mean_burst_length == burst


def test_a_chain_that_is_never_left_fills_the_rest():
    lost = sample(GilbertElliott(p=0.01, r=0), 5000)
    assert lost.all()  # stationary: the bad state swallows all
    assert not sample(GilbertElliott(p=0, r=0.01), 5000).any()


@pytest.mark.parametrize("loss", [0.0, 0.001, 0.1, 0.5, 0.8])
def test_from_burst_gives_what_was_asked(loss):
    model = GilbertElliott.from_burst(loss_rate=loss, mean_burst_length=4)
    assert model.loss_rate == pytest.approx(loss, abs=1e-12)
    assert model.mean_burst_length == pytest.approx(4)


def test_gilbert_elliott_without_memory_is_independent_loss():
    model = GilbertElliott(p=0.3, r=0.7)
    assert model.loss_rate == pytest.approx(0.3)
    assert model.mean_burst_length == pytest.approx(Bernoulli(0.3).mean_burst_length)


def test_chains_that_meet_the_same_uniforms_soon_run_together():
    model = GilbertElliott.from_burst(loss_rate=0.3, mean_burst_length=4)
    sent = packets(2000)
    one, other = (model.start(Chance(3, 0, 0), 0.0) for _ in range(2))
    one._bad, other._bad = True, False
    assert (one.lost(sent) == other.lost(sent))[60:].all()


def test_more_loss_loses_what_less_loss_loses():
    for make in (Bernoulli, lambda q: GilbertElliott.from_burst(loss_rate=q, mean_burst_length=4)):
        before = np.zeros(20_000, dtype=bool)
        for rate in (0.05, 0.1, 0.3, 0.6):
            now = step(make(rate), 20_000)
            assert not (before & ~now).any()
            before = now


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("bernoulli", {"loss_rate": 1.5}, r"loss_rate is 1.5; it must be a number in \[0, 1\]"),
        ("bernoulli", {"loss_rate": math.nan}, "loss_rate is nan"),
        ("bernoulli", {"loss_rate": "10%"}, "loss_rate is '10%'"),
        ("bernoulli", {}, "missing 'loss_rate'"),
        ("bernoulli", {"loss_rate": 0.1, "p": 0.2}, "unknown 'p'"),
        ("gilbert_elliott", {"p": 0.1}, "missing 'r'"),
        ("gilbert_elliott", {"p": 0.1, "r": -1}, "r is -1"),
        ("gilbert_elliott", {"p": 0.1, "r": 0.2, "loss_rate": 0.1}, "not both"),
        ("gilbert_elliott", {"loss_rate": 0.1}, "missing 'mean_burst_length'"),
        ("gilbert_elliott", {"loss_rate": 0.1, "mean_burst_length": 0.5}, "1 or more"),
        (
            "gilbert_elliott",
            {"loss_rate": 0.9, "mean_burst_length": 4},
            "largest loss it gives is 0.8.* 9 or more",
        ),
        ("gilbert_elliott", {"loss_rate": 1, "mean_burst_length": 4}, "no finite burst"),
    ],
)
def test_bad_parameters_end_in_one_line(name, params, says):
    with pytest.raises(ValueError, match=says) as error:
        CHANNELS.get(name).from_params(**params)
    assert "\n" not in str(error.value)
