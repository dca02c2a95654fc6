"""95 % intervals of sweeps through the simulated network cover the exact law in 95 % of a thousand sweeps."""

import sys
from pathlib import Path

import numpy as np
from scipy.stats import binom

sys.path.insert(0, str(Path(__file__).parents[1] / "sim"))
from streams import stream

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.experiments.confidence import interval
from lossweep.sim.simulate import simulate

SWEEPS, REPETITIONS, BLOCKS = 1000, 10, 60
K, N, LOSS = 4, 6, 0.25


def test_the_interval_of_the_residual_loss_covers_the_binomial_tail():
    sent = stream(ReedSolomon(0.5).make(K, N), BLOCKS)
    exact = LOSS * binom.cdf(K - 1, N - 1, 1 - LOSS)
    covered = 0
    for seed in range(SWEEPS):
        values = []
        for repetition in range(REPETITIONS):
            got = simulate(sent, Bernoulli(LOSS), Delay(), seed=seed, repetition=repetition)
            values.append(1.0 - got.usable[got.source].mean())
        found = interval(np.array(values), 0.0, 1.0)
        covered += found.lower <= exact <= found.upper
    assert abs(covered / SWEEPS - 0.95) <= 0.02
