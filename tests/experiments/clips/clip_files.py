"""Small media files for the tests of clips."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BEEP_S = (0.5, 0.7)


def grey_of(i: int) -> int:
    """The brightness that tells frame i."""
    return 20 + 6 * i


def write_video(
    path: Path, *, rate, frames, width, height, audio_rate=None, pts=None, codec="mpeg4", gop=1
) -> Path:
    """A video whose frame i is grey `grey_of(i)`, green outside its centre square, with a beep at BEEP_S."""
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = (
            width,
            height,
            "yuvj420p" if codec == "mjpeg" else "yuv420p",
        )
        video.bit_rate = 8_000_000
        video.gop_size = gop
        sound = None
        if audio_rate:
            sound = container.add_stream("pcm_s16le", rate=audio_rate, layout="stereo")
            t = np.arange(int(audio_rate * frames / rate)) / audio_rate
            beep = 12000 * np.sin(2 * np.pi * 440 * t) * ((t >= BEEP_S[0]) & (t < BEEP_S[1]))
            mux_sound(
                container, sound, np.repeat(beep, 2).astype(np.int16)[None], "s16", "stereo", audio_rate, 0
            )
            container.mux(sound.encode(None))
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        for i in range(frames):
            picture = np.zeros((height, width, 3), np.uint8)
            picture[..., 1] = 255
            picture[top : top + side, left : left + side] = grey_of(i)
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts = i if pts is None else pts[i]
            frame.time_base = 1 / Fraction(rate)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def mux_sound(container, stream, samples, form, layout, rate, first_sample) -> None:
    """Encodes and writes samples that begin at `first_sample / rate`."""
    block = av.AudioFrame.from_ndarray(samples, format=form, layout=layout)
    block.sample_rate, block.pts, block.time_base = rate, first_sample, Fraction(1, rate)
    container.mux(stream.encode(block))


def clicks(seconds: int, rate: int) -> np.ndarray:
    """A tone of 20 ms at the beginning of each second, float32 [samples]."""
    t = np.arange(seconds * rate) / rate
    return (0.5 * np.sin(2 * np.pi * 1000 * t) * (t % 1 < 0.02)).astype(np.float32)


def write_sound(path: Path, pieces, codec="pcm_s16le") -> Path:
    """Pieces of mono sound (start in s, samples) at 48 kHz, each frame with its own time."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48000, layout="mono")
        for start_s, samples in pieces:
            for first in range(0, len(samples) - 959, 960):
                block = (samples[first : first + 960] * 32767).astype(np.int16)[None]
                mux_sound(container, stream, block, "s16", "mono", 48000, round(start_s * 48000) + first)
        container.mux(stream.encode(None))
    return path


def onsets(speech: np.ndarray) -> list[float]:
    """When sounds begin that follow at least 0.1 s of silence, in seconds at 16 kHz."""
    loud = np.flatnonzero(np.abs(speech) > 0.05) / 16000
    return [float(t) for i, t in enumerate(loud) if i == 0 or t - loud[i - 1] > 0.1]
