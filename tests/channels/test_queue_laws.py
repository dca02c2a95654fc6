"""Queues against queueing theory, and CoDel against its control law."""

import math

import numpy as np
import pytest

from lossweep.channels.capacity import Capacity
from lossweep.channels.chance import Chance
from lossweep.channels.codel import INTERVAL_S, Codel, CodelStage, control_law
from lossweep.channels.cross_traffic import CrossTraffic
from lossweep.channels.drop_tail import Limit
from lossweep.channels.packets import Packets
from lossweep.channels.service import ConstantRate, Opportunities, RateRows

COUNT = 1_000_000
Z = 4.5


def poisson(rate, size, count=COUNT, seed=1):
    rng = np.random.default_rng(seed)
    number = np.arange(count)
    sizes = np.full(count, size) if np.ndim(size) == 0 else size
    return Packets(number, number // 200, number % 200, sizes, np.cumsum(rng.exponential(1 / rate, count)))


def within(found, expected, parts=100):
    """Two-sided, by the spread over parts of the run."""
    means = found[: len(found) // parts * parts].reshape(parts, -1).mean(axis=1)
    assert abs(means.mean() - expected) < Z * means.std() / math.sqrt(parts), (means.mean(), expected)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_the_wait_in_m_d_1(load):
    sent = poisson(1000 * load, 125)  # 1 ms each at 1 Mbit/s
    stage = Capacity(capacity_bps=1e6, queue_bytes=1e9).start(Chance(0, 0, 4), 0.0)
    wait_s = stage.leave_s(sent) - sent.time_s - 0.001
    within(wait_s, 0.001 * load / (2 * (1 - load)))
    within((wait_s < 1e-9).astype(float), 1 - load)


@pytest.mark.parametrize(("load", "queue"), [(0.8, 4), (1.2, 9), (0.95, 1)])
def test_the_loss_in_m_m_1_k(load, queue):
    """Exponential sizes; K = the queue and the packet that is being sent."""
    sizes = np.maximum(1, np.random.default_rng(2).exponential(1e6, 400_000).round()).astype(np.int64)
    sent = poisson(load, sizes, 400_000)
    stage = Capacity(capacity_bps=8e6, queue_packets=queue).start(Chance(0, 0, 4), 0.0)
    lost = np.isnan(stage.leave_s(sent))
    places = queue + 1
    within(lost.astype(float), (1 - load) * load**places / (1 - load ** (places + 1)))


def test_what_an_overloaded_link_lets_through_is_its_capacity():
    sent = poisson(2000, 125, 200_000)
    for limit in ({"queue_packets": 20}, {"queue_bytes": 2500}, {"queue_s": 0.02}):
        stage = Capacity(capacity_bps=1e6, **limit).start(Chance(0, 0, 4), 0.0)
        leave = stage.leave_s(sent)
        passed = ~np.isnan(leave)
        assert np.count_nonzero(passed) / (sent.time_s[-1] - sent.time_s[0]) == pytest.approx(1000, rel=0.01)
        assert np.diff(leave[passed]).min() > 0.001 - 1e-9  # one after the other
        assert (leave - sent.time_s)[passed].max() < 0.0211 + 0.001


def test_capacity_by_rows_is_the_constant_one_where_the_rows_are_equal():
    times = np.sort(np.random.default_rng(3).random(5000)) * 50
    rows = RateRows(np.array([0.0, 1.0, 2.5]), np.array([8e5, 8e5, 8e5]), 4.0)
    constant = ConstantRate(8e5)
    work = constant.work(times)
    assert np.abs(rows.work(times) - work).max() <= 1
    assert rows.time_s(work) == pytest.approx(constant.time_s(work), abs=1e-9)
    stepped = RateRows(np.array([0.0, 1.0, 2.0]), np.array([8e5, 0.0, 16e5]), 3.0)
    assert stepped.time_of(stepped.work_at(1.5)) == pytest.approx(
        1.0
    )  # nothing is served in the second second
    assert stepped.work_at(3.0) / stepped.work_at(1.0) == pytest.approx(3.0)


def test_delivery_opportunities_let_one_packet_through_each():
    service = Opportunities(np.array([0.010, 0.010, 0.050]))
    stage = Capacity(capacity_bps=1.0).start(Chance(0, 0, 4), 0.0)
    stage._service = service
    stage._limit = Limit()
    number = np.arange(5)
    sent = Packets(number, number, number * 0, np.full(5, 1500), np.array([0.0, 0.001, 0.002, 0.02, 0.02]))
    assert stage.leave_s(sent) == pytest.approx([0.010, 0.010, 0.050, 0.060, 0.060])


def test_codel_drops_at_the_times_of_its_control_law():
    """RFC 8289, 5.3: from the first drop on, intervals of 100 ms over the square root of the count."""
    codel, drops, now = Codel(), [], 0.0
    while len(drops) < 8:
        now += 0.0001
        may = codel.may_drop(0.05, 30_000, now)
        if codel.dropping and now >= codel.drop_next_s:
            codel.count += 1
            codel.drop_next_s = control_law(codel.drop_next_s, codel.count)
            drops.append(now)
        elif may and not codel.dropping:
            codel.enter(now)
            drops.append(now)
    assert drops[0] == pytest.approx(INTERVAL_S, abs=3e-4)
    assert np.diff(drops) == pytest.approx(INTERVAL_S / np.sqrt(np.arange(1, 8)), abs=3e-4)


def test_a_codel_queue_drops_more_and_more_from_an_overloaded_link():
    """Packets of 1 ms come at 1.05 times the capacity: gaps between drops shrink with the square root of the count."""
    count = 3000
    number = np.arange(count)
    sent = Packets(number, number, number * 0, np.full(count, 125), number * (0.001 / 1.05))
    stage = CodelStage(ConstantRate(1e6), Limit(packets=10_000))
    left = stage.apply(sent, math.inf)
    dropped = np.setdiff1d(number, left.index)
    after = np.searchsorted(left.index, dropped)  # the packet that was sent in its place
    drop_s = left.time_s[after] - 0.001
    gaps = np.diff(drop_s)[:10]
    assert gaps == pytest.approx(INTERVAL_S / np.sqrt(np.arange(1, 11)), abs=0.0021)


def test_codel_leaves_short_queues_alone():
    sent = poisson(500, 125, 50_000)
    stage = CodelStage(ConstantRate(1e6), Limit())
    assert len(stage.apply(sent, math.inf)) == len(sent)


@pytest.mark.parametrize("on_off", [{}, {"on_s": 0.5, "off_s": 1.5}])
def test_cross_traffic_has_its_rate(on_off):
    model = CrossTraffic(rate_bps=1e6, packet_bytes=1250, **on_off)
    times = model.start(Chance(1, 0, 5), 4000.0)._times_s
    share = 0.25 if on_off else 1.0
    assert len(times) / 4000 == pytest.approx(100 * share, rel=0.06 if on_off else 1e-3)
    assert (np.diff(times) > 0.01 - 1e-9).mean() > 0.98
    other = model.start(Chance(1, 0, 5), 10.0)._times_s
    assert (times[: len(other)] == other).all()


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"capacity_bps": 0}, "capacity_bps is 0; it must be .* more than 0"),
        ({"capacity_bps": 1e6, "queue_packets": 0}, "queue_packets is 0"),
        ({"capacity_bps": 1e6, "queue_s": 0}, "queue_s is 0"),
        ({"capacity_bps": 1e6, "queue_packets": 2, "queue_s": 1}, "one limit"),
        ({}, "either capacity_bps or"),
        ({"file": "/nowhere/trace"}, "cannot read trace /nowhere/trace"),
        ({"capacity_bps": 1e6, "aqm": "red"}, "'none' or 'codel'"),
    ],
)
def test_bad_capacities_end_in_one_line(params, says):
    with pytest.raises(ValueError, match=says) as error:
        Capacity.from_params(**params)
    assert "\n" not in str(error.value)
