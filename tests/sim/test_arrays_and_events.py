"""The open loop in arrays and the closed loop in events deliver the same, packet for packet."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paths import add_traces, elements
from streams import stream

from lossweep.channels.packets import Packets
from lossweep.channels.path import start
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.endpoints.fec.repetition import Repetition
from lossweep.sim.pipeline import Pipeline
from lossweep.sim.simulate import simulate, simulate_by_events

CODES = [
    NoCode().make(1),
    NoCode().make(7),
    ReedSolomon(0.5).make(4),
    ReedSolomon(0.7).make(20),
    Repetition(0.5).make(5),
]


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    return add_traces(tmp_path_factory.mktemp("traces"))


def same(one, other):
    if isinstance(one, Packets):
        columns = ("index", "sbn", "esi", "size_bytes", "time_s")
        return all((getattr(one, c) == getattr(other, c)).all() for c in columns) and (
            (one.copies() == other.copies()).all() and (one.flipped_bits() == other.flipped_bits()).all()
        )
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype == float)
    return one == other


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_same_delivery(examples, data):
    path = data.draw(elements(examples))
    code = data.draw(st.sampled_from(CODES))
    sent = stream(code, data.draw(st.integers(1, 40)), spread=data.draw(st.booleans()))
    options = {
        "seed": data.draw(st.integers(0, 5)),
        "repetition": data.draw(st.integers(0, 3)),
        "playout_delay_s": data.draw(st.sampled_from(["auto", 0.05, 0.2, 0.4])),
        "pacing_factor": data.draw(st.sampled_from([1.0, 2.5, 40.0])),
    }
    one, other = simulate(sent, *path, **options), simulate_by_events(sent, *path, **options)
    for field in fields(one):
        assert same(getattr(one, field.name), getattr(other, field.name)), field.name


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_packets_in_parts_fare_as_packets_all_at_once(examples, data):
    path = data.draw(elements(examples))
    count = data.draw(st.integers(1, 400))
    gaps = np.random.default_rng(data.draw(st.integers(0, 9))).exponential(0.004, count)
    number = np.arange(count)
    sent = Packets(number, number // 40, number % 40, np.full(count, 200), np.cumsum(gaps))
    names = {"seed": 1, "repetition": 0, "end_s": float(sent.time_s[-1])}
    whole = Pipeline(start(path, **names)).apply(sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, count), max_size=4)))
    pipeline, parts = Pipeline(start(path, **names)), []
    for first, last in zip([0, *cuts], [*cuts, count], strict=True):
        until_s = float(sent.time_s[last]) if last < count else float("inf")
        parts.append(pipeline.apply(sent.select(slice(first, last)), until_s))
    assert [row for part in parts for row in part.rows()] == list(whole.rows())
    assert np.concatenate([part.time_s for part in parts]).tolist() == whole.time_s.tolist()
