"""AAC-hbr and RED payloads: bytes by hand, round trips, any bytes at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.endpoints.packetize import PayloadError, aac, red
from lossweep.endpoints.packetize.red import Redundant

# One AU of 3 bytes: 16 header bits, AU-size 3 << 3. Then two: 32 bits, sizes 1 and 258.
AAC_PACKETS = [
    ("0010 0018 aabbcc", ["aabbcc"]),
    ("0020 0008 0810 aa" + "bb" * 258, ["aa", "bb" * 258]),
]
# RFC 2198, Section 3: F, payload type, 14 bits of offset, 10 of length; then F = 0 and the primary's type.
RED_PACKETS = [
    ("64 aabb", [Redundant(100, 0, b"\xaa\xbb")]),
    ("e4 0f0001 64 aa bb", [Redundant(100, 960, b"\xaa"), Redundant(100, 0, b"\xbb")]),
    (
        "85 1e0002 87 0f0001 05 a1a2 b1 c1c2",
        [Redundant(5, 1920, b"\xa1\xa2"), Redundant(7, 960, b"\xb1"), Redundant(5, 0, b"\xc1\xc2")],
    ),
]


@pytest.mark.parametrize(("payload", "units"), AAC_PACKETS)
def test_aac_bytes(payload, units):
    units = [bytes.fromhex(unit) for unit in units]
    assert aac.packetize(units) == bytes.fromhex(payload)
    assert aac.depacketize(bytes.fromhex(payload)) == units


@pytest.mark.parametrize(("payload", "blocks"), RED_PACKETS)
def test_red_bytes(payload, blocks):
    assert red.packetize(blocks) == bytes.fromhex(payload)
    assert red.depacketize(bytes.fromhex(payload)) == blocks


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=9), st.sampled_from([1, 8191]))
def test_aac_round_trip(units, size):
    units = [*units, bytes(size)]
    assert aac.depacketize(aac.packetize(units)) == units


blocks = st.builds(Redundant, st.integers(0, 127), st.integers(0, 16383), st.binary(max_size=1023))


@given(st.lists(blocks, max_size=4), st.integers(0, 127), st.binary(max_size=40))
def test_red_round_trip(older, payload_type, data):
    sent = [*older, Redundant(payload_type, 0, data)]
    assert red.depacketize(red.packetize(sent)) == sent


@pytest.mark.parametrize("units", [[], [b""], [bytes(8192)]])
def test_what_aac_hbr_cannot_hold_is_refused(units):
    with pytest.raises(PayloadError):
        aac.packetize(units)


@pytest.mark.parametrize(
    "sent",
    [
        [],
        [Redundant(100, 960, b"a")],
        [Redundant(128, 0, b"a")],
        [Redundant(100, 16384, b"a"), Redundant(100, 0, b"b")],
        [Redundant(100, 960, bytes(1024)), Redundant(100, 0, b"b")],
    ],
)
def test_what_red_cannot_hold_is_refused(sent):
    with pytest.raises(PayloadError):
        red.packetize(sent)


@given(st.binary(max_size=60) | st.binary(max_size=20).map(lambda b: b"\x00\x10\x00\x18" + b))
@settings(max_examples=500)
def test_any_bytes_are_aac_or_the_own_error(payload):
    try:
        units = aac.depacketize(payload)
    except PayloadError:
        return
    assert aac.packetize(units) == payload


@given(st.binary(max_size=60) | st.binary(max_size=20).map(lambda b: b"\xe4\x0f\x00\x01\x64" + b))
@settings(max_examples=500)
def test_any_bytes_are_red_or_the_own_error(payload):
    try:
        back = red.depacketize(payload)
    except PayloadError:
        return
    assert red.packetize(back) == payload
