"""Films play what was shown and heard, together; the report has one for each system."""

from __future__ import annotations

import base64
import re

import av
import numpy as np
import pytest
import yaml

from lossweep.channels.errors import MissingPackage
from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.experiments import page_data, report_media
from lossweep.experiments.cli import main
from lossweep.experiments.clips.portrait import portrait
from lossweep.experiments.mp4 import film, placed, sound

AAC_FRAME = 1024
SYSTEMS = {
    "name": "films",
    "seed": 5,
    "clip": {"source": "portrait", "seconds": 1.2},
    "endpoint": [
        {
            "name": "system",
            "video": {"name": "h264", "quantizer": 40, "gop": 8},
            "speech": {"name": "opus", "bitrate": 16000},
        },
        {"name": "system", "video": {"name": "h264", "quantizer": 40, "gop": 8}, "words": "text"},
        {"name": "h264", "quantizer": 45, "gop": 8},
    ],
    "code": "none",
    "channel": {"name": "bernoulli", "loss_rate": [0, 0.2]},
    "metrics": ["ssim"],
    "plot": {"x": "loss_rate", "y": ["ssim"]},
}


def _decoded(path):
    """Brightness of each picture with its time, and the sound with the time of its first sample."""
    with av.open(str(path)) as file:
        pictures = [(float(f.time), f.to_ndarray(format="gray").mean()) for f in file.decode(video=0)]
    with av.open(str(path)) as file:
        if not file.streams.audio:
            return pictures, None, None
        frames = list(file.decode(audio=0))
        assert frames[0].sample_rate == SPEECH_RATE
        sound = np.concatenate([f.to_ndarray()[0] for f in frames])
        return pictures, sound, float(frames[0].time)


def _lag(heard, said):
    """By how many samples `heard` comes after `said`."""
    size = 2 * max(len(heard), len(said))
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size))
    lag = int(np.fft.irfft(spectrum).argmax())
    return lag if lag < size // 2 else lag - size


@pytest.mark.parametrize("late_s", [0.0, 0.25, -0.25])
def test_sound_is_heard_when_it_was_said(tmp_path, late_s):
    clip = portrait()
    film(tmp_path / "a.mp4", clip.video[:75], clip.fps, clip.speech, late_s)
    _, sound, start = _decoded(tmp_path / "a.mp4")
    said = clip.speech[: 3 * SPEECH_RATE]
    assert _lag(sound, said) / SPEECH_RATE + start == pytest.approx(late_s, abs=AAC_FRAME / SPEECH_RATE)
    wanted = placed(clip.speech, late_s, 3 * SPEECH_RATE)
    shift = round(start * SPEECH_RATE)
    heard = sound[max(-shift, 0) :][: len(wanted)]
    assert np.corrcoef(heard, wanted[: len(heard)])[0, 1] > 0.9


def test_a_flash_and_its_click_come_together_and_end_together(tmp_path):
    video = np.zeros((50, 64, 64, 3), np.uint8)
    video[30:] = 255
    speech = np.zeros(3 * SPEECH_RATE, np.float32)
    rng = np.random.default_rng(1)
    speech[round(1.2 * SPEECH_RATE) :] = 0.3 * rng.standard_normal(len(speech) - round(1.2 * SPEECH_RATE))
    film(tmp_path / "a.mp4", video, 25.0, speech)
    pictures, sound, start = _decoded(tmp_path / "a.mp4")
    assert len(pictures) == 50
    assert pictures[0][0] == 0
    flash = next(at for at, bright in pictures if bright > 128)
    click = np.flatnonzero(np.abs(sound) > 0.15)[0] / SPEECH_RATE + start
    assert flash == pytest.approx(1.2)
    assert abs(click - flash) < 0.04
    assert start + len(sound) / SPEECH_RATE == pytest.approx(2.0, abs=AAC_FRAME / SPEECH_RATE)


def test_without_speech_it_is_silent(tmp_path):
    film(tmp_path / "a.mp4", np.zeros((5, 64, 64, 3), np.uint8), 25.0)
    pictures, sound, _ = _decoded(tmp_path / "a.mp4")
    assert len(pictures) == 5
    assert sound is None


