"""What holds for every registered metric, and for a plug-in: range, direction, identical input, columns, errors."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from lossweep.endpoints.clip import Clip, Playback, Word
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.clips import load_clips
from lossweep.experiments.column import Column
from lossweep.experiments.columns import mistakes, schema
from lossweep.experiments.metrics.metric import (
    METRICS,
    ClipMetric,
    FrameMetric,
    Metric,
    MetricAbsent,
    MetricError,
    Picture,
)


class Brightness(FrameMetric):
    """A plug-in: difference of the mean grey levels."""

    name, label, higher_is_better = "brightness", "difference of brightness", False
    schema = (Column("brightness", label, "quality", better="lower", lowest=0.0, media="pictures"),)

    def scores(self, pairs):
        return [abs(float(a.pixels.mean()) - float(b.pixels.mean())) for a, b in pairs]


class Loudness(ClipMetric):
    """A plug-in: share of the clip's energy that is heard."""

    name, label, higher_is_better, needs = "loudness", "energy heard", True, "speech"
    schema = (Column("loudness", label, "quality", better="higher", lowest=0.0, media="speech"),)

    def score(self, reference, playback, truth):
        if not len(reference.speech):
            raise MetricError("loudness: no speech")
        return {"loudness": float((playback.clip.speech**2).sum() / (reference.speech**2).sum())}


PLUGINS = {"brightness": Brightness, "loudness": Loudness}
NAMES = [*METRICS.names(), *PLUGINS]
CLASSES = {name: PLUGINS.get(name) or METRICS.get(name) for name in NAMES}
FRAME = [name for name, cls in CLASSES.items() if issubclass(cls, FrameMetric)]
CLIP = [name for name, cls in CLASSES.items() if issubclass(cls, ClipMetric)]

PERFECT = {
    **dict.fromkeys(("lpips", "brightness", "mcd", "mcd_dtw", "mcd_dtw_sl", "mfcc_fid", "wer"), 0.0),
    **dict.fromkeys(("face_lpips", "mouth_lpips", "aed", "apd"), 0.0),
    **dict.fromkeys(("coefficient_rmse", "eye_rmse", "playout_skew_ms", "playout_skew_max_ms"), 0.0),
    **dict.fromkeys(("ssim", "ms_ssim", "stoi", "mel_ssim", "mfcc_cos", "chrf", "loudness"), 1.0),
    **dict.fromkeys(("semantic_similarity", "semantic_similarity_dropped", "playout_in_sync"), 1.0),
    **dict.fromkeys(("eye_closure", "speaker_similarity"), 1.0),
    **dict.fromkeys(("word_recovery", "word_recovery_cosine"), 1.0),
    **{f"bleu{n}{d}": 1.0 for n in ("", "_1", "_2", "_3", "_4") for d in ("", "_dropped")},
    "psnr": 100.0,
    "pesq": 4.644,
}
"""Scores of what was received whole. Metrics without a reference have a stated clean value of their own instead."""
OWN_CLEAN_VALUE = {"dnsmos", "plcmos", "utmos", "lip_sync", "heard", "recognition", "vmaf"}
UNMOVED = {"recognizer_wer", "heard_wer_clean", "lse_d_clean", "lse_c_clean"}
"""Columns about the clip, whatever the network did."""


@cache
def made(name: str) -> Metric | str:
    try:
        return CLASSES[name]()
    except MetricAbsent as absent:
        return str(absent)


@pytest.fixture(params=NAMES)
def metric(request) -> Metric:
    found = made(request.param)
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(params=FRAME)
def frame_metric(request) -> FrameMetric:
    return made(request.param)


@pytest.fixture(params=CLIP)
def clip_metric(request) -> ClipMetric:
    found = made(request.param)
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(scope="module")
def clip() -> Clip:
    """Four seconds of the built-in clip, with its words and a transcript that differs in one."""
    whole = load_clips("portrait")[0]
    words = tuple(word for word in whole.words if word.end_s <= 4.0)
    transcript = " ".join(["Otherwise", *(word.text for word in words[1:])])
    video, speech = list(whole.video[:100]), whole.speech[: 100 * 640]
    return replace(whole, video=video, speech=speech, words=words, transcript=transcript)


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth(np.random.default_rng(0).normal(size=(100, 16)).astype(np.float32))


