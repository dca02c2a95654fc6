"""RTP headers: round trip, any bytes, and sequence numbers round the wrap."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossweep.sim.rtp import RTP_HEADER_BYTES, RtpError, RtpHeader, extend, parse

uint16 = st.integers(0, 2**16 - 1)
uint32 = st.integers(0, 2**32 - 1)
extensions = st.none() | st.tuples(
    uint16, st.integers(0, 9).flatmap(lambda w: st.binary(min_size=4 * w, max_size=4 * w))
)
headers = st.builds(
    RtpHeader,
    payload_type=st.integers(0, 127),
    sequence_number=uint16,
    timestamp=uint32,
    ssrc=uint32,
    marker=st.booleans(),
    csrc=st.lists(uint32, max_size=15).map(tuple),
    extension=extensions,
)


@given(headers, st.binary(max_size=40))
def test_round_trip(header, payload):
    assert parse(header.serialize() + payload) == (header, payload)


@given(headers, st.binary(max_size=20), st.integers(1, 255))
def test_padding_is_taken_off(header, payload, padding):
    packet = bytearray(header.serialize() + payload + bytes(padding - 1) + bytes([padding]))
    packet[0] |= 0x20
    assert parse(bytes(packet)) == (header, payload)


def test_bits_stand_where_rfc_3550_puts_them():
    header = RtpHeader(96, 0x1234, 0x01020304, 0xA0B0C0D0, True, (0x11223344,), (0xBEDE, b"\x10\xaa\x00\x00"))
    assert header.serialize() == bytes.fromhex("91e0123401020304a0b0c0d011223344bede000110aa0000")


@given(
    st.binary(max_size=60)
    | st.tuples(st.integers(128, 191), st.binary(max_size=90)).map(lambda t: bytes([t[0]]) + t[1])
)
def test_any_bytes_parse_or_raise_the_own_error(data):
    try:
        header, payload = parse(data)
    except RtpError:
        return
    assert len(header.serialize()) + len(payload) <= len(data)
    assert data.startswith(bytes([header.serialize()[0] | data[0] & 0x20]) + header.serialize()[1:])


@given(headers, st.data())
def test_every_truncated_header_is_refused(header, data):
    whole = header.serialize()
    with pytest.raises(RtpError):
        parse(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize("version", [0, 1, 3])
def test_other_versions_are_refused(version):
    with pytest.raises(RtpError, match=f"version {version}"):
        parse(bytes([version << 6]) + bytes(RTP_HEADER_BYTES - 1))


@pytest.mark.parametrize("padding", [0, 6, 255])
def test_padding_beyond_the_payload_is_refused(padding):
    with pytest.raises(RtpError, match="padding"):
        parse(struct.pack("!BBHII", 0xA0, 96, 0, 0, 0) + b"abcd" + bytes([padding]))


@pytest.mark.parametrize(
    ("field", "value"),
    [("payload_type", 128), ("sequence_number", 65536), ("timestamp", -1), ("ssrc", 2**32)],
)
def test_fields_out_of_range_are_named(field, value):
    fields = {"payload_type": 96, "sequence_number": 0, "timestamp": 0, "ssrc": 0} | {field: value}
    with pytest.raises(RtpError, match=field):
        RtpHeader(**fields)


@pytest.mark.parametrize("extra", [{"csrc": (0,) * 16}, {"csrc": (-1,)}, {"extension": (0xBEDE, b"abc")}])
def test_lists_out_of_range_are_refused(extra):
    with pytest.raises(RtpError):
        RtpHeader(96, 0, 0, 0, **extra)


@given(st.integers(0, 2**40), st.integers(-(2**15), 2**15 - 1))
def test_extend_finds_any_number_within_half_a_cycle(reference, distance):
    extended = reference + distance
    assert extend(extended % 2**16, reference) == extended


def test_extend_over_the_wrap():
    assert extend(0, 65535) == 65536
    assert extend(65535, 65536) == 65535
    assert extend(3, 5 * 65536 - 2) == 5 * 65536 + 3
