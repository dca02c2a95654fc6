"""Payload bytes worked out by hand from the RFCs and the AV1 specifications."""

import pytest

from lossweep.endpoints.packetize import PayloadError, av1, h264, h265
from lossweep.endpoints.packetize.annexb import join_nal_units, split_nal_units
from lossweep.endpoints.packetize.obu import join_obus, read_leb128, split_obus, write_leb128

LONG = bytes(range(1, 31))


def test_h264_stap_a_then_fu_a():
    unit = join_nal_units([b"\x67\xaa", b"\x28\xbb\xcc", b"\x65" + LONG])
    assert (
        h264.packetize(unit, 17)
        == [
            bytes.fromhex("78 0002 67aa 0003 28bbcc"),  # NRI 3, the highest of the two
            b"\x7c\x85" + LONG[:15],
            b"\x7c\x45" + LONG[15:],
        ]
    )


def test_h264_fu_a_has_neither_bit_in_the_middle():
    payloads = h264.packetize(join_nal_units([b"\x41" + LONG]), 16)
    assert [p[:2].hex() for p in payloads] == ["5c81", "5c01", "5c41"]


def test_h265_ap_takes_the_lowest_layer_and_tid_then_fu():
    # types 32 and 33; layer 5 with TID 1, layer 33 with TID 2; then type 19, layer 33, TID 2
    unit = join_nal_units([b"\x40\x29\xaa", b"\x43\x0a", b"\x27\x0a" + LONG])
    assert h265.packetize(unit, 18) == [
        bytes.fromhex("6029 0003 4029aa 0002 430a"),
        b"\x63\x0a\x93" + LONG[:15],
        b"\x63\x0a\x53" + LONG[15:],
    ]


def test_av1_two_obus_in_one_payload():
    # temporal delimiter, sequence header of 2 bytes, frame of 3; size fields go, W = 2, N = 1
    unit = bytes.fromhex("1200 0a02aabb 3203ccddee")
    assert av1.packetize(unit, 100) == [bytes.fromhex("28 03 08aabb 30ccddee")]


def test_av1_fragment_flags():
    unit = b"\x12\x00\x32\x1e" + LONG
    payloads = av1.packetize(unit, 16, new_sequence=True)
    assert [p[0] for p in payloads] == [0x58, 0xD0, 0x90]  # Y W=1 N; Z Y W=1; Z W=1
    assert b"".join(p[1:] for p in payloads) == b"\x30" + LONG


def test_av1_more_than_three_obus_all_have_lengths():
    unit = b"\x12\x00" + b"\x2a\x01a" * 4
    assert av1.packetize(unit, 100) == [b"\x00" + b"\x02\x28a" * 4]


def test_av1_layers_are_not_mixed_in_a_payload():
    unit = bytes.fromhex("1200 360001aa 360801bb")
    assert av1.packetize(unit, 100) == [bytes.fromhex("10 3400aa"), bytes.fromhex("10 3408bb")]


def test_av1_size_fields_on_the_wire_are_understood():
    assert av1.depacketize([bytes.fromhex("10 3202aabb")]).data == bytes.fromhex("1200 3202aabb")


def test_annex_b_start_codes_of_both_lengths_and_zeros_between():
    data = bytes.fromhex("00000001 6701 000001 6802 0000 00000001 6503 00")
    assert split_nal_units(data) == [b"\x67\x01", b"\x68\x02", b"\x65\x03"]


@pytest.mark.parametrize("data", [b"", b"\x67\x01", b"\x01\x00\x00\x01\x67", b"\x00\x00\x01\x00\x00\x01\x67"])
def test_what_is_no_annex_b_is_refused(data):
    with pytest.raises(PayloadError):
        split_nal_units(data)


@pytest.mark.parametrize(
    ("value", "coded"), [(0, "00"), (127, "7f"), (128, "8001"), (2**32 - 1, "ffffffff0f")]
)
def test_leb128(value, coded):
    assert write_leb128(value).hex() == coded
    assert read_leb128(bytes.fromhex(coded), 0) == (value, len(coded) // 2)


@pytest.mark.parametrize("coded", ["", "80", "ff" * 8, "80" * 8 + "00", "8080808010"])
def test_leb128_beyond_its_limits_is_refused(coded):
    with pytest.raises(PayloadError):
        read_leb128(bytes.fromhex(coded), 0)


@pytest.mark.parametrize("data", ["30aa", "3203aabb", "b200", "36"])
def test_what_is_no_low_overhead_bitstream_is_refused(data):
    with pytest.raises(PayloadError):
        split_obus(bytes.fromhex(data))


def test_non_minimal_sizes_become_minimal():
    assert join_obus(split_obus(bytes.fromhex("328200aabb"))) == bytes.fromhex("3202aabb")


@pytest.mark.parametrize("size", [0, 15, 65_536])
@pytest.mark.parametrize("payload_format", [h264, h265, av1])
def test_a_payload_size_out_of_range_is_refused(payload_format, size):
    with pytest.raises(PayloadError, match="max_payload_size"):
        payload_format.packetize(b"", size)
