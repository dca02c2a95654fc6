"""Wire rate against delay: only ways that keep the target, each cheaper than all that wait no longer."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from lossweep.experiments.wire_delay import frontier, ways

way = st.tuples(st.integers(0, 20), st.integers(10, 50), st.floats(0, 0.2))


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
    line = {"code_rate": 0.5, "group": 4, "look_ahead": 8, "loss_rate": 0.1, "wire_bps": 20_000}
    patterns = ((0, 0.1), (1, 0.2))
    table = pd.DataFrame(
        [
            {**line, "code": code, "clip": "a", "repetition": r, "coefficient_rmse": e}
            for code in ("rs", "none")
            for r, e in patterns
        ]
        + [
            {
                **line,
                "code": "rs",
                "code_rate": 0.25,
                "group": 2,
                "clip": "a",
                "repetition": r,
                "coefficient_rmse": 2 * e - 0.1,
            }
            for r, e in patterns
        ]
    )
    found = ways(table)
    assert found["delay_ms"].tolist() == [15 * 40] * 3
    assert np.allclose(sorted(found["rmse"]), [0.15, 0.15, 0.2])
