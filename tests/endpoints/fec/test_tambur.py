"""Tambur's code: bursts of whole frames within tau frames, losses inside a frame at once, its header, its limits."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.tambur import Tambur, TamburFormat
from lossweep.sim.rtp import RtpHeader

FORMAT = TamburFormat()


def frames_of(code):
    """ESIs of each frame: source, then repair packets."""
    out, source, repair = [], 0, code.k
    for packets, repairs in zip(code.frames, code.repair_packets, strict=True):
        out.append([*range(source, source + packets), *range(repair, repair + repairs)])
        source, repair = source + packets, repair + repairs
    return out


def known_after(code, lost):
    """The frame at whose end each frame is whole; inf where it never is."""
    progress, known = code.progress(), set()
    whole = [np.inf] * len(code.frames)
    frames = frames_of(code)
    for now, esis in enumerate(frames):
        for esi in esis:
            if esi not in lost:
                known |= {esi, *progress.add(esi)}
        for frame in range(now + 1):
            if whole[frame] == np.inf and {esi for esi in frames[frame] if esi < code.k} <= known:
                whole[frame] = now
    return np.array(whole)


@pytest.mark.parametrize(
    ("rate", "sizes", "burst"),
    [(0.5, (4,) * 14, 2), (0.5, (1,) * 14, 2), (2 / 3, (4,) * 14, 1), (0.5, (6, 1, 2) * 5, 1)],
)
def test_every_burst_of_whole_frames_is_repaired_within_tau_frames(rate, sizes, burst):
    code = Tambur(rate).make_stream(sizes)
    frames = frames_of(code)
    for first in range(len(sizes) - burst - 2):
        lost = {esi for frame in frames[first : first + burst] for esi in frame}
        assert (known_after(code, lost) <= np.arange(len(sizes)) + 3).all()


def test_a_burst_of_whole_frames_is_not_repaired_without_tau():
    code = Tambur(0.5, 0).make_stream((4,) * 8)
    assert np.isinf(known_after(code, set(frames_of(code)[3]))[3])


def test_as_many_losses_as_repair_packets_in_each_frame_are_repaired_at_once():
    code, rng = Tambur(2 / 3).make_stream((6,) * 20), np.random.default_rng(1)
    lost = {esi for frame in frames_of(code) for esi in rng.choice(frame, 3, replace=False).tolist()}
    assert (known_after(code, lost) == np.arange(20)).all()


def test_repair_packets_follow_the_code_rate_over_frames_of_any_size():
    code = Tambur(0.75).make_stream((5, 1, 1, 3, 2))
    assert code.repair_packets == (2, 0, 1, 1, 0)
    assert code.n == 16
    assert code.depends_on(12) == [0, 1, 2, 3, 4]
    assert code.depends_on(15) == list(range(10))
    assert [code.sent_after(esi) for esi in range(12, 16)] == [4, 4, 6, 9]


def test_the_u_of_a_frame_are_in_the_next_repair_packet_from_tau_frames_on():
    code = Tambur(0.75, 2).make_stream((1,) * 9)
    assert code.repair_packets == (1, 0, 0, 1, 0, 0, 1, 0, 0)
    assert [code.window(esi) for esi in (10, 11)] == [(0, (0x81, 0x81, 1, 1)), (2, (0x81, 0x81, 0x81, 1, 1))]
    assert known_after(code, {4})[4] == 6
    assert known_after(Tambur(0.6).make_stream((1,) * 9), {2})[2] == 6


def test_header_golden_bytes():
    """First packet of the oldest frame, key, frames, their packets, and which of them have their U in it."""
    packets = [RtpHeader(96, (0xFFFE + i) % 2**16, 9 * i, 7).serialize() + bytes([i]) for i in range(8)]
    code = Tambur(0.5, 1).make_stream((2, 1, 5))
    payloads = FORMAT.payloads(packets, code, 0)
    assert [payload[:7].hex() for payload in payloads[2:4]] == ["fffe0002028201", "00000003028105"]
    assert {len(payload) for payload in payloads[:2]} == {5 + 1 + 16}
    assert FORMAT.parse(payloads[3]).head == (3, 0x81, 5)


@given(st.binary(max_size=20))
@settings(max_examples=200, deadline=None)
def test_parsing_any_bytes_raises_only_fec_error(payload):
    with contextlib.suppress(FecError):
        FORMAT.parse(payload)


def test_errors_name_the_thing():
    with pytest.raises(ValueError, match="delay is 16"):
        Tambur(0.5, 16)
    with pytest.raises(ValueError, match="at most 64 packets, not 65"):
        Tambur(0.5).make_stream((3, 65))
    with pytest.raises(ValueError, match="k=3, n=4"):
        Tambur(0.5).make(3, 4)
