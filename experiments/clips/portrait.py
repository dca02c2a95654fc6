"""The built-in clip: an animated portrait photograph that speaks a few sentences.

The picture is the astronaut portrait of scikit-image (Eileen Collins, NASA, public domain); the speech is
libespeak-ng's. Nothing is random, so every build gives the same clip.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Word
from lossweep.endpoints.tts import espeak
from lossweep.endpoints.tts.espeak import Phoneme
from lossweep.experiments.clips.cache import cached
from lossweep.experiments.clips.face import Face, FacePose
from lossweep.experiments.clips.visemes import mouth_track

TEXT = (
    "Hello, and welcome. When the network loses a packet, my picture may freeze, "
    "or a word may be missing. Can you still hear me?"
)
DURATION_S = 8.0
_VOICE, _WORDS_PER_MINUTE = "en-us+f3", 170
_LEAD_S = 0.32
_BLINKS_S = (1.72, 3.84, 6.78)
_MODULES = ("cache.py", "eyes.py", "face.py", "mouth.py", "portrait.py", "visemes.py")


def portrait(fps: float = 25.0, size: int = 256) -> Clip:
    """The clip `portrait`: 8 s (200 frames at 25 fps), speech, and words with espeak-ng's times.

    Built once into the user's cache (some seconds), then read from there.

    Args:
        fps: frames per second.
        size: width and height in pixels.
    """
    here = Path(__file__).parent
    code = [*((here / module).read_bytes() for module in _MODULES), Path(espeak.__file__).read_bytes()]
    libraries = [
        f"{name} {version(name)}".encode() for name in ("espeakng-loader", "numpy", "scipy", "scikit-image")
    ]
    return cached("portrait", [*code, *libraries, f"{fps} {size}".encode()], lambda: _build(fps, size))


def _build(fps: float, size: int) -> Clip:
    spoken, words, phonemes = espeak.speak(TEXT, _VOICE, _WORDS_PER_MINUTE)
    words = tuple(Word(w.text, w.start_s + _LEAD_S, w.end_s + _LEAD_S) for w in words)
    phonemes = [Phoneme(p.name, p.start_s + _LEAD_S, p.end_s + _LEAD_S) for p in phonemes]
    speech = np.zeros(round(DURATION_S * SPEECH_RATE), np.float32)
    first = round(_LEAD_S * SPEECH_RATE)
    spoken = spoken[: len(speech) - first]
    speech[first : first + len(spoken)] = spoken
    face = Face(size)
    video = np.stack([face.draw(pose) for pose in poses(phonemes, np.arange(round(DURATION_S * fps)) / fps)])
    return Clip("portrait", video, fps, speech, words)


def poses(phonemes: list[Phoneme], times_s: NDArray[np.float64]) -> list[FacePose]:
    """Poses of the face at given times: mouth from the phonemes, slow head motion, blinks.

    Args:
        phonemes: in order of time.
        times_s: float64 [frames], seconds.
    """
    stress = _stress(phonemes, times_s)
    mouths = mouth_track(phonemes, times_s)
    closed = _eyelids(times_s)
    swing = [_swing(times_s, *waves) for waves in _HEAD]
    return [
        FacePose(
            shift=(float(swing[0][i]), float(swing[1][i] + 0.8 * stress[i])),
            roll=float(swing[2][i]),
            yaw=float(swing[3][i]),
            pitch=float(swing[4][i] + 0.02 * stress[i]),
            closed=float(closed[i]),
            brows=float(0.9 * stress[i]),
            mouth=mouths[i],
        )
        for i in range(len(times_s))
    ]


# amplitude, period in s, phase in turns: shift x and y in pixels; roll, yaw, pitch in radians
_HEAD = (
    ((2.4, 5.3, 0.0), (0.8, 2.3, 0.3)),
    ((1.2, 4.1, 0.2), (0.5, 1.9, 0.6)),
    ((0.026, 6.1, 0.1), (0.010, 2.7, 0.5)),
    ((0.070, 4.7, 0.0), (0.025, 2.1, 0.7)),
    ((0.025, 3.7, 0.4), (0.012, 1.7, 0.1)),
)


def _swing(times_s: NDArray[np.float64], *waves: tuple[float, float, float]) -> NDArray[np.float64]:
    return sum(a * np.sin(2 * np.pi * (times_s / period + phase)) for a, period, phase in waves)


def _eyelids(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 open to 1 closed: 80 ms down, 60 ms closed, 160 ms up, at each blink."""
    closed = np.zeros(len(times_s))
    for blink in _BLINKS_S:
        closed = np.maximum(
            closed, np.interp(times_s - blink, [-0.11, -0.03, 0.03, 0.19], [0.0, 1.0, 1.0, 0.0])
        )
    return closed * closed * (3.0 - 2.0 * closed)


def _stress(phonemes: list[Phoneme], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 to 1, high around vowels with primary stress."""
    centres = np.array([0.5 * (p.start_s + p.end_s) for p in phonemes if p.name.startswith("'")])
    return np.exp(-(((times_s[:, None] - centres[None, :]) / 0.12) ** 2)).max(axis=1, initial=0.0)
