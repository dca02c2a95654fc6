"""Jitter buffers that adapt: they follow the jitter, and one lost or late packet neither stalls nor inflates them."""

import numpy as np
import pytest

from lossweep.sim.call.adaptive_playout import play_video
from lossweep.sim.call.frames import FrameTimes
from lossweep.sim.call.neteq import NetEq
from lossweep.sim.call.video_jitter import ADDED_S, RENDER_S, VideoJitter


def video(delays, sizes=None, frame_s=1 / 30):
    buffer, targets = VideoJitter(), []
    sizes = [2000] * len(delays) if sizes is None else sizes
    for i, (delay, size) in enumerate(zip(delays, sizes, strict=True)):
        if delay is not None:
            buffer.frame(i * frame_s, i * frame_s + delay, size)
        targets.append(buffer.target_s(frame_s))
    return buffer, np.array(targets)


def speech(delays, step_s=0.02):
    buffer, targets = NetEq(), []
    order = sorted((i * step_s + d, i) for i, d in enumerate(delays) if d is not None)
    for arrived_s, i in order:
        buffer.arrive(i, i * step_s, arrived_s)
        targets.append(buffer.target_s)
    return np.array(targets)


def test_without_jitter_video_waits_for_its_constants():
    _, targets = video([0.05] * 600)
    assert targets[-1] == pytest.approx(ADDED_S + RENDER_S, abs=0.002)


def test_video_follows_the_jitter():
    rng = np.random.default_rng(1)
    waits = [video(0.05 + rng.normal(0, sigma, 900))[1][-1] for sigma in (0.005, 0.02, 0.04)]
    assert waits == sorted(waits)
    assert 0.05 <= waits[1] <= 0.12


def test_a_large_frame_is_no_jitter():
    """A key frame of 20 times the size on a link of 1 Mbit/s: the wait covers it, and returns when none follow."""
    sizes = [2000] * 600
    for i in range(0, 600, 100):
        sizes[i] = 20_000
    delays = [0.05 + 8 * size / 1e6 for size in sizes]
    buffer, _ = video(delays, sizes)
    assert 0.08 <= buffer.jitter_s() <= 0.3


@pytest.mark.parametrize("lost", [None, 1.0])
def test_one_lost_or_late_frame_does_not_inflate_the_video_buffer(lost):
    delays = [0.05] * 900
    delays[400] = lost
    _, targets = video(delays)
    assert targets[410:].max() <= targets[399] + 0.02
    assert targets[-1] == pytest.approx(targets[399], abs=0.01)


def test_the_delay_changes_by_at_most_100_ms_per_second():
    rng = np.random.default_rng(2)
    _, targets = video(np.concatenate([np.full(300, 0.05), 0.05 + rng.exponential(0.2, 300)]))
    assert np.abs(np.diff(targets)).max() <= 0.1 / 30 + 1e-12


def test_three_requests_add_the_round_trip():
    buffer, _ = video([0.05] * 100)
    before = buffer.jitter_s(0.2)
    for _ in range(3):
        buffer.requested()
    assert buffer.jitter_s(0.2) == pytest.approx(before + 0.2)


def test_neteq_begins_at_80_ms_and_falls_without_jitter():
    targets = speech([0.05] * 3000)
    assert targets[0] == 0.08
    assert targets[-1] == pytest.approx(0.02)


def test_neteq_covers_the_quantile_of_the_jitter():
    """95 % of the largest delays of 500 ms are below the target, within a bucket."""
    rng = np.random.default_rng(3)
    targets = speech(0.05 + rng.uniform(0, 0.1, 6000))
    assert targets[-1] == pytest.approx(0.1, abs=0.021)


@pytest.mark.parametrize("lost", [None, 0.6])
def test_one_lost_or_late_packet_does_not_inflate_neteq(lost):
    delays = [0.05] * 3000
    delays[2000] = lost
    targets = speech(delays)
    assert targets[2100:].max() <= 0.04
    assert len(targets) == 3000 - (lost is None)


def test_an_adaptive_video_buffer_plays_all_frames_of_a_calm_path_sooner_than_a_fixed_one():
    frames = [FrameTimes(i / 30, i / 30 + 0.05, i / 30 + 0.05, 2000, i == 0) for i in range(300)]
    played = play_video(frames)
    assert played.in_time == 1.0
    assert 0.06 <= played.delay_s <= 0.08


def test_a_frame_that_never_comes_costs_itself_alone():
    frames = [FrameTimes(i / 30, i / 30 + 0.05, i / 30 + 0.05, 2000, True) for i in range(300)]
    frames[150] = FrameTimes(5.0, np.inf, np.inf, 2000, True)
    played = play_video(frames)
    assert played.in_time == pytest.approx(298 / 299)
    assert played.delay_s <= 0.08
