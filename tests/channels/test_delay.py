"""Delay and the tc command."""

import math

import numpy as np
import pytest
from scipy.stats import kstest, norm

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.bursts_in_time import BurstsInTime
from lossweep.channels.capacity import Capacity
from lossweep.channels.delay import Delay
from lossweep.channels.duplication import Duplication
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.channels.netem import tc_commands


def test_draws_are_normal_around_the_propagation_delay():
    draws = Delay(0.1, 0.01).quantile(np.random.default_rng(1).random(20_000))
    assert kstest(draws, norm(0.1, 0.01).cdf).pvalue > 1e-5


def test_delay_is_never_negative_and_the_quantile_is_exact():
    delay = Delay(0.01, 0.02)
    draws = delay.quantile(np.random.default_rng(1).random(200_000))
    assert draws.min() == 0.0 == delay.quantile(0.0)
    share = np.mean(draws <= delay.quantile(0.999))
    assert abs(share - 0.999) < 4.5 * math.sqrt(0.999 * 0.001 / 200_000)


def test_without_jitter_it_is_constant():
    assert (Delay(0.03).quantile(np.array([0.0, 0.5, 0.999])) == 0.03).all()


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"jitter_s": -1}, "jitter_s is -1"),
        ({"propagation_delay_s": math.inf}, "finite"),
        ({"d": 1}, "unknown 'd'"),
    ],
)
def test_bad_parameters_end_in_one_line(params, says):
    with pytest.raises(ValueError, match=says):
        Delay.from_params(**params)
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        Delay(0.1, 0.1).quantile(1.0)


def test_tc_commands():
    chain = GilbertElliott.from_burst(loss_rate=0.1, mean_burst_length=4)
    assert tc_commands([chain, Delay(0.05, 0.002)]) == [
        "tc qdisc add dev eth0 root handle 1: netem delay 50ms 2ms distribution normal "
        "loss gemodel 2.77778% 25% 100% 0%"
    ]
    assert tc_commands([Delay(0.05), Bernoulli(0.005)], "lo") == [
        "tc qdisc add dev lo root handle 1: netem delay 50ms loss random 0.5%"
    ]
    link = Capacity(capacity_bps=1e6, queue_packets=50, aqm="codel")
    assert tc_commands([Duplication(0.01), link]) == [
        "tc qdisc add dev eth0 root handle 1: netem duplicate 1%",
        "tc qdisc add dev eth0 parent 1:1 handle 10: tbf rate 1000000bit burst 1600 latency 300ms",
        "tc qdisc add dev eth0 parent 10:1 handle 100: codel limit 50",
    ]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ([BurstsInTime(loss_rate=0.1, mean_burst_s=0.1)], "mean_burst_length instead"),
        ([Bernoulli(0.1), Bernoulli(0.2)], "2 for LOSS"),
        ([Delay(0.1, 0.01, "gamma")], "no equal of the element delay"),
    ],
)
def test_what_tc_cannot_do_is_said_in_one_line(path, says):
    with pytest.raises(ValueError, match=says):
        tc_commands(path)
