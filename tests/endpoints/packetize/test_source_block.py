"""A GOP cut into symbols: round trip, and what is said of every access unit when symbols are missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossweep.endpoints.packetize.source_block import SourceBlockError, from_symbols, to_symbols

UNITS = st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=8)


@given(UNITS, st.integers(1, 40))
def test_all_symbols_give_all_access_units(units, k):
    symbols = to_symbols(units, k)
    assert len(symbols) == k
    assert len({len(symbol) for symbol in symbols}) == 1
    assert [(a.status, a.leading) for a in from_symbols(symbols)] == [("whole", unit) for unit in units]


@given(UNITS, st.integers(1, 40), st.data())
def test_ranges_are_true_of_any_arrival(units, k, data):
    symbols = to_symbols(units, k)
    kept = [s if data.draw(st.booleans()) else None for s in symbols]
    for unit, arrival in zip(units, from_symbols(kept), strict=False):
        assert unit.startswith(arrival.leading)
        assert (arrival.status == "whole") == (arrival.ranges == ((0, len(unit)),))
        assert (arrival.status == "missing") == (arrival.ranges == ())
        assert all(0 <= start < end <= len(unit) for start, end in arrival.ranges)


@given(st.lists(st.one_of(st.none(), st.binary(min_size=3, max_size=3)), max_size=12))
def test_any_bytes_raise_nothing_but_the_own_error(symbols):
    try:
        arrivals = from_symbols(symbols)
    except SourceBlockError:
        return
    assert all(a.status in ("whole", "damaged", "missing") for a in arrivals)


def test_unequal_symbols_are_refused():
    with pytest.raises(SourceBlockError, match="unequal"):
        from_symbols([b"ab", b"abc"])
