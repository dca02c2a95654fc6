"""100,000 RTP packets through Gilbert-Elliott, RS(32, 63) and the jitter buffer: under 1 s on one core.

Run with `python -m pytest tests/benchmarks/bench_simulate.py --benchmark-only`.
"""

import numpy as np
import pytest

from lossweep.channels.delay import Delay
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.sim.simulate import simulate
from lossweep.sim.stream import Block, Stream

K, N, BLOCKS, DURATION_S = 32, 63, 1588, 0.16


@pytest.mark.parametrize("loss_rate", [0.05, 0.5])
def test_simulate_100_000_packets(benchmark, loss_rate):
    code = ReedSolomon(0.5).make(K, N)
    starts = np.repeat(np.arange(BLOCKS) * DURATION_S, N)
    blocks = tuple(Block(i, i * N, code, i * DURATION_S, DURATION_S) for i in range(BLOCKS))
    stream = Stream((bytes(112),) * (N * BLOCKS), starts, starts + DURATION_S, blocks)
    loss = GilbertElliott.from_burst(loss_rate=loss_rate, mean_burst_length=4)
    got = benchmark(simulate, stream, loss, Delay(0.05, 0.005), seed=1)
    assert len(got.lost) >= 100_000
