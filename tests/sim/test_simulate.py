"""The whole path: conservation, exact laws, deadlines, reproducibility."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from streams import stream

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.sim.sender import departures
from lossweep.sim.simulate import simulate
from lossweep.sim.statistics import statistics

RS = ReedSolomon(0.5)
STILL, SHAKY = Delay(0.05), Delay(0.05, 0.02, reordering=True)
BURSTS = GilbertElliott.from_burst(loss_rate=0.3, mean_burst_length=4)


def residual_loss(k, n, loss):
    """A source packet of an MDS block is lost for good when fewer than k of the n - 1 others arrive."""
    return loss * binom.cdf(k - 1, n - 1, 1 - loss)


@pytest.mark.parametrize(("k", "n"), [(32, 63), (32, 127), (4, 6), (3, 3)])
@pytest.mark.parametrize("loss", [0.0, 0.1, 0.5, 0.75, 1.0])
def test_post_repair_loss_is_the_exact_binomial_law(k, n, loss):
    sent = stream(RS.make(k, n), 6000 // n)
    got = simulate(sent, Bernoulli(loss), STILL, seed=5)
    unusable = ~got.usable.reshape(-1, n)[:, :k]
    a_block = unusable.mean(axis=1)
    expected = residual_loss(k, n, loss)
    assert abs(a_block.mean() - expected) <= 4.5 * max(a_block.std(), 1e-9) / math.sqrt(len(a_block)) + 1e-3


@pytest.mark.parametrize("delay", [STILL, SHAKY])
@pytest.mark.parametrize("spread", [False, True])
def test_conservation_and_what_the_columns_mean(delay, spread):
    sent = stream(RS.make(8, 14), 100, spread=spread)
    got = simulate(sent, BURSTS, delay, seed=1, playout_delay_s=0.25)
    figures = statistics(sent, got)
    assert figures["packets_sent"] == figures["packets_received"] + figures["packets_lost"] == 1400
    assert (np.isnan(got.arrived_s) == got.lost).all()
    assert not (got.lost & got.late).any()
    in_time = ~got.lost & ~got.late
    assert (got.usable == in_time | got.recovered).all()
    assert not (got.recovered & (in_time | ~got.source)).any()
    assert (got.late == (got.arrived_s > sent.media_time_s + 0.25)).all()
    assert (got.arrived_s[~got.lost] >= got.sent_s[~got.lost]).all()


@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("playout_delay_s", [0.12, 0.2, 0.22, 0.25, 0.4])
def test_repair_in_time_is_what_the_code_says_of_what_had_come_by_each_deadline(spread, playout_delay_s):
    sent = stream(RS.make(8, 14), 60, spread=spread)
    got = simulate(sent, BURSTS, SHAKY, seed=2, playout_delay_s=playout_delay_s)
    for block in sent.blocks:
        arrived_s = got.arrived_s[block.packets]
        for esi in range(block.code.k):
            deadline = sent.media_time_s[block.first + esi] + playout_delay_s
            assert got.usable[block.first + esi] == block.code.recovers(arrived_s <= deadline)[esi]


def test_xor_parity_repairs_below_k_arrivals():
    """A code that is not MDS: one parity packet over the first two of three source packets."""

    class Parity:
        k, n, mds = 3, 4, False

        def recovers(self, arrived):
            known = arrived[:3].copy()
            if arrived[3] and known[:2].sum() == 1:
                known[:2] = True
            return known

    sent = stream(Parity(), 200)
    got = simulate(sent, Bernoulli(0.4), STILL, seed=1)
    arrived, usable = ~got.lost.reshape(-1, 4), got.usable.reshape(-1, 4)
    assert (usable[:, :3] == [Parity().recovers(a) for a in arrived]).all()
    assert (
        usable[:, :3].any(axis=1) & (arrived.sum(axis=1) < 3) & got.recovered.reshape(-1, 4).any(axis=1)
    ).any()


@pytest.mark.parametrize("spread", [False, True])
def test_auto_playout_delay_makes_nothing_late_on_a_still_path(spread):
    sent = stream(RS.make(32, 63), 20, spread=spread)
    got = simulate(sent, Bernoulli(0.0), STILL, seed=0)
    assert not got.late.any()
    least = np.max(got.arrived_s - sent.media_time_s)
    assert got.playout_delay_s == pytest.approx(least)
    tight = simulate(sent, Bernoulli(0.0), STILL, seed=0, playout_delay_s=least - 1e-6)
    assert tight.late.any()


def test_auto_playout_delay_leaves_a_thousandth_late_at_most():
    sent = stream(NoCode().make(1), 20_000, duration_s=0.02)
    got = simulate(sent, Bernoulli(0.0), SHAKY, seed=0)
    assert abs(got.late.mean() - 0.001) < 4.5 * math.sqrt(0.001 / 20_000)


def test_no_jitter_no_reordering_and_jitter_reorders():
    sent = stream(RS.make(32, 63), 20)
    assert (np.diff(simulate(sent, Bernoulli(0.0), STILL, seed=0).arrived_s) > 0).all()
    assert (np.diff(simulate(sent, Bernoulli(0.0), SHAKY, seed=0).arrived_s) < 0).any()


def test_packets_of_equal_time_leave_evenly_before_the_next_are_there():
    sent = stream(NoCode().make(4), 3, duration_s=1.0)
    order, plan = departures(sent, pacing_factor=2.5)
    assert order.tolist() == list(range(12))
    assert plan == pytest.approx([b + 1 + 0.1 * i for b in range(3) for i in range(4)])
    got = simulate(sent, Bernoulli(0.0), STILL, seed=0)
    assert got.sent_s == pytest.approx(plan)
    alone = departures(stream(NoCode().make(4), 1, duration_s=1.0))[1]
    assert alone == pytest.approx([1.0, 1.1, 1.2, 1.3])


def test_packets_leave_when_they_are_there_whatever_the_stream_s_order():
    sent = stream(NoCode().make(2), 2)
    sent = replace(sent, available_s=np.array([0.0, 3.0, 1.0, 2.0]))
    got = simulate(sent, Bernoulli(0.0), STILL, seed=0, playout_delay_s=9.0)
    assert got.sent_s.tolist() == [0.0, 3.0, 1.0, 2.0]


def test_same_seed_same_table_and_another_seed_or_repetition_another():
    sent = stream(RS.make(8, 14), 50)

    def table(**names):
        return simulate(sent, BURSTS, SHAKY, **names).table()

    pd.testing.assert_frame_equal(table(seed=3), table(seed=3), check_exact=True)
    others = [table(seed=3), table(seed=4), table(seed=3, repetition=1), table(seed=4, repetition=1)]
    assert len({tuple(t["lost"]) for t in others}) == 4


def test_statistics_of_a_stream_by_hand():
    sent = stream(NoCode().make(5), 4, duration_s=0.5, size=112)
    got = simulate(sent, Bernoulli(0.0), STILL, seed=0)
    lost = np.zeros(20, dtype=bool)
    lost[[0, 1, 5, 19]] = True
    got = replace(got, lost=lost, usable=~lost, arrived_s=np.where(lost, np.nan, got.arrived_s))
    figures = statistics(sent, got)
    assert figures["realised_loss"] == figures["post_repair_loss"] == 0.2
    assert figures["realised_mean_burst_length"] == pytest.approx(4 / 3)
    assert figures["payload_bps"] == 20 * 100 * 8 / 2
    assert figures["wire_bps"] == 20 * 140 * 8 / 2
    clean = statistics(sent, replace(got, lost=np.zeros(20, dtype=bool)))
    assert math.isnan(clean["realised_mean_burst_length"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"playout_delay_s": -1.0}, "playout_delay_s is -1.0"),
        ({"pacing_factor": 0.5}, "pacing_factor is 0.5"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_bad_arguments_end_in_one_line(change, says):
    sent = stream(NoCode().make(2), 2)
    with pytest.raises(ValueError, match=says):
        simulate(sent, Bernoulli(0.1), STILL, **({"seed": 0} | change))
    with pytest.raises(ValueError, match="block after block"):
        simulate(replace(sent, packets=sent.packets[1:]), Bernoulli(0.1), STILL, seed=0)
    with pytest.raises(ValueError, match="no packets"):
        simulate(replace(sent, packets=(), blocks=()), Bernoulli(0.1), STILL, seed=0)
