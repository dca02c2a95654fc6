"""Entropy-coded semantics: every row comes back to half a step, padded or not, and bits are saved."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.endpoints.syncsc.codes.code import code_of
from lossweep.endpoints.syncsc.codes.golomb_rice import STEP, Float16, Integers

rows = st.tuples(st.integers(1, 4), st.floats(0.01, 9), st.integers(0, 999))


@given(rows, st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_rows_come_back_to_half_a_step(row, padding):
    frames, spread, seed = row
    numbers = np.clip(np.random.default_rng(seed).normal(0, spread, 16 * frames), -16, 16).astype(np.float32)
    coding = Integers(4)
    got = coding.from_bytes(coding.to_bytes(numbers) + bytes(padding), len(numbers))
    assert np.abs(got - numbers).max() <= STEP / 2 + 1e-6


@given(st.binary(max_size=80), st.integers(1, 4))
@settings(deadline=None, max_examples=60)
def test_any_bytes_give_numbers(data, frames):
    assert np.isfinite(Integers(4).from_bytes(data, 16 * frames)).all()


def test_reed_solomon_over_unequal_packets_gives_them_back():
    random = np.random.default_rng(0)
    sent = np.cumsum(random.normal(0, 0.1, (40, 16)), 0).astype(np.float32)
    code = code_of("rs", 0.5, 4, coding="integers")
    packets = code.packets(sent)
    assert len({len(p.payload) for p in packets}) > 2
    payloads = [p.payload if random.random() > 0.3 else None for p in packets]
    for block in range(5):  # no more than four of eight may be missing
        missing = [i for i in range(8 * block, 8 * block + 8) if payloads[i] is None]
        for i in missing[4:]:
            payloads[i] = packets[i].payload
    assert np.abs(code.decode(payloads, 40, sent[0]) - sent).max() <= STEP / 2 + 1e-6


def test_half_the_bytes_of_float16():
    steps = np.random.default_rng(0).normal(0, 0.2, (4, 16))
    numbers = (np.random.default_rng(1).normal(0, 1, 16) + np.cumsum(steps, 0)).ravel()
    assert len(Integers(4).to_bytes(numbers)) < 0.5 * len(Float16().to_bytes(numbers))
