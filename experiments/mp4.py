"""Clips as films: MP4 with sound, by the ffmpeg program that imageio-ffmpeg carries."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import MissingPackage
from lossweep.endpoints.clip import SPEECH_RATE

QUALITY = 26
"""x264's crf."""
SOUND = "48k"


def film(
    path: Path,
    video: Sequence[NDArray[np.uint8]],
    fps: float,
    speech: NDArray[np.float32] | None = None,
    sound_late_s: float = 0.0,
) -> None:
    """Writes an MP4 that browsers play: H.264 and AAC; silent, without a sound track, where there is no speech.

    Sound and picture begin together: AAC's first, empty frame is taken off by the file's edit list.

    Args:
        video: at least one picture, uint8 [height, width, 3], RGB, even sizes.
        speech: float32 [samples], 16 kHz mono; cut or filled with silence to the pictures' duration.
        sound_late_s: by how much the speech comes after its pictures; negative is early.
    Raises:
        MissingPackage: no ffmpeg program, or it failed.
    """
    import ffmpeg

    height, width, _ = video[0].shape
    with tempfile.TemporaryDirectory() as folder:
        pictures, sound = Path(folder) / "pictures", Path(folder) / "sound"
        _write(pictures, video)
        tracks = [
            ffmpeg.input(str(pictures), format="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", r=fps)
        ]
        how = {"vcodec": "libx264", "crf": QUALITY, "pix_fmt": "yuv420p", "threads": 1}
        if speech is not None:
            _write(sound, [placed(speech, sound_late_s, round(len(video) / fps * SPEECH_RATE))])
            tracks.append(ffmpeg.input(str(sound), format="f32le", ar=SPEECH_RATE, ac=1))
            how |= {"acodec": "aac", "audio_bitrate": SOUND}
        _run(ffmpeg.output(*tracks, str(path), movflags="+faststart", **how))


def sound(path: Path, speech: NDArray[np.float32]) -> None:
    """Writes speech alone as AAC in an MP4 file (`.m4a`) that browsers play.

    Args:
        speech: float32 [samples], 16 kHz mono, at least one sample.
    Raises:
        MissingPackage: no ffmpeg program, or it failed.
    """
    import ffmpeg

    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder) / "sound"
        _write(samples, [speech.astype(np.float32)])
        audio = ffmpeg.input(str(samples), format="f32le", ar=SPEECH_RATE, ac=1)
        how = {"acodec": "aac", "audio_bitrate": SOUND, "movflags": "+faststart"}
        _run(ffmpeg.output(audio, str(path), **how))


def placed(speech: NDArray[np.float32], late_s: float, samples: int) -> NDArray[np.float32]:
    """Speech from the first picture on, float32 [samples]: `late_s` later, else silence."""
    late = round(late_s * SPEECH_RATE)
    heard = np.concatenate([np.zeros(max(late, 0), np.float32), speech[max(-late, 0) :]])[:samples]
    return np.pad(heard, (0, samples - len(heard))).astype(np.float32)


def _write(file: Path, parts: Iterable[NDArray[Any]]) -> None:
    with file.open("wb") as out:
        for part in parts:
            out.write(np.ascontiguousarray(part).data)


def _run(made: Any) -> None:
    """Runs an ffmpeg command.

    Raises:
        MissingPackage: no ffmpeg program, or it failed.
    """
    import ffmpeg
    import imageio_ffmpeg

    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise MissingPackage(
            f"films are absent: no ffmpeg that runs ({error}); install imageio-ffmpeg"
        ) from None
    try:
        made.run(cmd=program, overwrite_output=True, capture_stdout=True, capture_stderr=True)
    except (ffmpeg.Error, OSError) as error:
        message = getattr(error, "stderr", None) or str(error).encode()
        last = message.decode(errors="replace").strip().split("\n")[-1]
        raise MissingPackage(
            f"films are absent: {program} failed ({last}); install imageio-ffmpeg again"
        ) from None