def test_speech_alone_is_a_sound(tmp_path):
    clip = portrait()
    said = clip.speech[: 2 * SPEECH_RATE]
    sound(tmp_path / "a.m4a", said)
    with av.open(str(tmp_path / "a.m4a")) as file:
        assert not file.streams.video
        heard = np.concatenate([f.to_ndarray()[0] for f in file.decode(audio=0)])
    assert abs(_lag(heard, said)) <= AAC_FRAME
    assert len(heard) == pytest.approx(len(said), abs=2 * AAC_FRAME)


def test_no_program_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "none"))
    with pytest.raises(MissingPackage, match="films are absent") as raised:
        film(tmp_path / "a.mp4", np.zeros((5, 64, 64, 3), np.uint8), 25.0)
    assert "\n" not in str(raised.value)


def _page(tmp_path, scenario):
    path = tmp_path / "films.yaml"
    path.write_text(yaml.safe_dump(scenario))
    out = tmp_path / "out"
    assert main(["run", str(path), "--out", str(out), "--device", "cpu", "--workers", "1"]) == 0
    assert main(["report", str(out)]) == 0
    return (out / "report.html").read_text(), out


def test_the_report_plays_the_original_and_each_system(tmp_path):
    page, out = _page(tmp_path, SYSTEMS)
    inside = re.findall(r'<video[^>]* src="data:video/mp4;base64,([^"]+)"', page)
    assert page.count("<video") == len(inside) == 1 + 2
    assert not (out / "films").exists()
    streams = []
    for data in inside:
        (tmp_path / "one.mp4").write_bytes(base64.b64decode(data))
        with av.open(str(tmp_path / "one.mp4")) as file:
            streams.append((len(file.streams.video), len(file.streams.audio)))
            assert file.duration / 1e6 == pytest.approx(1.2, abs=AAC_FRAME / SPEECH_RATE)
    assert streams == [(1, 1), (1, 1), (1, 0)]


def test_films_of_other_clips_lie_beside_the_page(tmp_path):
    clip = portrait()
    film(tmp_path / "mine.mp4", clip.video[:16], clip.fps, clip.speech)
    scenario = {**SYSTEMS, "clip": str(tmp_path / "mine.mp4"), "endpoint": SYSTEMS["endpoint"][:1]}
    page, out = _page(tmp_path, scenario)
    named = re.findall(r'<video[^>]* src="([^"]+)"', page)
    assert len(named) == 2
    assert "data:video" not in page
    assert sorted(out / name for name in named) == sorted((out / "films").iterdir())


def test_speech_alone_plays_on_the_page(tmp_path):
    page, _ = _page(
        tmp_path, {**SYSTEMS, "endpoint": {"name": "opus"}, "metrics": ["stoi"], "plot": {"y": ["stoi"]}}
    )
    inside = re.findall(r'<audio[^>]* src="data:audio/mp4;base64,([^"]+)"', page)
    assert len(inside) == 1 + 1
    assert "<video" not in page
    (tmp_path / "one.m4a").write_bytes(base64.b64decode(inside[1]))
    with av.open(str(tmp_path / "one.m4a")) as file:
        assert file.duration / 1e6 == pytest.approx(1.2, abs=0.1)


def test_a_sweep_without_systems_has_no_films(tmp_path):
    page, _ = _page(tmp_path, {**SYSTEMS, "endpoint": SYSTEMS["endpoint"][2:]})
    assert "<video" not in page
    assert "data:image/jpeg" in page


def test_a_report_takes_bounded_time_and_says_what_it_leaves_out(tmp_path, monkeypatch):
    monkeypatch.setattr(report_media, "MOST_SECONDS", 0.0)
    monkeypatch.setattr(page_data, "MOST_SECONDS", 0.0)
    page, _ = _page(tmp_path, SYSTEMS)
    assert "Shown: 1 of 3 systems; `lossweep serve` shows every cell of each." in page
    assert page.count("<video") == 1 + 1  # the original and the first system
