"""ULPFEC: its header byte for byte, and its masks against the losses that WebRTC's leave."""

import contextlib
import csv
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.ulpfec import UlpFec, UlpFormat
from lossweep.sim.rtp import RtpHeader

VALIDATION = Path(__file__).parents[3] / "results/validation"
sys.path.insert(0, str(VALIDATION))
from ulpfec_masks import Losses, all_patterns  # noqa: E402

FORMAT = UlpFormat()
FEW = 15
"""Codes of up to so many packets are computed here; ulpfec_residuals.csv has the figures of all."""


def webrtc():
    """Limits of WebRTC's test of its masks: (kind, k, m) -> residual loss."""
    rows = csv.DictReader((Path(__file__).parent / "webrtc_mask_residuals.csv").read_text().splitlines())
    return {(row["loss"], int(row["k"]), int(row["m"])): float(row["residual"]) for row in rows}


def own():
    rows = csv.DictReader((VALIDATION / "ulpfec_residuals.csv").read_text().splitlines())
    return {(row["loss"], int(row["k"]), int(row["m"])): float(row["residual"]) for row in rows}


def rows_of(code):
    return [sum(1 << i for i in parity) for parity in code.parities]


def test_masks_leave_no_more_than_those_of_webrtc():
    limits, found = webrtc(), own()
    assert limits.keys() == found.keys()
    assert len(limits) == 2 * 78
    assert [key for key, limit in limits.items() if found[key] > limit] == []


@pytest.mark.parametrize("kind", ["random", "bursty"])
def test_the_published_residuals_are_those_of_the_code(kind):
    found = own()
    for k in range(1, 13):
        for m in range(1, min(k, FEW - k) + 1):
            code = UlpFec(0.5, kind).make(k, k + m)
            residual = Losses(k, m, *all_patterns(k + m, kind)).residual(rows_of(code))
            assert residual == pytest.approx(found[kind, k, m], abs=1e-6)


def test_one_repair_packet_covers_all_and_more_leave_none_out():
    for k in range(1, 13):
        assert UlpFec(0.5).make(k, k + 1).parities == (tuple(range(k)),)
        for kind in ("random", "bursty"):
            for m in range(1, k + 1):
                covered = {i for parity in UlpFec(0.5, kind).make(k, k + m).parities for i in parity}
                assert covered == set(range(k))


def test_longer_blocks_are_interleaved():
    assert UlpFec(0.5).make(14, 18).parities[1] == (1, 5, 9, 13)


def packets(k, size=4):
    return [RtpHeader(96, 1000 + i, 90 * i, 7).serialize() + bytes([i] * size) for i in range(k)]


def test_header_golden_bytes():
    """RFC 5109, figures 3 and 4: E L P X CC M PT, SN base, timestamp, length, protection length, mask, XOR."""
    source = [*packets(2), RtpHeader(96, 1002, 180, 7, marker=True).serialize() + b"\x02\x02\x02\x02\x09"]
    (payload,) = FORMAT.payloads(source, UlpFec(0.5).make(3, 4), 0)
    assert payload.hex() == "00e003e8000000ee00050005e0000303030309"
    long = FORMAT.payloads(packets(30), UlpFec(0.5).make(30, 32), 0)[1]
    assert long[:4].hex() == "406003e9"
    assert long[10:18].hex() == "0004aaaaaaa80000"
    assert FORMAT.parse(long).offsets == tuple(range(0, 30, 2))
    assert FORMAT.parse(long).base_sequence_number == 1001


def test_repair_packets_of_a_block_have_one_protection_length():
    source = packets(6)
    source[5] += b"more"
    assert {len(p) for p in FORMAT.payloads(source, UlpFec(0.5).make(6, 9), 0)} == {14 + 8}


@pytest.mark.parametrize("payload", ["", "0060" * 6, "0060" + "00" * 8 + "0005" + "8000" + "00" * 4])
def test_what_is_no_repair_packet(payload):
    with pytest.raises(FecError):
        FORMAT.parse(bytes.fromhex(payload))


@given(st.binary(max_size=40))
@settings(max_examples=300, deadline=None)
def test_parsing_any_bytes_raises_only_fec_error(payload):
    with contextlib.suppress(FecError):
        FORMAT.parse(payload)


def test_errors_name_the_thing():
    with pytest.raises(ValueError, match="pattern is 'row'"):
        UlpFec(0.5, "row")
    with pytest.raises(ValueError, match="at most 48 packets; k=49, n=98: use shorter blocks"):
        UlpFec(0.5).make(49)
