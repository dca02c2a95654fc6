"""Sound: each frame at its own time, whatever the file's rates and gaps."""

import time

import av
import numpy as np
import pytest
from clip_files import clicks, mux_sound, onsets, write_sound, write_video

from lossweep.experiments.clips import load_clips
from lossweep.experiments.clips.sound import read_sound


def test_a_gap_in_the_timestamps_is_silence(tmp_path):
    path = write_sound(tmp_path / "a.mka", [(0.5, clicks(2, 48000)), (4.0, clicks(2, 48000))])
    sound = read_sound(path, 0.0, 6.0).samples
    assert onsets(sound) == pytest.approx([0.5, 1.5, 4.0, 5.0], abs=0.002)
    assert np.abs(sound[int(2.6 * 16000) : int(3.9 * 16000)]).max() < 1e-3


@pytest.mark.parametrize("gap_s", [0.02, 0.04, 0.1])
def test_short_gaps_are_kept_too(tmp_path, gap_s):
    path = write_sound(tmp_path / "a.mka", [(i * (1 + gap_s), clicks(1, 48000)) for i in range(5)])
    sound = read_sound(path, 0.0, 6.0).samples
    assert onsets(sound) == pytest.approx([i * (1 + gap_s) for i in range(5)], abs=0.002)


def test_rounded_timestamps_leave_no_seams(tmp_path):
    """Matroska rounds times to 1 ms; a tone over frames of 20 ms at 44.1 kHz stays a tone."""
    path = tmp_path / "a.mka"
    tone = (np.sin(2 * np.pi * 441 * np.arange(44100) / 44100) * 16000).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=44100, layout="mono")
        for first in range(0, 44100, 1000):
            mux_sound(container, stream, tone[None, first : first + 1000], "s16", "mono", 44100, first)
    sound = read_sound(path, 0.0, 1.0).samples[1600:14400]
    expected = np.sin(2 * np.pi * 441 * np.arange(1600, 14400) / 16000) * 16000 / 32768
    assert np.abs(sound - expected).max() < 0.01


def test_changes_of_rate_and_layout_are_resampled(tmp_path):
    first, second = tmp_path / "1.ts", tmp_path / "2.ts"
    for path, rate, layout, start in ((first, 48000, "mono", 0), (second, 44100, "stereo", 3)):
        with av.open(str(path), "w", format="mpegts") as container:
            stream = container.add_stream("mp2", rate=rate, layout=layout)
            samples = (clicks(3, rate) * 32767).astype(np.int16)
            samples = np.repeat(samples, 2) if layout == "stereo" else samples
            mux_sound(container, stream, samples[None], "s16", layout, rate, start * rate)
            container.mux(stream.encode(None))
    (tmp_path / "both.ts").write_bytes(first.read_bytes() + second.read_bytes())
    sound = read_sound(tmp_path / "both.ts", None, None).samples
    times = np.array(onsets(sound))
    assert len(times) == 6
    np.testing.assert_allclose(np.diff(times), 1.0, atol=0.03)


def test_the_default_sound_is_taken_and_the_others_are_named(tmp_path):
    path = tmp_path / "a.mka"
    with av.open(str(path), "w") as container:
        silent = container.add_stream("pcm_s16le", rate=16000, layout="stereo")
        spoken = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        silent.disposition, spoken.disposition = 0, av.stream.Disposition.default
        mux_sound(container, silent, np.zeros((1, 64000), np.int16), "s16", "stereo", 16000, 0)
        mux_sound(container, spoken, np.full((1, 32000), 8000, np.int16), "s16", "mono", 16000, 0)
    sound = read_sound(path, None, None)
    assert np.abs(sound.samples).max() > 0.2
    assert any("of its 2 sound streams the default one" in note for note in sound.notes)


def test_sound_before_the_first_picture_is_left_out(tmp_path):
    path = write_sound(tmp_path / "a.mka", [(0.0, clicks(3, 48000))])
    assert onsets(read_sound(path, 0.5, 2.0).samples) == pytest.approx([0.5, 1.5], abs=0.002)


def test_time_is_linear_in_the_length(tmp_path):
    """Ten times the sound takes about ten times as long; it was the square of it (F6)."""
    taken = []
    for seconds in (30, 300):
        path = write_sound(tmp_path / f"{seconds}.mka", [(0.0, np.zeros(seconds * 48000, np.float32))])
        read_sound(path, None, 1.0)
        start = time.process_time()
        assert len(read_sound(path, None, None).samples) == seconds * 16000
        taken.append(time.process_time() - start)
    assert taken[1] < 25 * taken[0]


def test_a_file_without_sound_has_none(tmp_path):
    path = write_video(tmp_path / "a.mkv", rate=25, frames=2, width=64, height=64)
    assert read_sound(path, 0.0, 1.0) is None
    assert load_clips(str(path))[0].speech is None
