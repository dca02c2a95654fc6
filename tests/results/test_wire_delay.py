"""Wire rate against delay: only ways that keep the target, each cheaper than all that wait no longer."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

SCRIPT = Path(__file__).parents[2] / "results" / "pacsc" / "wire_delay.py"
_spec = importlib.util.spec_from_file_location("wire_delay", SCRIPT)
wire_delay = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(wire_delay)
frontier, ways = wire_delay.frontier, wire_delay.ways

way = st.tuples(st.integers(0, 20), st.integers(10, 50), st.floats(0, 0.2))


@settings(deadline=None)
@given(st.lists(way, min_size=1, max_size=30))
def test_the_frontier_is_what_no_other_way_beats(found):
    table = pd.DataFrame(found, columns=["delay_ms", "wire_kbps", "rmse"])
    best = frontier(table, 0.1)
    good = table[table["rmse"] <= 0.1]
    assert (best["rmse"] <= 0.1).all()
    assert best["delay_ms"].is_monotonic_increasing
    for row in good.itertuples():
        within = best[best["delay_ms"] <= row.delay_ms]
        assert within["wire_kbps"].min() <= row.wire_kbps
    for row in best.itertuples():
        assert not ((good["delay_ms"] <= row.delay_ms) & (good["wire_kbps"] < row.wire_kbps)).any()


def test_delay_is_of_block_and_look_ahead():
    rates = {"rs": (0.5, 4), "none": (1.0, 4), "pacsc": (0.25, 2)}
    table = pd.DataFrame(
        {
            **{"code": code, "code_rate": rate, "group": group, "look_ahead": 8, "loss_rate": 0.1},
            **{"wire_bps": 20_000, "clip": "a", "repetition": r, "coefficient_rmse": error},
        }
        for code, (rate, group) in rates.items()
        for r, error in enumerate((0.1, 0.2))
    )
    found = ways(table)
    assert found["delay_ms"].tolist() == [15 * 40] * 3
    assert np.allclose(found["rmse"], 0.15)
