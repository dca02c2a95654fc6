"""Numbers far apart are those that NumPy's generator gives."""

import numpy as np
import pytest

from lossweep.channels.pcg64 import strided_uniforms


@pytest.mark.parametrize(
    ("rows", "stride", "draws"), [(1, 512, 2), (1000, 512, 5), (37, 3, 3), (700, 256, 1)]
)
def test_strided_uniforms_are_the_generator_s(rows, stride, draws):
    seed = np.random.SeedSequence(5, spawn_key=(1, 2, 3))
    bits = np.random.PCG64(seed)
    bits.advance(12345)
    found = strided_uniforms(bits, rows, stride, draws)
    whole = np.random.PCG64(seed)
    whole.advance(12345)
    expected = np.random.Generator(whole).random(rows * stride).reshape(rows, stride)[:, :draws]
    assert (found == expected).all()
