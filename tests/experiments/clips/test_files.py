"""Video files: the right picture at the right time, sound beside it, and clear lines for what is no video."""

from fractions import Fraction

import av
import numpy as np
import pytest

from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.experiments.clips import ClipError, load_clips

BEEP_S = (0.5, 0.7)


def grey_of(i):
    """The brightness that tells frame i."""
    return 20 + 6 * i


def write_video(path, *, rate, frames, width, height, audio_rate=None, pts=None, codec="mpeg4"):
    """A video whose frame i is grey `grey_of(i)`, green outside its centre square, with a beep at BEEP_S."""
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.bit_rate = 8_000_000
        video.gop_size = 1
        sound = None
        if audio_rate:
            sound = container.add_stream("pcm_s16le", rate=audio_rate, layout="stereo")
            t = np.arange(int(audio_rate * frames / rate)) / audio_rate
            beep = 12000 * np.sin(2 * np.pi * 440 * t) * ((t >= BEEP_S[0]) & (t < BEEP_S[1]))
            block = av.AudioFrame.from_ndarray(np.repeat(beep, 2).astype(np.int16)[None], layout="stereo")
            block.sample_rate = audio_rate
            block.pts = 0
            block.time_base = Fraction(1, audio_rate)
            container.mux(sound.encode(block))
            container.mux(sound.encode(None))
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        for i in range(frames):
            picture = np.zeros((height, width, 3), np.uint8)
            picture[..., 1] = 255
            picture[top : top + side, left : left + side] = grey_of(i)
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts = i if pts is None else pts[i]
            frame.time_base = Fraction(1, rate)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def frame_numbers(clip):
    """Which source frame each picture of the clip is, by its brightness."""
    centre = np.asarray(clip.video)[:, 24:40, 24:40].mean(axis=(1, 2, 3))
    return np.rint((centre - grey_of(0)) / 6).astype(int)


@pytest.mark.parametrize("rate", [10, 25, 30])
def test_each_output_time_takes_the_frame_on_the_screen_then(tmp_path, rate):
    path = write_video(tmp_path / "a.mkv", rate=rate, frames=rate, width=161, height=95)
    clip = load_clips(str(path), fps=25, size=64)[0]
    expected = [i * rate // 25 for i in range(25)]
    assert clip.video.shape == (25, 64, 64, 3)
    assert clip.video.dtype == np.uint8
    np.testing.assert_array_equal(frame_numbers(clip), expected)


def test_uneven_frame_times_are_heeded(tmp_path):
    path = write_video(
        tmp_path / "a.mkv", rate=25, frames=4, width=64, height=64, pts=[0, 1, 5, 6]
    )  # frame 1 stays on the screen for four frames
    clip = load_clips(str(path), size=64)[0]
    np.testing.assert_array_equal(frame_numbers(clip), [0, 1, 1, 1, 1, 2, 3])


@pytest.mark.parametrize(("width", "height"), [(161, 95), (95, 161), (64, 64), (640, 360)])
def test_the_centre_square_fills_the_picture(tmp_path, width, height):
    path = write_video(tmp_path / "a.mkv", rate=25, frames=2, width=width, height=height)
    video = load_clips(str(path), size=64)[0].video.astype(int)
    inner = video[:, 2:-2, 2:-2]  # chroma of odd sizes bleeds over a pixel at the border
    assert np.abs(inner[..., 1] - inner[..., 0]).max() < 12
    assert np.abs(inner[0] - grey_of(0)).max() < 8


def test_speech_is_16_khz_mono_in_step_with_the_pictures(tmp_path):
    path = write_video(tmp_path / "a.mkv", rate=30, frames=30, width=64, height=64, audio_rate=44100)
    clip = load_clips(str(path), size=64)[0]
    assert clip.speech.dtype == np.float32
    assert len(clip.speech) == len(clip.video) / 25 * SPEECH_RATE
    loud = np.flatnonzero(np.abs(clip.speech) > 0.05) / SPEECH_RATE
    assert loud[0] == pytest.approx(BEEP_S[0], abs=0.003)
    assert loud[-1] == pytest.approx(BEEP_S[1], abs=0.003)
    assert np.abs(clip.speech).max() == pytest.approx(12000 / 32768, rel=0.05)


def test_sidecar_captions_and_seconds(tmp_path):
    path = write_video(tmp_path / "a.mkv", rate=25, frames=25, width=64, height=64)
    (tmp_path / "a.srt").write_text(
        "1\n00:00:00,000 --> 00:00:00,400\nab cd\n\n2\n00:00:00,900 --> 00:00:02,000\nend\n"
    )
    whole, half = load_clips(str(path), size=64)[0], load_clips(str(path), size=64, seconds=0.5)[0]
    assert [(w.text, w.end_s) for w in whole.words] == [("ab", 0.2), ("cd", 0.4), ("end", 1.0)]
    assert "even pace" in whole.source
    assert whole.speech is None
    assert [w.text for w in half.words] == ["ab", "cd"]
    np.testing.assert_array_equal(half.video, whole.video[:12])


def test_a_folder_gives_its_videos_by_name(tmp_path, monkeypatch):
    for name in ("b.mkv", "a.mkv", "c.avi"):
        write_video(tmp_path / name, rate=25, frames=2, width=64, height=64)
    (tmp_path / "notes.txt").write_text("no video")
    monkeypatch.setenv("LOSSWEEP_TEST_CLIPS", str(tmp_path))
    assert [c.name for c in load_clips("$LOSSWEEP_TEST_CLIPS", size=64)] == ["a", "b", "c"]


def sound_only(folder):
    path = folder / "a.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        block = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), layout="mono")
        block.sample_rate = 16000
        container.mux(stream.encode(block))
    return path


def cut_off(folder):
    whole = write_video(folder / "whole.mp4", rate=25, frames=20, width=64, height=64).read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    return folder / "cut.mp4"


def text_file(folder):
    (folder / "a.mp4").write_text("this is no video\n" * 100)
    return folder / "a.mp4"


def empty_folder(folder):
    (folder / "empty").mkdir()
    return folder / "empty"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "none.mp4", "no such clip"),
        (lambda folder: "$LOSSWEEP_NOT_SET/a.mp4", "LOSSWEEP_NOT_SET is not set"),
        (text_file, "not a video"),
        (cut_off, "not a video"),
        (sound_only, "no pictures"),
        (empty_folder, "no video file"),
    ],
)
def test_bad_sources_end_in_one_line_that_names_them(tmp_path, monkeypatch, make, says):
    monkeypatch.delenv("LOSSWEEP_NOT_SET", raising=False)
    source = str(make(tmp_path))
    with pytest.raises(ClipError, match=says) as caught:
        load_clips(source)
    assert source in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [{"fps": 0}, {"fps": float("nan")}, {"size": 255}, {"size": 0}, {"seconds": 0.01}]
)
def test_wrong_values_are_named(wrong):
    with pytest.raises(ClipError, match=next(iter(wrong))):
        load_clips("portrait", **wrong)
