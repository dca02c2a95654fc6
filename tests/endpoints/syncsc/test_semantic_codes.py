"""Packet codes of face coefficients: what arrived stays, nothing received raises, frames keep to their horizon."""

import numpy as np
import pytest
from face_rows import estimate, make, received
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.endpoints.syncsc.codes.code import LARGEST
from lossweep.endpoints.syncsc.codes.interleaving import Layout
from lossweep.endpoints.syncsc.codes.interpolation import interpolated

SYSTEMATIC = ("none", "rs", "repetition", "pacsc-s")
ALL = (*SYSTEMATIC, "pacsc")


def motion(frames: int, seed: int = 0) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, 0.15, (frames, 16))
    return (np.round(np.cumsum(steps, 0) * 256) / 256).astype(np.float16).astype(np.float32)


shapes = st.tuples(
    st.integers(1, 40), st.sampled_from([0.5, 0.25]), st.sampled_from([2, 4, 6]), st.integers(0, 8)
)


@pytest.mark.parametrize("name", SYSTEMATIC)
@given(shapes)
@settings(deadline=None, max_examples=25)
def test_nothing_lost_nothing_changed(name, shape):
    frames, *options = shape
    sent = motion(frames)
    shown, whole = estimate(make(name, *options), sent, np.ones(999, bool))
    assert (shown == sent).all()
    assert whole.all()


@pytest.mark.parametrize("name", ALL)
@given(shapes, st.integers(0, 99), st.floats(0, 1))
@settings(deadline=None, max_examples=25)
def test_losses_leave_numbers_that_can_be_sent(name, shape, seed, loss):
    frames, *options = shape
    arrived = np.random.default_rng(seed).random(999) >= loss
    shown, whole = estimate(make(name, *options), motion(frames), arrived)
    assert shown.shape == (frames, 16)
    assert shown.dtype == np.float32
    assert whole.shape == (frames,)
    assert (np.abs(shown) <= LARGEST).all()


@pytest.mark.parametrize("name", SYSTEMATIC)
@pytest.mark.parametrize("loss", [0.4, 0.7])
def test_whole_frames_are_the_sent_ones(name, loss):
    sent = motion(200)
    arrived = np.random.default_rng(3).random(999) >= loss
    shown, whole = estimate(make(name), sent, arrived)
    assert 0 < whole.sum() < len(sent)
    assert (shown[whole] == sent[whole]).mean() > 0.999


@pytest.mark.parametrize("name", ALL)
@given(st.data())
@settings(deadline=None, max_examples=30)
def test_any_rows_at_all_give_numbers_that_can_be_sent(name, data):
    """Rows with flipped bytes, of other lengths, and pure noise."""
    code = make(name, look_ahead=2)
    rows = received(code, motion(24), np.ones(999, bool))
    seed = data.draw(st.integers(0, 10_000))
    random = np.random.default_rng(seed)
    for _ in range(data.draw(st.integers(1, 12))):
        b, i = random.integers(len(rows)), random.integers(code.block.n)
        row = bytearray(rows[b][i] or b"")
        kind = random.integers(4)
        if kind == 0 and row:
            row[random.integers(len(row))] ^= int(random.integers(1, 256))
        elif kind == 1:
            row = bytearray(random.bytes(len(row)))
        elif kind == 2:
            row = bytearray(random.bytes(random.integers(0, 90)))
        rows[b][i] = bytes(row) if kind != 3 else None
    shown, _ = code.decode(rows, np.zeros(16, np.float32))
    assert shown.shape == (24, 16)
    assert (np.abs(shown) <= LARGEST).all()


@pytest.mark.parametrize("name", ["none", "rs", "pacsc-s", "pacsc"])
@pytest.mark.parametrize("wild", [b"\x7e\x00", b"\x7c\x00", b"\xfc\x00"])
def test_a_row_that_is_no_number_counts_as_lost(name, wild):
    code, sent = make(name), motion(24)
    rows = received(code, sent, np.ones(999, bool))
    spoilt = [list(block) for block in rows]
    spoilt[1][2] = wild + rows[1][2][2:]
    rows[1][2] = None
    assert (code.decode(spoilt, sent[0]).coefficients == code.decode(rows, sent[0]).coefficients).all()


@pytest.mark.parametrize("name", [n for n in ALL if n != "none"])
@pytest.mark.parametrize("rate", [0.5, 0.25])
@pytest.mark.parametrize("group", [2, 4])
def test_protected_codes_send_the_same_packets(name, rate, group):
    code, rs = make(name, rate, group), make("rs", rate, group)
    sent = motion(37)
    sizes, expected = ([[len(row) for row in block] for block in c.encode(sent)] for c in (code, rs))
    assert sizes == expected
    assert code.layout.delay_frames == rs.layout.delay_frames


@pytest.mark.parametrize("name", ALL)
def test_what_a_frame_shows_is_in_its_horizon(name):
    """Losing packets that leave after a frame was shown changes nothing of it."""
    sent, code = motion(64), make(name, 0.5, 4, 3)
    leaves = (np.arange(8)[:, None] * code.layout.frames + code.ready).ravel()
    arrived = np.random.default_rng(5).random(len(leaves)) > 0.5
    whole = estimate(code, sent, arrived).coefficients
    for shown in (0, 10, 21, 33, 52):
        in_time = leaves <= shown + code.layout.delay_frames
        assert (estimate(code, sent, arrived & in_time).coefficients[shown] == whole[shown]).all()


def test_a_copy_leaves_with_its_source_and_other_repair_rows_at_the_end():
    assert make("repetition").ready.tolist() == [4, 5, 6, 7] * 2
    assert make("rs").ready.tolist() == make("pacsc-s").ready.tolist() == [4, 5, 6, 7, 7, 7, 7, 7]
    assert make("pacsc").ready.tolist() == [7] * 8


@given(st.integers(1, 4), st.sampled_from([0.5, 0.25]))
def test_a_lost_packet_costs_each_frame_of_its_neighbours_nothing(group, rate):
    """Interleaving is a bijection, and no packet holds two neighbouring frames' same numbers."""
    layout = Layout(rate, group)
    order = layout.order()
    assert sorted(order.ravel()) == list(range(layout.frames * 16))
    for packet in order:
        assert not set(packet) & set(packet + 16)
    frames = motion(layout.frames * 3)
    assert (layout.deinterleave(layout.interleave(frames)) == frames).all()


def test_a_line_is_drawn_only_to_what_is_known_in_time():
    known = np.zeros((6, 16), bool)
    known[[0, 4]] = True
    numbers = np.repeat(np.float32([[0], [0], [0], [0], [8], [0]]), 16, 1)
    got = interpolated(numbers, known, np.array([3, 3, 4, 4, 4, 9]), np.zeros(16))
    assert got[:, 0].tolist() == [0, 0, 4, 6, 8, 8]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pacsc", 0.3), "0.5 or 0.25"),
        (("rs", 0.5, 0), "group"),
        (("sr",), "'rs'"),
        (("rs", 0.5, 1, -1), "look_ahead"),
        (("rs", 0.01), "255"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_mend(arguments, said):
    with pytest.raises(ValueError, match=said) as error:
        make(*arguments)
    assert "\n" not in str(error.value)
