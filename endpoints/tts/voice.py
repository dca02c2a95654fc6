"""The receiver's voice: speech synthesised from received words and lips, in the talker's voice."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from lossweep.endpoints.clip import SPEECH_RATE, Clip, ClipError, Playback, Word
from lossweep.endpoints.session import SESSION_CONFIG
from lossweep.endpoints.syncsc.face_model import EXPRESSION
from lossweep.endpoints.tts.phonemes import check_latin, is_latin
from lossweep.endpoints.tts.synthesizer import (
    FPS,
    LEAST_LOOK_AHEAD_S,
    SYNTHESIZERS,
    Synthesizer,
    normalize_voice,
)

CACHED_UTTERANCES = 64
DEFAULT_LOOK_AHEAD_S = LEAST_LOOK_AHEAD_S


class VoiceParams(BaseModel):
    """The synthesizer that speaks the received words.

    Attributes:
        name: "visual" (guided by the received lips), or "fastspeech2" or "tacotron2" (predicted durations).
        reference_s: length in seconds of the voice reference, the beginning of the clip's speech, which both ends know.
        vocoder: "own", or the folder of a published HiFi-GAN checkpoint.
        look_ahead_s: sound depends on lips and words up to so much later, and is played so much later.
    """

    model_config = ConfigDict(extra="forbid")
    name: str
    reference_s: float = Field(3.0, ge=1, le=60)
    vocoder: str = "own"
    look_ahead_s: float = Field(DEFAULT_LOOK_AHEAD_S, ge=LEAST_LOOK_AHEAD_S, le=30)

    @field_validator("name")
    @classmethod
    def _known(cls, value: str) -> str:
        SYNTHESIZERS.check(value)
        return value

    @property
    def label(self) -> str:
        """Identifier in tables."""
        label = self.name if self.vocoder == "own" else f"{self.name}-{Path(self.vocoder).name}"
        waits = self.look_ahead_s != DEFAULT_LOOK_AHEAD_S
        return f"{label}-ahead{self.look_ahead_s:g}" if waits else label

    @property
    def follows_lips(self) -> bool:
        """Whether it uses the received lips."""
        return bool(SYNTHESIZERS.get(self.name).follows_lips)


@dataclass(frozen=True)
class VoiceSession:
    """What a receiver with a voice knows beforehand.

    Attributes:
        name, vocoder, look_ahead_s: as in `VoiceParams`.
        reference: the talker's speech that both ends share: float32, little endian, 16 kHz mono.
    """

    __pydantic_config__ = SESSION_CONFIG
    name: str
    vocoder: str
    reference: bytes
    look_ahead_s: float = DEFAULT_LOOK_AHEAD_S


def voice_session(params: VoiceParams, clip: Clip) -> VoiceSession:
    """The session of the voice: synthesizer and voice reference.

    Raises:
        ClipError: the clip has no sound, its beginning is silent, or its words are not English.
    """
    clip.require_english(f"the voice {params.label}")
    if clip.speech is None:
        raise ClipError(
            f"clip {clip.name} has no sound; the voice {params.label} needs {params.reference_s:g} s of it; "
            "leave voice out, or choose a clip with speech"
        )
    reference = clip.speech[: round(params.reference_s * SPEECH_RATE)]
    try:
        normalize_voice(reference)
        for word in clip.words or ():
            check_latin(word.text or "")
    except ClipError as error:
        raise ClipError(f"clip {clip.name}: {error}") from None
    return VoiceSession(params.name, params.vocoder, reference.astype("<f4").tobytes(), params.look_ahead_s)


def speak(playback: Playback, voice: VoiceSession, device: str = "cpu") -> NDArray[np.float32]:
    """Speech for the received words, float32 [samples], 16 kHz; silent elsewhere.

    It is as long as the received pictures and words. Words that are not in Latin letters are not spoken. Speech is
    cached by words, lips and voice.

    Args:
        playback: with the received words and, if there are any, pictures and the coefficients shown.
    """
    clip = playback.clip
    words = tuple(
        word if is_latin(word.text or "") else replace(word, text=None) for word in clip.words or ()
    )
    duration_s = clip.duration_s
    if all(word.text is None for word in words):
        return np.zeros(round(duration_s * SPEECH_RATE), np.float32)
    frames = -int(-duration_s * FPS // 1)
    lips = None if playback.semantics is None else _lips(playback.semantics, clip.fps, frames)
    key = _key(voice, words, lips, frames)
    if key not in _cache:
        synthesizer = _synthesizer(voice.name, device, os.path.expandvars(voice.vocoder))
        reference = np.frombuffer(voice.reference, "<f4")
        speech = synthesizer.speak(words, lips, frames, reference, voice.look_ahead_s)
        _cache[key] = speech[: round(duration_s * SPEECH_RATE)]
    _cache.move_to_end(key)
    while len(_cache) > CACHED_UTTERANCES:
        _cache.popitem(last=False)
    return _cache[key]


def _lips(semantics: NDArray[np.float32], fps: float, frames: int) -> NDArray[np.float32]:
    """The expressions 25 times per second; the last one is held."""
    moved = semantics[:, EXPRESSION]
    at = np.minimum(np.arange(frames) / FPS * fps, len(moved) - 1)
    return np.stack([np.interp(at, np.arange(len(moved)), one) for one in moved.T], 1).astype(np.float32)


_cache: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()


@lru_cache(maxsize=4)
def _synthesizer(name: str, device: str, vocoder: str) -> Synthesizer:
    synthesizer: Synthesizer = SYNTHESIZERS.get(name).load(device, vocoder)
    return synthesizer


def _key(voice: VoiceSession, words: Sequence[Word], lips: NDArray[np.float32] | None, frames: int) -> bytes:
    digest = hashlib.blake2b(
        repr((voice.name, voice.vocoder, voice.look_ahead_s, words, frames)).encode(), digest_size=16
    )
    digest.update(voice.reference)
    digest.update(b"" if lips is None else lips.tobytes())
    return digest.digest()
