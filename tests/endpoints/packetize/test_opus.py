"""Opus payloads: bytes by hand, and libopus's own parser as the judge of any bytes."""

import ctypes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lossweep.endpoints.codecs.audio.libopus import library
from lossweep.endpoints.packetize import PayloadError
from lossweep.endpoints.packetize.opus import depacketize, packetize, parse

CBR_SILK_WB_20MS = 9 << 3
CELT_FB_2_5MS = 28 << 3


@pytest.mark.parametrize(
    ("packet", "frame_ms", "frames"),
    [
        ("48 aabb", 20, ["aabb"]),
        ("49 aabbccdd", 20, ["aabb", "ccdd"]),
        ("4a 01 aa bbcc", 20, ["aa", "bbcc"]),
        ("4a fc01" + "aa" * 256 + "bb", 20, ["aa" * 256, "bb"]),
        ("4b 03 aabbcc", 20, ["aa", "bb", "cc"]),
        ("4b 43 02 aabbcc 0000", 20, ["aa", "bb", "cc"]),  # two bytes of padding
        ("4b 83 01 02 aa bbcc dd", 20, ["aa", "bbcc", "dd"]),
        ("e3 86 00 01 00 00 00 aa bb", 2.5, ["", "aa", "", "", "", "bb"]),
        ("48", 20, [""]),  # not transmitted
    ],
)
def test_frames_of_each_code(packet, frame_ms, frames):
    parsed = parse(bytes.fromhex(packet))
    assert (parsed.frame_ms, [frame.hex() for frame in parsed.frames]) == (frame_ms, frames)
    assert parsed.ticks == len(frames) * frame_ms * 48


first_bytes = st.integers(0, 255) | st.sampled_from([CBR_SILK_WB_20MS | code for code in range(4)])
packets = st.binary(max_size=12) | st.tuples(
    first_bytes,
    st.integers(0, 255),
    st.binary(max_size=60),
    st.sampled_from([0, 600, 1275, 1276, 2600]),
).map(lambda parts: bytes(parts[:2]) + parts[2] + bytes(parts[3]))


@given(packets)
@example(bytes([CELT_FB_2_5MS | 3, 48, *bytes(48)]))
@example(bytes([CELT_FB_2_5MS | 3, 49, *bytes(49)]))
@settings(max_examples=1500, deadline=None)
def test_libopus_takes_the_same_packets_apart_the_same_way(packet):
    expected = frames_by_libopus(packet)
    try:
        parsed = parse(packet)
    except PayloadError:
        assert expected is None
        return
    assert [len(frame) for frame in parsed.frames] == expected
    assert parsed.ticks == library().opus_packet_get_nb_samples(packet, len(packet), 48_000)
    assert depacketize(packetize(packet)) == packet


def frames_by_libopus(packet: bytes) -> list[int] | None:
    """Sizes of the frames as libopus reads them, None if it refuses the packet."""
    sizes, starts = (ctypes.c_int16 * 48)(), (ctypes.c_void_p * 48)()
    count = library().opus_packet_parse(packet, len(packet), None, starts, sizes, None)
    return list(sizes[:count]) if count > 0 else None
