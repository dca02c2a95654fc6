"""Packet codes of the semantics: what arrived stays, losses never raise, frames keep to their horizon."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.endpoints.syncsc.codes.code import code_of
from lossweep.endpoints.syncsc.codes.interleaving import Layout
from lossweep.endpoints.syncsc.codes.interpolation import interpolated

SYSTEMATIC = ("none", "rs", "pacsc-s")
ALL = (*SYSTEMATIC, "pacsc")


def motion(frames: int, seed: int = 0) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, 0.15, (frames, 16))
    return (np.round(np.cumsum(steps, 0) * 256) / 256).astype(np.float16).astype(np.float32)


def through(name, numbers, arrived, rate=0.5, group=4, look_ahead=0, **options):
    code = code_of(name, rate, group, look_ahead, **options)
    payloads = [p.payload if a else None for p, a in zip(code.packets(numbers), arrived, strict=False)]
    return code.decode(payloads, len(numbers), numbers[0])


shapes = st.tuples(
    st.integers(1, 40), st.sampled_from([0.5, 0.25]), st.sampled_from([2, 4, 6]), st.integers(0, 8)
)


@pytest.mark.parametrize("name", SYSTEMATIC)
@given(shapes)
@settings(deadline=None, max_examples=25)
def test_nothing_lost_nothing_changed(name, shape):
    frames, rate, group, look_ahead = shape
    sent = motion(frames)
    assert (through(name, sent, [True] * 999, rate, group, look_ahead) == sent).all()


@pytest.mark.parametrize("name", ALL)
@given(shapes, st.integers(0, 99), st.floats(0, 1))
@settings(deadline=None, max_examples=25)
def test_losses_never_raise_and_leave_finite_numbers(name, shape, seed, loss):
    frames, rate, group, look_ahead = shape
    arrived = np.random.default_rng(seed).random(999) >= loss
    got = through(name, motion(frames), arrived, rate, group, look_ahead)
    assert got.shape == (frames, 16)
    assert got.dtype == np.float32
    assert np.isfinite(got).all()


@pytest.mark.parametrize("name", [n for n in ALL if n != "none"])
@pytest.mark.parametrize("rate", [0.5, 0.25])
@pytest.mark.parametrize("group", [2, 4])
def test_protected_codes_send_the_same_packets(name, rate, group):
    code, rs = code_of(name, rate, group), code_of("rs", rate, group)
    sent = motion(37)
    assert [len(p.payload) for p in code.packets(sent)] == [len(p.payload) for p in rs.packets(sent)]
    assert (code.delay_frames, code.block_packets) == (rs.delay_frames, rs.block_packets)


@pytest.mark.parametrize("name", ALL)
def test_what_a_frame_shows_is_in_its_horizon(name):
    """Losing packets that leave after a frame was shown changes nothing of it."""
    sent = motion(64)
    code = code_of(name, 0.5, 4, 3)
    packets, rng = code.packets(sent), np.random.default_rng(5)
    arrived = rng.random(len(packets)) > 0.5
    whole = through(name, sent, arrived, look_ahead=3)
    for shown in (0, 10, 21, 33, 52):
        in_time = [p.frame <= shown + code.delay_frames for p in packets]
        assert (through(name, sent, arrived & in_time, look_ahead=3)[shown] == whole[shown]).all()


@given(st.integers(1, 4), st.sampled_from([0.5, 0.25]))
def test_a_lost_packet_costs_each_frame_of_its_neighbours_nothing(group, rate):
    """Dealing is a bijection, and no packet holds two neighbouring frames' same numbers."""
    layout = Layout(rate, group, 0)
    dealt = layout.dealt()
    assert sorted(dealt.ravel()) == list(range(layout.frames * 16))
    for packet in dealt:
        assert not set(packet) & set(packet + 16)


def test_a_line_is_drawn_only_to_what_is_known_in_time():
    known = np.zeros((6, 16), bool)
    known[[0, 4]] = True
    numbers = np.repeat(np.float32([[0], [0], [0], [0], [8], [0]]), 16, 1)
    got = interpolated(numbers, known, np.array([3, 3, 4, 4, 4, 9]), np.zeros(16))
    assert got[:, 0].tolist() == [0, 0, 4, 6, 8, 8]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rs", 0.3), "0.5 or 0.25"),
        (("rs", 0.5, 0), "group"),
        (("sr",), "'rs'"),
        (("rs", 0.5, 1, -1), "look_ahead"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_mend(arguments, said):
    with pytest.raises(ValueError, match=said):
        code_of(*arguments)
