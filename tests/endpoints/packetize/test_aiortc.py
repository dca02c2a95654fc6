"""aiortc reads our H.264 payloads, and we read aiortc's."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.endpoints.packetize import h264
from lossweep.endpoints.packetize.annexb import join_nal_units

aiortc_h264 = pytest.importorskip("aiortc.codecs.h264", reason="aiortc is not installed (test extra)")

nal_units = st.builds(
    lambda ref_idc, kind, size: bytes([ref_idc << 5 | kind]) + bytes(1 + i % 255 for i in range(size)),
    st.integers(0, 3),
    st.integers(1, 23),
    st.sampled_from([1, 5, 60, 700, 1298, 1299, 1300, 3000]),
)


@given(st.lists(nal_units, min_size=1, max_size=6), st.sampled_from([16, 100, 1300]))
@settings(max_examples=100, deadline=None)
def test_aiortc_agrees(units, size):
    access_unit = join_nal_units(units)
    payloads = h264.packetize(access_unit, size)
    assert b"".join(map(aiortc_h264.h264_depayload, payloads)) == access_unit
    theirs = aiortc_h264.H264Encoder._packetize(iter(units))
    assert h264.depacketize(theirs).data == access_unit
