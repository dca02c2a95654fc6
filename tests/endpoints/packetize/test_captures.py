"""What ffmpeg packetized, we depacketize to the bytes that ffmpeg was given."""

from importlib import import_module

import pytest
from captures import frames, packets, stream

from lossweep.endpoints.packetize.annexb import join_nal_units, split_nal_units
from lossweep.endpoints.packetize.obu import join_obus, split_obus

CANONICAL = {
    "h264": lambda data: join_nal_units(split_nal_units(data)),
    "h265": lambda data: join_nal_units(split_nal_units(data)),
    "av1": lambda data: join_obus(split_obus(data)),
}


@pytest.mark.parametrize("codec", CANONICAL)
def test_ffmpegs_packets_give_back_its_stream(codec):
    depacketize = import_module(f"lossweep.endpoints.packetize.{codec}").depacketize
    units = [depacketize(payloads) for payloads in frames(codec)]
    assert {unit.status for unit in units} == {"whole"}
    assert b"".join(unit.data for unit in units) == CANONICAL[codec](stream(codec))


@pytest.mark.parametrize("codec", CANONICAL)
def test_our_packets_carry_the_same_access_units(codec):
    payload_format = import_module(f"lossweep.endpoints.packetize.{codec}")
    for payloads in frames(codec):
        data = payload_format.depacketize(payloads).data
        assert payload_format.depacketize(payload_format.packetize(data, 100)).data == data


@pytest.mark.parametrize("codec", CANONICAL)
def test_ffmpegs_headers_parse(codec):
    headers = [header for header, _ in packets(codec)]
    first = headers[0].sequence_number
    assert [h.sequence_number for h in headers] == [(first + i) % 2**16 for i in range(len(headers))]
    assert sum(h.marker for h in headers) == len(frames(codec)) == 6
