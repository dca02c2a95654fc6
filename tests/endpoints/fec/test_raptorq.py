"""RaptorQ: how often it fails, long blocks, its payload ID, what it refuses."""

import contextlib
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from lossweep.channels.errors import MissingPackage
from lossweep.endpoints.fec import raptorq
from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.raptorq import RaptorFormat, RaptorQ

sys.path.insert(0, str(Path(__file__).parents[3] / "results/validation"))
from raptorq_failures import failures

pytest.importorskip("raptorq", reason="raptorq has no wheel for this platform")
FORMAT = RaptorFormat()
TRIALS = 3000


@pytest.mark.parametrize("k", [10, 26])
def test_it_fails_with_k_packets_as_often_as_measured_and_within_the_bounds_of_the_rfc(k):
    """Of the first 200 repair packets; .0043 to .0055 with k packets, measured elsewhere over 4,000 blocks each."""
    low, high = binom.ppf(1e-4, TRIALS, 0.0043), binom.ppf(1 - 1e-4, TRIALS, 0.0055)
    assert low <= failures(k, 0, TRIALS) <= high
    assert failures(k, 1, TRIALS) <= binom.ppf(1 - 1e-4, TRIALS, 1e-4)
    assert failures(k, 2, TRIALS) == 0


@pytest.mark.parametrize(("k", "size"), [(300, 1203), (2000, 50), (1000, 1500), (1, 0)])
def test_long_blocks_and_symbols_of_any_size(k, size):
    code, rng = RaptorQ(0.5).make(k), np.random.default_rng(3)
    source = [rng.bytes(size) for _ in range(k)]
    sent = code.encode(source)
    some = rng.permutation(code.n)[: k + 3].tolist()
    assert code.decode({esi: sent[esi] for esi in some}) == source
    assert code.decode({esi: sent[esi] for esi in range(1, k)}) == [None, *source[1:]]


def test_payload_id_golden_bytes():
    """RFC 6681, figure 7: initial sequence number, source block length, ESI of 24 bits."""
    source = [b"\x80\x60\xff\xfe" + bytes(8) + b"a", b"\x80\x60\xff\xff" + bytes(8)]
    payloads = FORMAT.payloads(source, RaptorQ(0.5).make(2, 4), 9)
    assert [payload[:7].hex() for payload in payloads] == ["fffe0002000002", "fffe0002000003"]
    assert {len(payload) for payload in payloads} == {7 + 3 + 13}


@given(st.binary(max_size=20))
@settings(max_examples=200, deadline=None)
def test_parsing_any_bytes_raises_only_fec_error(payload):
    with contextlib.suppress(FecError):
        FORMAT.parse(payload)


def test_errors_name_the_thing(monkeypatch):
    with pytest.raises(ValueError, match="k=60000, n=120000: use shorter blocks"):
        RaptorQ(0.5).make(60_000)

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(raptorq, "import_module", missing)
    with pytest.raises(MissingPackage, match="pip install raptorq"):
        RaptorQ(0.5)
