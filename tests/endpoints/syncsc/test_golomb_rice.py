"""Entropy-coded semantics: every row comes back to half a step, padded or not, and bits are saved."""

import numpy as np
from face_rows import estimate, make
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.endpoints.syncsc.codes.golomb_rice import STEP, Float16, GolombRice

rows = st.tuples(st.integers(1, 4), st.floats(0.01, 9), st.integers(0, 999))


@given(rows, st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_rows_come_back_to_half_a_step(row, padding):
    frames, spread, seed = row
    numbers = np.clip(np.random.default_rng(seed).normal(0, spread, 16 * frames), -16, 16).astype(np.float32)
    coding = GolombRice(4)
    got = coding.from_bytes(coding.to_bytes(numbers) + bytes(padding), len(numbers))
    assert np.abs(got - numbers).max() <= STEP / 2 + 1e-6


@given(st.binary(max_size=80), st.integers(1, 4))
@settings(deadline=None, max_examples=60)
def test_any_bytes_give_numbers_that_can_be_sent(data, frames):
    assert (np.abs(GolombRice(4).from_bytes(data, 16 * frames)) <= 16).all()


def test_reed_solomon_over_unequal_packets_gives_them_back():
    random = np.random.default_rng(0)
    sent = np.cumsum(random.normal(0, 0.1, (40, 16)), 0).astype(np.float32)
    code = make("rs", 0.5, 4, coding="integers")
    assert len({len(row) for block in code.encode(sent) for row in block}) > 2
    arrived = np.array([random.permutation(8) >= 4 for _ in range(5)])
    shown, whole = estimate(code, sent, arrived.ravel())
    assert whole.all()
    assert np.abs(shown - sent).max() <= STEP / 2 + 1e-6


def test_half_the_bytes_of_float16():
    steps = np.random.default_rng(0).normal(0, 0.2, (4, 16))
    numbers = (np.random.default_rng(1).normal(0, 1, 16) + np.cumsum(steps, 0)).ravel()
    assert len(GolombRice(4).to_bytes(numbers)) < 0.5 * len(Float16().to_bytes(numbers))
