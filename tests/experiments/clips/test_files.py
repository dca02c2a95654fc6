"""Media files: the clip's own size, rate and sound are kept, and clear lines say what cannot be used."""

from fractions import Fraction

import av
import numpy as np
import pytest
from clip_files import BEEP_S, clicks, grey_of, mux_sound, onsets, write_video

from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.experiments.clips import ClipError, load_clips, memory


def frame_numbers(clip):
    """Which source frame each picture of the clip is, by its brightness."""
    height, width = clip.video.shape[1:3]
    centre = clip.video[:, height // 2 - 8 : height // 2 + 8, width // 2 - 8 : width // 2 + 8]
    return np.rint((centre.mean(axis=(1, 2, 3)) - grey_of(0)) / 6).astype(int)


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
    clip = load_clips(str(path))[0]
    assert clip.fps == 25
    np.testing.assert_array_equal(frame_numbers(clip), [0, 1, 1, 1, 1, 2, 3])
    assert any("uneven times" in note for note in clip.notes)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 1.1, 1.5, 2.0])
def test_the_beginning_of_a_video_with_frames_out_of_order_is_even(tmp_path, seconds):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=30, options={"x264-params": "bframes=8:b-adapt=0:scenecut=0"}
        )
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(180):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), grey_of(i % 30), np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (clip,) = load_clips(str(path), seconds=seconds)
    assert (clip.fps, len(clip.video), clip.notes) == (30, 30 * seconds, ())


def test_slides_that_stay_for_seconds_are_shown_at_the_usual_rate(tmp_path):
    path = write_video(tmp_path / "a.mkv", rate=25, frames=3, width=64, height=64, pts=[0, 100, 200])
    clip = load_clips(str(path))[0]
    assert clip.fps == 25
    np.testing.assert_array_equal(frame_numbers(clip), [0] * 100 + [1] * 100 + [2])


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(30), Fraction(24), Fraction(12)])
def test_a_clip_keeps_its_own_rate_size_and_every_frame(tmp_path, rate, suffix):
    path = write_video(tmp_path / f"a.{suffix}", rate=rate, frames=30, width=128, height=72)
    clip = load_clips(str(path))[0]
    assert clip.fps == pytest.approx(float(rate), rel=1e-6)
    assert clip.video.shape == (30, 72, 128, 3)
    np.testing.assert_array_equal(frame_numbers(clip), range(30))
    assert clip.notes == ()


def test_odd_sizes_are_padded_to_even_by_the_edge_and_it_is_said(tmp_path):
    path = write_video(tmp_path / "a.mkv", rate=25, frames=2, width=161, height=95)
    clip = load_clips(str(path))[0]
    assert clip.video.shape == (2, 96, 162, 3)
    np.testing.assert_array_equal(clip.video[:, -1], clip.video[:, -2])
    np.testing.assert_array_equal(clip.video[:, :, -1], clip.video[:, :, -2])
    assert clip.notes == ("161x95 pixels padded to 162x96 by repeating the edge",)


def test_pixels_that_are_not_square_are_shown_at_their_width(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[:, 32:] = 200
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))
    clip = load_clips(str(path))[0]
    assert clip.video.shape[1:3] == (48, 128)
    assert clip.video[0, 24, 60].mean() < 40
    assert clip.video[0, 24, 68].mean() > 160
    assert "not square" in clip.notes[0]


@pytest.mark.parametrize(("width", "height"), [(161, 95), (95, 161), (64, 64), (640, 360)])
def test_without_a_face_the_centre_square_fills_the_picture(tmp_path, width, height):
    path = write_video(tmp_path / "a.mkv", rate=25, frames=2, width=width, height=height)
    clip = load_clips(str(path), size=64)[0]
    inner = clip.video.astype(int)[:, 2:-2, 2:-2]  # chroma of odd sizes bleeds over a pixel at the border
    assert clip.video.shape[1:3] == (64, 64)
    assert np.abs(inner[..., 1] - inner[..., 0]).max() < 12
    assert np.abs(inner[0] - grey_of(0)).max() < 8
    assert [note for note in clip.notes if "no face found" in note] or width == height == 64