def received(clip: Clip, truth: Truth, **parts) -> Playback:
    """A playback of the clip, with some parts replaced."""
    shown = replace(
        clip, name="received", **{k: v for k, v in parts.items() if k in ("video", "speech", "words")}
    )
    digests = tuple(Picture.of(picture).digest for picture in shown.video)
    outcome = parts.get("outcome", ("whole",) * len(shown.video))
    semantics = parts.get("semantics", truth.semantics)
    return Playback(shown, outcome, digests, semantics, parts.get("sound_late_s", 0.0))


def damaged(clip: Clip, truth: Truth) -> Playback:
    """A playback that every metric must find worse: old pictures, late sound with gaps, words missing."""
    speech = clip.speech.copy()
    speech.reshape(-1, 3200)[::2] = 0.0
    shown = [clip.video[0]] * len(clip.video)
    words = tuple(replace(w, text=None) if i % 3 else w for i, w in enumerate(clip.words))
    outcome = ("whole", *(("frozen",) * (len(shown) - 1)))
    semantics = truth.semantics + 0.5
    return received(
        clip,
        truth,
        video=shown,
        speech=speech,
        words=words,
        outcome=outcome,
        semantics=semantics,
        sound_late_s=0.4,
    )


def better(metric: Metric, column: str) -> str:
    return "higher" if metric.higher_is_better != (column in metric.opposite) else "lower"


def values(row: dict) -> dict[str, float]:
    return {name: value for name, value in row.items() if not isinstance(value, str)}


def test_a_metric_is_declared_whole(metric: Metric) -> None:
    assert isinstance(metric, FrameMetric) != isinstance(metric, ClipMetric)
    assert metric.name
    assert metric.label
    assert isinstance(metric.higher_is_better, bool)
    assert (type(metric).__doc__ or "").strip()
    assert set(metric.opposite) <= set(metric.columns)
    known = schema({metric.name: metric})
    for name in metric.columns:
        column = known[name]
        assert column.label
        if column.role == "quality" and column.better:
            assert column.better == better(metric, name), name
    metric.forget()
    type(metric).check()


def perfect(metric: Metric, name: str) -> float:
    """The value of identical input: as the table above says, else the best that the column's schema allows."""
    column = schema({metric.name: metric})[name]
    best = column.lowest if column.better == "lower" else column.highest
    return PERFECT.get(name, best)


def test_pictures_range_direction_identity(frame_metric: FrameMetric, clip: Clip) -> None:
    reference = Picture.of(clip.video[40])
    rng = np.random.default_rng(0)
    noise = np.clip(reference.pixels + rng.normal(8, 20, reference.pixels.shape), 0, 255).astype(np.uint8)
    pairs = [(Picture.of(shown), reference) for shown in (reference.pixels, noise, 0 * noise)]
    scores = frame_metric.scores(pairs)
    assert scores[0] == pytest.approx(perfect(frame_metric, frame_metric.name), abs=1e-9)
    assert scores == sorted(scores, reverse=frame_metric.higher_is_better)
    assert len(set(scores)) == 3
    assert scores == [frame_metric.scores([pair])[0] for pair in pairs], "each pair by itself"
    known = schema({frame_metric.name: frame_metric})
    assert [mistakes({frame_metric.name: score}, known) for score in scores] == [[]] * 3


