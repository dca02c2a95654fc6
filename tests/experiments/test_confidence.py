"""Intervals cover the truth as often as they say, stay inside the range, and count loss patterns, not clips."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lossweep.experiments.confidence import interval

SWEEPS = 1000
PACKETS = 200


def _sweep(rng, loss, clips, patterns, kind):
    """Values [patterns, clips] of one simulated sweep: every clip meets the same losses, and suffers in its own way."""
    lost = rng.binomial(PACKETS, loss, patterns)[:, None] / PACKETS
    return _score(lost, clips, kind)


def _score(lost, clips, kind):
    frail = np.linspace(2.0, 6.0, clips)
    if kind == "unlimited":
        return 40 - 10 * frail * lost
    return 1 / (1 + frail * lost) if kind == "high" else np.tanh(frail * lost)


def _truth(loss, clips, kind):
    """The exact mean, over the binomial law of the losses."""
    lost = np.arange(PACKETS + 1)
    scores = _score(lost[:, None] / PACKETS, clips, kind)
    return float((stats.binom.pmf(lost, PACKETS, loss)[:, None] * scores).sum(axis=0).mean())


@pytest.mark.parametrize("kind", ["unlimited", "high", "low"])
@pytest.mark.parametrize("loss", [0.02, 0.1, 0.3])
@pytest.mark.parametrize(("clips", "patterns"), [(1, 5), (3, 5), (2, 10)])
def test_the_interval_covers_the_truth_in_95_percent_of_the_sweeps(kind, loss, clips, patterns):
    rng = np.random.default_rng([clips, patterns, int(1000 * loss)])
    limits = (None, None) if kind == "unlimited" else (0.0, 1.0)
    truth = _truth(loss, clips, kind)
    hits = 0
    for _ in range(SWEEPS):
        found = interval(_sweep(rng, loss, clips, patterns, kind), *limits)
        hits += found.lower <= truth <= found.upper
    assert hits / SWEEPS == pytest.approx(0.95, abs=0.02)


def test_clips_that_meet_the_same_losses_add_no_certainty():
    patterns = np.array([0.2, 0.5, 0.4, 0.3])
    one = interval(patterns)
    copies = interval(np.repeat(patterns[:, None], 8, axis=1))
    assert copies.n == one.n == 4
    assert (copies.lower, copies.upper) == pytest.approx((one.lower, one.upper))


def test_how_clips_differ_widens_nothing():
    patterns = np.array([0.02, -0.01, 0.03, -0.04])
    alike = interval(0.5 + np.stack([patterns, patterns], axis=1))
    apart = interval(np.array([0.2, 0.8]) + patterns[:, None])
    assert apart.upper - apart.lower == pytest.approx(alike.upper - alike.lower)


def test_a_missing_cell_does_not_move_the_pattern():
    whole = np.array([0.2, 0.8]) + np.array([0.0, 0.01, -0.01])[:, None]
    holed = whole.copy()
    holed[0, 1] = np.nan
    found = interval(holed)
    assert found.mean == pytest.approx(0.5, abs=0.01)
    assert found.upper - found.lower < 0.1


@given(
    st.lists(st.lists(st.floats(0, 1), min_size=2, max_size=2), min_size=2, max_size=8),
    st.sampled_from([(0.0, 1.0), (0.0, None), (None, 1.0)]),
)
def test_it_stays_inside_the_range_and_around_the_mean(values, limits):
    found = interval(values, *limits)
    assert found.lower <= found.mean + 1e-12
    assert found.mean <= found.upper + 1e-12
    assert limits[0] is None or found.lower >= limits[0]
    assert limits[1] is None or found.upper <= limits[1]


def test_one_pattern_has_no_interval():
    found = interval([[0.3, 0.5, 0.1]])
    assert found.mean == pytest.approx(0.3)
    assert np.isnan(found.lower)
    assert np.isnan(found.upper)


def test_without_limits_it_is_student_t():
    values = [1.0, 2.0, 4.0, 7.0]
    expected = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    found = interval(values)
    assert (found.lower, found.upper) == pytest.approx(expected)
