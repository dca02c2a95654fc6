"""Pairing by presentation time, freezes, VMAF."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.freezes import freezes
from lossweep.experiments.metrics.metric import METRICS, MetricAbsent
from lossweep.experiments.metrics.pairing import on_screen, pairs


def clip(frames: int, fps: float = 25.0) -> Clip:
    return Clip("c", video=np.zeros((frames, 2, 2, 3), np.uint8), fps=fps)


def freezes_of(outcomes: str, fps: float = 25.0) -> dict[str, float]:
    names = {"w": "whole", "c": "concealed", "f": "frozen", "g": "grey"}
    return freezes(tuple(names[letter] for letter in outcomes), fps)


@given(st.lists(st.integers(0, 50), min_size=1, unique=True).map(sorted), st.integers(0, 60))
def test_on_screen_is_the_last_picture_that_appeared(ticks: list[int], t: int) -> None:
    index = int(on_screen(np.array(ticks) / 10, np.array(t / 10)))
    assert index == sum(tick <= t for tick in ticks) - 1


@pytest.mark.parametrize(
    ("reference", "received", "shown"),
    [
        (clip(6, 30), clip(6, 30), [0, 1, 2, 3, 4, 5]),
        (clip(6, 30), clip(3, 15), [0, 0, 1, 1, 2, 2]),
        (clip(3, 15), clip(6, 30), [0, 2, 4]),
        (clip(6, 30), clip(2, 30), [0, 1, 1, 1, 1, 1]),
        (clip(5, 25), clip(4, 20), [0, 0, 1, 2, 3]),
    ],
)
def test_pairs_follow_presentation_time(reference: Clip, received: Clip, shown: list[int]) -> None:
    assert pairs(reference, Playback(received)) == list(zip(shown, range(len(shown)), strict=True))


def test_pairs_need_video() -> None:
    with pytest.raises(ValueError, match="received clip 'c' has no video"):
        pairs(clip(3), Playback(Clip("c")))


@given(st.integers(1, 60), st.sampled_from([5.0, 10.0, 25.0, 50.0]))
def test_a_gap_is_a_freeze_from_the_threshold_on(missing: int, fps: float) -> None:
    """After steady frames the threshold is max(3 frames, 1 frame + 150 ms), the gap `missing` + 1 frames."""
    found = freezes_of("w" * 60 + "f" * missing + "w" * 3, fps)
    frozen = (missing + 1) * 1000 >= max(3 * 1000, 1000 + 150 * fps)
    assert found["freeze_count"] == int(frozen)
    assert found["total_freezes_duration"] == pytest.approx((missing + 1) / fps if frozen else 0)
    assert found["frames_dropped"] == missing


def test_the_average_is_over_the_last_thirty_intervals() -> None:
    slow = "wfff" * 30
    gap = "w" + "f" * 4 + "w"
    assert freezes_of(slow + gap)["freeze_count"] == 0
    assert freezes_of(slow + "w" * 40 + gap)["freeze_count"] == 1


@pytest.mark.parametrize("outcome", ["", "g" * 50, "g" * 50 + "w" * 5, "wc" * 30, "w" * 5 + "f" * 50])
def test_nothing_before_the_first_or_after_the_last_rendered_frame_is_a_freeze(outcome: str) -> None:
    found = freezes_of(outcome)
    rendered = outcome.count("w") + outcome.count("c")
    dropped = len(outcome) - rendered
    nothing = dict.fromkeys(("freeze_count", "total_freezes_duration", "freeze_ratio"), 0)
    assert found == nothing | {"frames_dropped": dropped, "frozen_share": dropped / max(1, len(outcome))}


def test_vmaf_falls_with_distortion_and_pairs_by_time() -> None:
    from skimage.data import astronaut

    try:
        vmaf = METRICS.get("vmaf")()
    except MetricAbsent as absent:
        pytest.skip(str(absent))
    face = astronaut()[:160, 120:280]
    video = [np.ascontiguousarray(np.roll(face, 3 * i, axis=1)) for i in range(12)]
    reference = Clip("face", video=video)
    rough = [np.kron(frame[::8, ::8], np.ones((8, 8, 1), np.uint8)) for frame in video]
    same, half_rate, coarse = (
        vmaf.score(reference, Playback(Clip("r", video=shown, fps=fps)), Truth())["vmaf"]
        for shown, fps in ((video, 25.0), (video[::2], 12.5), (rough, 25.0))
    )
    assert same > 95
    assert coarse < same - 10
    assert half_rate < same - 5
    doubled = [frame for frame in video for _ in range(2)]
    assert vmaf.score(reference, Playback(Clip("r", video=doubled, fps=50.0)), Truth())["vmaf"] == same
    with pytest.raises(ValueError, match="different sizes"):
        vmaf.score(reference, Playback(Clip("r", video=[face[:100, :100]] * 12)), Truth())