def test_clips_range_direction_identity(clip_metric: ClipMetric, clip: Clip, truth: Truth) -> None:
    whole, worse = received(clip, truth), damaged(clip, truth)
    clean, hurt = (clip_metric.score(clip, playback, truth) for playback in (whole, worse))
    known = schema({clip_metric.name: clip_metric})
    assert mistakes(clean, known) == mistakes(hurt, known) == []
    assert set(values(clean)) <= set(clip_metric.columns) <= set(clean)
    assert set(hurt) == set(clean)
    assert clean == clip_metric.score(clip, whole, truth), "the same input gives the same row"
    for column, value in values(clean).items():
        if clip_metric.name not in OWN_CLEAN_VALUE:
            assert value == pytest.approx(perfect(clip_metric, column), abs=1e-3), column
        if column in UNMOVED:
            assert hurt[column] == value
        elif known[column].better:
            down = better(clip_metric, column) == "higher"
            assert (hurt[column] < value) if down else (hurt[column] > value), column


def test_a_playback_may_be_shorter_or_longer(clip_metric: ClipMetric, clip: Clip, truth: Truth) -> None:
    """A receiver does not know when the clip ends: what follows is not scored, what is missing is."""
    whole = clip_metric.score(clip, received(clip, truth), truth)
    longer = received(
        clip,
        truth,
        video=[*clip.video, *[clip.video[-1]] * 10],
        speech=np.append(clip.speech, np.zeros(6400, np.float32)),
        semantics=np.concatenate([truth.semantics, truth.semantics[-10:]]),
    )
    assert clip_metric.score(clip, longer, truth) == pytest.approx(whole, nan_ok=True)
    shorter = received(
        clip,
        truth,
        video=clip.video[:60],
        speech=clip.speech[: 60 * 640],
        words=tuple(word for word in clip.words if word.end_s < 60 / 25),
        semantics=truth.semantics[:60],
    )
    row = clip_metric.score(clip, shorter, truth)
    assert set(row) == set(whole)
    if clip_metric.name not in OWN_CLEAN_VALUE | {"playout_skew"}:
        assert values(row) != pytest.approx(values(whole), abs=1e-3)


def test_nothing_received_is_worst_or_undefined(clip_metric: ClipMetric, clip: Clip, truth: Truth) -> None:
    grey = [np.full_like(clip.video[0], 128)]
    nothing = received(
        clip, truth, video=grey, outcome=("grey",), words=(), speech=np.zeros(0, np.float32), semantics=None
    )
    row = clip_metric.score(clip, nothing, truth)
    bad = clip_metric.score(clip, damaged(clip, truth), truth)
    known = schema({clip_metric.name: clip_metric})
    assert mistakes(row, known) == []
    for column, value in values(row).items():
        # opinions without a reference say little of silence
        if column in UNMOVED or not known[column].better or column.startswith(("dnsmos", "lse", "vmaf")):
            continue
        if not math.isnan(value):
            assert (
                (value <= bad[column]) if better(clip_metric, column) == "higher" else (value >= bad[column])
            ), column


@pytest.mark.parametrize("name", FRAME)
def test_pictures_that_cannot_be_scored_are_one_line(name: str, clip: Clip) -> None:
    reference = Picture.of(clip.video[0])
    if name in PLUGINS:
        return
    for wrong in (
        np.zeros((256, 256, 3), np.float32),
        np.zeros((256, 256), np.uint8),
        np.zeros((9, 7, 3), np.uint8),
    ):
        with pytest.raises(MetricError, match=f"^{name}: [^\n]+$"):
            made(name).scores([(Picture.of(wrong), reference)])


def test_clips_that_cannot_be_scored_are_nan_or_one_line(clip_metric: ClipMetric, truth: Truth) -> None:
    """A metric raises no error but its own, whatever it is given."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 40, 48, 3), dtype=np.uint8)
    word = (Word("Yes", 0.0, 0.1),)
    for video, speech, words in (
        (noise, np.zeros(1, np.float32), word),
        (noise[:1], np.full(500, 0.1, np.float32), ()),
    ):
        tiny = Clip("tiny", list(video), 25.0, speech, words)
        for playback in (received(tiny, truth), received(tiny, truth, words=(), speech=speech[:0])):
            line, row = "", {}
            try:
                row = clip_metric.score(tiny, playback, truth)
            except MetricError as error:
                line = str(error)
            assert "\n" not in line
            assert mistakes(row, schema({clip_metric.name: clip_metric})) == []
