"""For any access unit, any payload size, any loss and any bytes."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.endpoints.packetize import PayloadError, av1, h264, h265
from lossweep.endpoints.packetize.annexb import join_nal_units
from lossweep.endpoints.packetize.obu import join_obus

FORMATS = [h264, h265, av1]
TEMPORAL_DELIMITER = b"\x12\x00"
payload_sizes = st.integers(16, 200) | st.sampled_from([1200, 65_535])


def body(seed: int, size: int) -> bytes:
    """Bytes other than zero, so that no start code is among them."""
    return bytes(1 + (seed + 7 * i) % 255 for i in range(size))


@st.composite
def access_units(draw, payload_format):
    """An access unit in canonical form, and its NAL units or OBUs."""
    sizes = draw(st.lists(st.integers(0, 40) | st.integers(0, 1500), min_size=1, max_size=8))
    units = []
    for seed, size in enumerate(sizes):
        if payload_format is h264:
            header = bytes([draw(st.integers(0, 3)) << 5 | draw(st.integers(1, 23))])
        elif payload_format is h265:
            fields = draw(st.integers(0, 47)) << 9 | draw(st.integers(0, 63)) << 3 | draw(st.integers(1, 7))
            header = fields.to_bytes(2, "big")
        else:
            kind = draw(st.sampled_from([1, 3, 4, 5, 6, 7, 15]))
            layer = draw(st.none() | st.integers(0, 31))
            header = bytes([kind << 3]) if layer is None else bytes([kind << 3 | 4, layer << 3])
        units.append(header + body(seed, size))
    if payload_format is av1:
        return TEMPORAL_DELIMITER + join_obus(units), units
    return join_nal_units(units), units


@pytest.mark.parametrize("payload_format", FORMATS)
@given(data=st.data(), size=payload_sizes)
@settings(max_examples=60, deadline=None)
def test_round_trip(payload_format, data, size):
    access_unit, units = data.draw(access_units(payload_format))
    payloads = payload_format.packetize(access_unit, size)
    assert max(map(len, payloads)) <= size
    back = payload_format.depacketize(payloads)
    assert (back.status, back.data, back.intact_bytes) == ("whole", access_unit, len(access_unit))
    assert [u.data for u in back.units] == units
    assert all(u.complete for u in back.units)


def carried(payload_format, payloads, units):
    """For each unit, the payloads that carry some of it: those whose loss leaves it incomplete."""
    carriers = []
    for index in range(len(units)):
        members = []
        for lost in range(len(payloads)):
            arrived = payload_format.depacketize([None if i == lost else p for i, p in enumerate(payloads)])
            if units[index] not in [u.data for u in arrived.units if u.complete]:
                members.append(lost)
        carriers.append(members)
    return carriers


@pytest.mark.parametrize("payload_format", FORMATS)
def test_every_loss_pattern(payload_format):
    head = {h264: [b"\x67", b"\x68", b"\x65"], h265: [b"\x40\x01", b"\x42\x01", b"\x26\x01"]}
    heads = head.get(payload_format, [b"\x08", b"\x28", b"\x30"])
    units = [h + body(seed, size) for seed, (h, size) in enumerate(zip(heads, [4, 30, 70], strict=True))]
    access_unit = (
        join_nal_units(units) if payload_format is not av1 else TEMPORAL_DELIMITER + join_obus(units)
    )
    payloads = payload_format.packetize(access_unit, 24)
    carriers = carried(payload_format, payloads, units)
    assert len(payloads) >= 5
    assert {m for members in carriers for m in members} == set(range(len(payloads)))
    for pattern in product([True, False], repeat=len(payloads)):
        back = payload_format.depacketize([p if a else None for p, a in zip(payloads, pattern, strict=True)])
        whole = [u for u, members in zip(units, carriers, strict=True) if all(pattern[m] for m in members)]
        begun = [u for u, members in zip(units, carriers, strict=True) if pattern[members[0]]]
        assert [u.data for u in back.units if u.complete] == whole
        assert len(back.units) == len(begun)
        assert all(b.startswith(u.data) for u, b in zip(back.units, begun, strict=True))
        assert back.status == ("whole" if all(pattern) else "damaged" if begun else "missing")
        assert access_unit.startswith(back.leading)
        assert (back.data == b"") == (not begun)
        assert back.ranges in ((), ((0, len(back.leading)),))


def test_the_leading_part_of_a_cut_slice_is_there_and_flagged():
    access_unit = join_nal_units([b"\x65" + body(0, 90)])
    payloads = h264.packetize(access_unit, 32)
    back = h264.depacketize([payloads[0], None, *payloads[2:]])
    first = len(payloads[0]) - 2
    assert (back.status, back.units[0].complete) == ("damaged", False)
    assert back.leading == back.data == access_unit[: 4 + 1 + first]


@pytest.mark.parametrize("payload_format", FORMATS)
def test_a_break_without_a_gap_is_refused(payload_format):
    unit = {h264: b"\x65", h265: b"\x26\x01", av1: b"\x30"}[payload_format] + body(0, 90)
    data = join_obus([unit]) if payload_format is av1 else join_nal_units([unit])
    payloads = payload_format.packetize(data, 32)
    for broken in (payloads[1:], payloads[:-1], [payloads[0], *payloads]):
        with pytest.raises(PayloadError):
            payload_format.depacketize(broken)


first_bytes = st.sampled_from(b"\x18\x78\x1c\x7c\x60\x62\x10\x20\x50\x90\xd0\x00\x80\x41\x26\x08\x30")
any_payload = st.binary(max_size=40) | st.tuples(first_bytes, st.binary(max_size=40)).map(
    lambda parts: bytes([parts[0]]) + parts[1]
)


@pytest.mark.parametrize("payload_format", FORMATS)
@given(payloads=st.lists(st.none() | any_payload, max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_an_access_unit_or_the_own_error(payload_format, payloads):
    try:
        back = payload_format.depacketize(payloads)
    except PayloadError:
        return
    assert (back.status == "whole") == (bool(payloads) and None not in payloads)
    assert (back.status == "missing") <= (back.data == b"")


@pytest.mark.parametrize("payload_format", FORMATS)
@given(data=st.binary(max_size=60) | st.binary(max_size=60).map(lambda b: b"\x00\x00\x01" + b))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_packetized_or_refused(payload_format, data):
    try:
        payloads = payload_format.packetize(data, 20)
    except PayloadError:
        return
    assert payload_format.depacketize(payloads).status == "whole"
