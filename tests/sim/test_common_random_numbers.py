"""Different streams meet the same network."""

import math

import numpy as np
import pytest
from streams import stream

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.chance import SLOTS, Chance
from lossweep.channels.delay import Delay
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.channels.packets import Packets
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.sim.simulate import simulate

RS = ReedSolomon(0.5)
DELAY = Delay(0.05, 0.005, reordering=True)
BLOCKS = 200


def delivery(n, loss, *, k=32, spread=False, size=100, duration_s=0.16):
    code = RS.make(k, n) if n > k else NoCode().make(k)
    sent = stream(code, BLOCKS, spread=spread, size=size, duration_s=duration_s)
    return simulate(sent, loss, DELAY, seed=7, repetition=2)


def bursts(loss_rate):
    return GilbertElliott.from_burst(loss_rate=loss_rate, mean_burst_length=4)


def by_block(delivery, n):
    return delivery.lost.reshape(BLOCKS, n)


def test_bernoulli_loses_the_same_in_common_slots():
    short, long = by_block(delivery(63, Bernoulli(0.4)), 63), by_block(delivery(127, Bernoulli(0.4)), 127)
    other = by_block(delivery(40, Bernoulli(0.4), k=8, spread=True, size=999, duration_s=1.0), 40)
    assert (short == long[:, :63]).all()
    assert (other == short[:, :40]).all()
    assert short.any()


def test_delay_is_the_same_in_common_slots():
    short, long = delivery(63, Bernoulli(0.0)), delivery(127, Bernoulli(0.0))
    flight = [(d.arrived_s - d.sent_s).reshape(BLOCKS, n) for d, n in ((short, 63), (long, 127))]
    assert flight[0] == pytest.approx(flight[1][:, :63], abs=1e-9)


@pytest.mark.parametrize("make", [Bernoulli, bursts])
def test_what_is_lost_at_a_lower_rate_is_lost_at_a_higher_one(make):
    before = np.zeros(BLOCKS * 63, dtype=bool)
    for rate in (0.0, 0.05, 0.3, 0.6):
        lost = delivery(63, make(rate)).lost
        assert not (before & ~lost).any()
        before = lost


@pytest.mark.parametrize("burst", [2, 4, 8])
def test_gilbert_elliott_is_nearly_always_in_the_same_state(burst):
    """Blocks start in independent states; each step makes them one with probability p + r, for the block."""
    loss = GilbertElliott.from_burst(loss_rate=0.3, mean_burst_length=burst)
    short, long = by_block(delivery(63, loss), 63), by_block(delivery(127, loss), 127)
    differ = (short != long[:, :63]).sum(axis=1)
    memory = 1 - loss.p - loss.r
    expected = 2 * 0.3 * 0.7 * memory / (1 - memory)
    assert abs(differ.mean() - expected) < 4.5 * differ.std() / math.sqrt(BLOCKS)
    assert differ.mean() / 63 < 0.04


@pytest.mark.parametrize("n", [32, 63, 127])
def test_gilbert_elliott_keeps_its_statistics_in_every_stream(n):
    loss = GilbertElliott.from_burst(loss_rate=0.3, mean_burst_length=4)
    lost = delivery(n, loss).lost
    memory = 1 - loss.p - loss.r
    variance = 0.3 * 0.7 * (1 + 2 * memory / (1 - memory)) / len(lost)
    assert abs(lost.mean() - 0.3) < 4.5 * math.sqrt(variance)
    runs = np.count_nonzero(np.diff(lost.astype(int)) == 1)
    assert abs(lost.sum() / runs - 4) < 4.5 * math.sqrt(12 / runs)


def packets(sbn, esi, copy=None):
    return Packets(np.arange(len(sbn)), sbn, esi, np.full(len(sbn), 100), np.arange(len(sbn)) * 0.01, copy)


def test_a_slot_s_uniforms_depend_on_nothing_but_the_slot():
    names = {"seed": 1, "repetition": 2, "element": 0}
    chance = Chance(**names)
    sbn = np.repeat(np.arange(2100), 3)
    esi = np.tile([0, 5, 2 * SLOTS + 1], 2100)
    whole = chance.uniforms(packets(sbn, esi), 2)
    some = np.random.default_rng(0).permutation(len(sbn))[:60]
    assert (chance.uniforms(packets(sbn[some], esi[some]), 2) == whole[some]).all()
    read = chance.reader(2)
    assert [read.of(row) for row in packets(sbn[some], esi[some]).rows()] == whole[some].tolist()
    assert len(np.unique(whole)) == whole.size
    for name in names:
        assert not (Chance(**(names | {name: 9})).uniforms(packets(sbn, esi), 2) == whole).any()
    again = chance.uniforms(packets(sbn, esi, np.ones(len(sbn), dtype=int)), 2)
    assert not (again == whole).any()


def test_a_block_of_more_than_256_packets_goes_on_in_fresh_chance():
    sent = stream(NoCode().make(700), 3)
    lost = simulate(sent, Bernoulli(0.5), DELAY, seed=1).lost.reshape(3, 700)
    assert abs(np.mean(lost[:, :256] == lost[:, 256:512]) - 0.5) < 4.5 * 0.5 / math.sqrt(768)
