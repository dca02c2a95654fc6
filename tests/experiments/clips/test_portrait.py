"""The built-in clip: the same each time, with lips that move when something is said."""

import numpy as np
import pytest

from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.endpoints.tts.espeak import Phoneme, is_silence, speak
from lossweep.experiments.clips import load_clips
from lossweep.experiments.clips.face import Face, FacePose
from lossweep.experiments.clips.portrait import TEXT
from lossweep.experiments.clips.visemes import mouth_track


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSWEEP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield load_clips("portrait", size=64)[0]


def test_it_is_built_the_same_again_and_read_the_same(clip, tmp_path, monkeypatch):
    monkeypatch.setenv("LOSSWEEP_CACHE", str(tmp_path))
    built, read = load_clips("portrait", size=64)[0], load_clips("portrait", size=64)[0]
    for other in (built, read):
        np.testing.assert_array_equal(clip.video, other.video)
        np.testing.assert_array_equal(clip.speech, other.speech)
        assert clip.words == other.words
    (kept,) = (tmp_path / "clips").iterdir()
    kept.write_bytes(kept.read_bytes()[:5000])
    np.testing.assert_array_equal(clip.video, load_clips("portrait", size=64)[0].video)


def test_it_says_its_text_within_its_time(clip):
    assert clip.video.shape == (200, 64, 64, 3)
    assert len(clip.speech) == 8 * SPEECH_RATE
    assert " ".join(w.text for w in clip.words) == TEXT
    edges = [t for w in clip.words for t in (w.start_s, w.end_s)]
    assert edges == sorted(edges)
    assert all(w.end_s > w.start_s for w in clip.words)
    assert edges[0] >= 0
    assert edges[-1] <= clip.duration_s


def test_speech_is_loud_in_words_and_silent_between(clip):
    t = np.arange(len(clip.speech)) / SPEECH_RATE
    spoken = np.any([(t >= w.start_s) & (t < w.end_s) for w in clip.words], axis=0)
    assert np.square(clip.speech[~spoken]).sum() < 0.02 * np.square(clip.speech).sum()


def test_the_mouth_opens_with_the_sound():
    speech, _, phonemes = speak(TEXT)
    times = np.arange(0, len(speech) / SPEECH_RATE - 0.04, 0.04)
    opening = [pose.upper + pose.lower for pose in mouth_track(phonemes, times)]
    loudness = [np.sqrt(np.mean(speech[round(t * SPEECH_RATE) :][:640] ** 2)) for t in times]
    assert np.corrcoef(opening, loudness)[0, 1] > 0.4
    shuffled = np.random.default_rng(0).permutation(opening)
    assert abs(np.corrcoef(shuffled, loudness)[0, 1]) < 0.3


def test_lips_meet_in_m_and_part_in_a():
    phonemes = [
        Phoneme("a", 0.0, 0.2),
        Phoneme("m", 0.2, 0.3),
        Phoneme("a", 0.3, 0.5),
        Phoneme("_:", 0.5, 0.9),
    ]
    first, m, last, pause = mouth_track(phonemes, np.array([0.1, 0.23, 0.4, 0.8]))
    assert m.lower < 0.2
    assert pause.lower < 0.2
    assert min(first.lower, last.lower) > 4
    assert is_silence(phonemes[3])


def test_eyes_darken_nowhere_else_when_they_close():
    face = Face(256)
    change = np.abs(face.draw(FacePose(closed=1.0)).astype(int) - face.draw(FacePose())).max(axis=2) > 8
    rows, columns = np.nonzero(change)
    assert change.sum() > 100
    assert rows.min() > 85
    assert rows.max() < 118
    assert columns.min() > 80
    assert columns.max() < 175