def test_speech_is_16_khz_mono_in_step_with_the_pictures(tmp_path):
    path = write_video(tmp_path / "a.mkv", rate=30, frames=30, width=64, height=64, audio_rate=44100)
    clip = load_clips(str(path))[0]
    assert clip.speech.dtype == np.float32
    assert len(clip.speech) == len(clip.video) / 30 * SPEECH_RATE
    loud = np.flatnonzero(np.abs(clip.speech) > 0.05) / SPEECH_RATE
    assert loud[0] == pytest.approx(BEEP_S[0], abs=0.003)
    assert loud[-1] == pytest.approx(BEEP_S[1], abs=0.003)
    assert np.abs(clip.speech).max() == pytest.approx(12000 / 32768, rel=0.05)
    assert clip.notes == ("its sound (44.1 kHz stereo) is converted to 16 kHz mono",)


def test_captions_beside_it_and_seconds(tmp_path):
    path = write_video(tmp_path / "a.mkv", rate=25, frames=25, width=64, height=64)
    (tmp_path / "a.srt").write_text(
        "1\n00:00:00,000 --> 00:00:00,400\nab cd\n\n2\n00:00:00,900 --> 00:00:02,000\nend\n\n"
        "3\n00:00:03,000 --> 00:00:04,000\nnever heard\n"
    )
    whole, half = load_clips(str(path))[0], load_clips(str(path), seconds=0.5)[0]
    assert [(w.text, w.end_s) for w in whole.words] == [("ab", 0.2), ("cd", 0.4), ("end", 1.0)]
    assert "even pace" in whole.source
    assert whole.notes == ("2 words of its captions come after its end: left out",)
    assert whole.speech is None
    assert [w.text for w in half.words] == ["ab", "cd"]
    np.testing.assert_array_equal(half.video, whole.video[:12])


def test_transport_streams_put_end_to_end_run_on_in_picture_and_sound(tmp_path):
    """The clock of the second starts anew, as `cat 1.ts 2.ts` gives."""
    path = tmp_path / "1.ts"
    with av.open(str(path), "w", format="mpegts") as container:
        video = container.add_stream("mpeg2video", rate=25)
        video.width, video.height, video.pix_fmt, video.gop_size = 64, 64, "yuv420p", 1
        sound = container.add_stream("mp2", rate=48000, layout="mono")
        samples = (clicks(3, 48000) * 32767).astype(np.int16)[None]
        mux_sound(container, sound, samples, "s16", "mono", 48000, 0)
        for i in range(75):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 2 * i + 20, np.uint8))
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    (tmp_path / "both.ts").write_bytes(2 * path.read_bytes())
    clip = load_clips(str(tmp_path / "both.ts"))[0]
    assert (clip.fps, len(clip.video)) == (25, 150)
    brightness = clip.video.mean(axis=(1, 2, 3))
    assert np.abs(brightness[:75] - brightness[75:]).max() < 1
    assert onsets(clip.speech)[-3:] == pytest.approx([3, 4, 5], abs=0.06)


@pytest.mark.parametrize("suffix", ["wav", "m4a", "mp3", "flac", "ogg"])
def test_a_sound_file_is_a_clip_of_sound_alone(tmp_path, suffix):
    codecs = {"wav": "pcm_s16le", "m4a": "aac", "mp3": "mp3", "flac": "flac", "ogg": "libopus"}
    path = write_any_sound(tmp_path / f"a.{suffix}", codecs[suffix])
    (tmp_path / "a.txt").write_text("a tone")
    clip = load_clips(str(path))[0]
    assert (clip.name, clip.video, clip.transcript) == ("a", None, "a tone")
    assert len(clip.speech) / SPEECH_RATE == pytest.approx(1.0, abs=0.08)
    assert np.abs(clip.speech[4000:12000]).max() == pytest.approx(0.5, abs=0.05)
    assert len(load_clips(str(path), seconds=0.5)[0].speech) == 0.5 * SPEECH_RATE


def write_any_sound(path, codec):
    rate = 48000
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        block = av.AudioFrame.from_ndarray((tone * 32767).astype(np.int16)[None], layout="mono")
        block.sample_rate, block.pts, block.time_base = rate, 0, Fraction(1, rate)
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=rate)
        for frame in resampler.resample(block):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def cut_off(folder):
    whole = write_video(folder / "whole.mp4", rate=25, frames=20, width=64, height=64).read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    return folder / "cut.mp4"


def text_file(folder):
    (folder / "a.mp4").write_text("this is no video\n" * 100)
    return folder / "a.mp4"


def empty_file(folder):
    (folder / "a.mp4").touch()
    return folder / "a.mp4"


def broken_link(folder):
    (folder / "a.mp4").symlink_to(folder / "gone.mp4")
    return folder / "a.mp4"


