"""FlexFEC: rows, columns and grids of RFC 8627, its header byte for byte, its example of iterative decoding."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.flexfec import FlexFec, FlexFormat, GridBlock
from lossweep.endpoints.fec.parity_packets import bit_string, packet_of
from lossweep.sim.rtp import RtpHeader, parse

FORMAT = FlexFormat()


def packets(k, size=4):
    return [RtpHeader(96, 1000 + i, 90 * i, 7).serialize() + bytes([i] * size) for i in range(k)]


def offsets(payload):
    return FORMAT.parse(payload).offsets


def test_rows_columns_and_a_grid_as_in_the_rfc():
    row = FlexFec(0.75, "row").make(12)
    assert row.parities == ((0, 1, 2), (3, 4, 5), (6, 7, 8), (9, 10, 11))
    column = FlexFec(0.75, "column").make(12)
    assert column.parities == ((0, 4, 8), (1, 5, 9), (2, 6, 10), (3, 7, 11))
    grid = FlexFec(12 / 19, "2d").make(12)
    assert grid.parities == (*row.parities, (0, 3, 6, 9), (1, 4, 7, 10), (2, 5, 8, 11))
    assert FlexFec(0.5, "2d").make(2).parities == ((0,), (1,))
    assert FlexFec(0.25, "row").make(2).parities == ((0,), (1,)) * 3


def test_the_example_of_iterative_decoding():
    """RFC 8627, Section 6.3.4, figures 16 to 18: 3 rows of 4; packets 1, 2, 10 and 11 are lost."""
    rows = ((0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11))
    code = GridBlock(12, rows + tuple((j, j + 4, j + 8) for j in range(4)), grid=True)
    arrived = np.ones(19, bool)
    arrived[[0, 1, 9, 10]] = False
    assert code.recovers(arrived).all()
    arrived[15:] = False
    assert code.recovers(arrived).sum() == 8


@pytest.mark.parametrize("columns", [2, 3, 5])
def test_columns_repair_every_burst_of_as_many_packets(columns):
    code = FlexFec(0.5, "column").make(4 * columns + 1, 5 * columns + 1)
    for first in range(code.n):
        arrived = np.ones(code.n, bool)
        arrived[first : first + columns] = False
        assert code.recovers(arrived).all()
    arrived[:] = True
    arrived[: columns + 1] = False
    assert not code.recovers(arrived).all()


def test_header_golden_bytes():
    """RFC 8627, figure 13: R F P X CC M PT, length, timestamp, SN base, L, D, then the XOR of what follows."""
    source = packets(6)
    source[4] = RtpHeader(96, 1004, 360, 7, marker=True).serialize() + b"\x04\x04\x04\x04\x09"
    column = FORMAT.payloads(source, FlexFec(0.5, "column").make(6, 8), 0)
    assert column[0].hex() == "40e00005000001dc03e802030606060609"
    row = FORMAT.payloads(source, FlexFec(0.5, "row").make(6, 8), 0)
    assert [payload[8:12].hex() for payload in row] == ["03e80300", "03eb0300"]
    grid = FORMAT.payloads(source, FlexFec(0.5, "2d").make(6, 11), 0)
    assert [payload[10:12].hex() for payload in grid] == ["0201"] * 3 + ["0203"] * 2


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ("4001", (0, 14)),
        ("c000" + "40000001", (0, 15, 45)),
        ("c000" + "80000001" + "8000000000000001", (0, 45, 46, 109)),
    ],
)
def test_masks_of_15_46_and_110_packets(mask, expected):
    payload = bytes.fromhex("0060" + "0003" + "00000000" + "03e8" + mask) + b"abc"
    parsed = FORMAT.parse(payload)
    assert (parsed.base_sequence_number, parsed.offsets) == (1000, expected)
    assert parsed.bits[8:] == b"abc"


@pytest.mark.parametrize(
    "payload", ["", "40", "8060" + "00" * 10, "40600003000000000000" + "0000", "00" * 12]
)
def test_what_is_no_repair_packet(payload):
    with pytest.raises(FecError):
        FORMAT.parse(bytes.fromhex(payload))


@given(st.binary(max_size=40))
@settings(max_examples=300, deadline=None)
def test_parsing_any_bytes_raises_only_fec_error(payload):
    with contextlib.suppress(FecError):
        FORMAT.parse(payload)


@given(
    st.integers(0, 127),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.lists(st.integers(0, 2**32 - 1), max_size=3),
    st.binary(max_size=30),
)
def test_a_bit_string_gives_its_packet_back(payload_type, timestamp, marker, csrc, payload):
    header = RtpHeader(payload_type, 77, timestamp, 7, marker, tuple(csrc), (0xBEDE, b"abcd"))
    packet = header.serialize() + payload
    bits = bit_string(packet) + bytes(5)
    assert packet_of(bits, 77, 7) == packet
    assert parse(packet)[0] == header
    assert packet_of(bits[:3] + bytes([bits[3] + 9]) + bits[4:], 77, 7) is None


def test_errors_name_the_thing():
    with pytest.raises(ValueError, match="pattern is 'diagonal'"):
        FlexFec(0.5, "diagonal")
    with pytest.raises(ValueError, match="k=600, n=601: use shorter blocks"):
        FlexFec(0.5, "row").make(600, 601)
    assert offsets(FORMAT.payloads(packets(3), FlexFec(0.5).make(3, 4), 0)[0]) == (0, 1, 2)
