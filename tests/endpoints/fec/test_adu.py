"""ADUs: unequal packets come back; any bytes raise nothing but FecError."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.endpoints.fec.adu import FecError, RepairHeader, protect, restore
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon

adus = st.lists(st.binary(max_size=60), min_size=1, max_size=8)


@given(adus=adus, data=st.data(), extra=st.integers(0, 5), flow=st.integers(0, 255))
@settings(max_examples=150, deadline=None)
def test_any_k_packets_of_a_block_give_all_adus(adus, data, extra, flow):
    k, n = len(adus), len(adus) + extra
    code = ReedSolomon(1.0).make(k, n)
    repair = protect(adus, code, flow)
    arrived = data.draw(st.sets(st.integers(0, n - 1)))
    got = restore(
        {esi: adus[esi] for esi in arrived if esi < k},
        {esi: repair[esi - k] for esi in arrived if esi >= k},
        code,
        flow,
    )
    whole = len(arrived) >= k
    assert got == [adu if whole or esi in arrived else None for esi, adu in enumerate(adus)]


def test_a_repair_symbol_is_the_code_over_flow_length_adu_and_zeros():
    code = ReedSolomon(1.0).make(2, 4)
    aduis = [b"\x07\x00\x01a\x00\x00", b"\x07\x00\x03bcd"]
    assert protect([b"a", b"bcd"], code, flow_id=7) == code.encode(aduis)[2:]


def test_no_code_protects_nothing_and_restores_what_arrived():
    code = NoCode().make(2)
    assert protect([b"a", b"bc"], code) == []
    assert restore({1: b"bc"}, {}, code) == [None, b"bc"]


@given(
    source=st.dictionaries(st.integers(-1, 4), st.binary(max_size=20)),
    repair=st.dictionaries(st.integers(2, 7), st.binary(max_size=20)),
)
@settings(max_examples=300, deadline=None)
def test_restore_raises_only_its_own_error(source, repair):
    with contextlib.suppress(FecError):
        restore(source, repair, ReedSolomon(0.5).make(3))


@given(st.binary(max_size=40))
def test_parsing_any_bytes_round_trips_or_raises_fec_error(payload):
    with contextlib.suppress(FecError):
        header, symbol = RepairHeader.parse(payload)
        assert header.serialize() + symbol == payload


def test_header_golden_bytes_and_wrap():
    header = RepairHeader(sbn=0x010203, esi=62, k=32, base_sequence_number=0xFFFE)
    assert header.serialize() == bytes.fromhex("010203 3e 0020 fffe")
    assert RepairHeader.parse(header.serialize() + b"xyz") == (header, b"xyz")
    assert [header.source_esi(s) for s in (0xFFFE, 0xFFFF, 0, 29, 30, 0xFFFD)] == [0, 1, 2, 31, None, None]


@pytest.mark.parametrize(
    "fields", [(1 << 24, 5, 3, 0), (0, 256, 3, 0), (0, 2, 3, 0), (0, 5, 0, 0), (0, 5, 3, -1)]
)
def test_header_fields_out_of_range(fields):
    with pytest.raises(FecError):
        RepairHeader(*fields)


@pytest.mark.parametrize("wrong", [([b"a"], 0), ([b"a", b"b" * 65536], 0), ([b"a", b"b"], 256)])
def test_protect_refuses_what_does_not_fit(wrong):
    with pytest.raises(ValueError, match=r"ADU|flow_id"):
        protect(wrong[0], ReedSolomon(0.5).make(2), wrong[1])