def empty_folder(folder):
    (folder / "empty").mkdir()
    return folder / "empty"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "none.mp4", "no such clip"),
        (lambda folder: "$LOSSWEEP_NOT_SET/a.mp4", "LOSSWEEP_NOT_SET is not set"),
        (text_file, "not a video or sound file"),
        (cut_off, "not a video or sound file"),
        (empty_file, "empty file"),
        (broken_link, "broken link"),
        (empty_folder, "holds no video or sound file"),
    ],
)
def test_bad_sources_end_in_one_line_that_names_them(tmp_path, monkeypatch, make, says):
    monkeypatch.delenv("LOSSWEEP_NOT_SET", raising=False)
    source = str(make(tmp_path))
    with pytest.raises(ClipError, match=says) as caught:
        load_clips(source)
    assert source in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_clip_larger_than_the_memory_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", rate=25, frames=30, width=64, height=64)
    monkeypatch.setattr(memory, "free_bytes", lambda: 2 * 25 * 64 * 64 * 3)  # half of it: one second
    with pytest.raises(ClipError, match=r"30 pictures of 64x64 .*seconds: 1\)") as caught:
        load_clips(str(path))
    assert str(path) in str(caught.value)
    assert load_clips(str(path), seconds=1)[0].video.shape[0] == 25


def test_sound_larger_than_the_memory_is_refused(tmp_path, monkeypatch):
    path = write_any_sound(tmp_path / "a.wav", "pcm_s16le")
    monkeypatch.setattr(memory, "free_bytes", lambda: 200_000)
    with pytest.raises(ClipError, match="of sound take"):
        load_clips(str(path))


@pytest.mark.parametrize(
    "wrong",
    [
        {"fps": 0},
        {"fps": float("nan")},
        {"size": 255},
        {"size": 0},
        {"seconds": 0.01},
        {"seconds": float("inf")},
    ],
)
def test_wrong_values_are_named(wrong):
    with pytest.raises(ClipError, match=next(iter(wrong))):
        load_clips("portrait", **wrong)


def test_frames_that_are_rare_and_out_of_order_are_even(tmp_path):
    """One frame a second with B frames: times of showing step back by seconds in the order of decoding."""
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1, options={"x264-params": "bframes=3:b-adapt=0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), grey_of(i), np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (clip,) = load_clips(str(path))
    assert (clip.fps, len(clip.video), clip.notes) == (1, 12, ())


def picture_and_sound(path, *, pictures_s, sound_s):
    """A file with pictures and sound that begin and end at these times."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        for i in range(round(25 * pictures_s[0]), round(25 * pictures_s[1])):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 100, np.uint8))
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        first, last = (round(16000 * at) for at in sound_s)
        mux_sound(container, sound, np.zeros((1, last - first), np.int16), "s16", "mono", 16000, first)
        container.mux(sound.encode(None))
    return path


@pytest.mark.parametrize(
    ("pictures_s", "sound_s", "said"),
    [
        ((0, 2), (0, 2), []),
        ((0, 2), (0, 3.5), ["its sound goes on after its last picture and is cut there"]),
        ((1, 2), (0, 2), ["its sound begins 1.00 s before its first picture and is cut there"]),
        ((0, 2), (0.5, 1), []),
    ],
)
def test_sound_without_pictures_is_said_to_be_cut(tmp_path, pictures_s, sound_s, said):
    path = picture_and_sound(tmp_path / "a.mkv", pictures_s=pictures_s, sound_s=sound_s)
    (clip,) = load_clips(str(path))
    assert list(clip.notes) == said
    assert len(clip.speech) == 16000 * (pictures_s[1] - pictures_s[0])


def test_sound_after_a_wanted_end_is_not_mentioned(tmp_path):
    path = picture_and_sound(tmp_path / "a.mkv", pictures_s=(0, 2), sound_s=(0, 3.5))
    assert load_clips(str(path), seconds=1.5)[0].notes == ()


@pytest.mark.parametrize("suffix", ["mkv", "avi"])
def test_a_file_that_breaks_off_says_so(tmp_path, suffix):
    whole = write_video(tmp_path / f"a.{suffix}", rate=25, frames=40, width=256, height=256, codec="mjpeg")
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.6)])
    (clip,) = load_clips(str(cut))
    assert clip.notes == (
        f"the file breaks off: it says that it lasts 1.60 s and holds {len(clip.video) / 25:.2f} s",
    )
    assert load_clips(str(whole))[0].notes == ()
