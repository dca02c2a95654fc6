"""Streams of empty packets, for tests of the network."""

import numpy as np

from lossweep.sim.stream import Block, Stream


def stream(code, blocks, *, duration_s=0.16, size=100, spread=False):
    """`blocks` blocks of one code. `spread`: a source packet a frame, repair at the end.

    Otherwise everything is there at the block's end and is played from the block's start.
    """
    k, n = code.k, code.n
    starts = np.arange(blocks) * duration_s
    inside = np.zeros(n)
    ready = np.full(n, duration_s)
    if spread:
        inside[:k] = np.arange(k) * duration_s / k
        ready[:k] = inside[:k]
    return Stream(
        packets=(bytes(size),) * (n * blocks),
        media_time_s=(starts[:, None] + inside).ravel(),
        available_s=(starts[:, None] + ready).ravel(),
        blocks=tuple(Block(i, i * n, code, float(starts[i]), duration_s) for i in range(blocks)),
    )
