"""The receiver's voice: it speaks the words that arrived, in the talker's manner, while the lips move."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from lossweep.endpoints.clip import SPEECH_RATE, Clip, ClipError
from lossweep.endpoints.syncsc.face_model import EXPRESSION
from lossweep.endpoints.tts.synthesizer import FPS, SYNTHESIZERS, Synthesizer

HELD = 64


class VoiceParams(BaseModel):
    """Who speaks the received words.

    Attributes:
        name: "visual" (guided by the received lips), or "fastspeech2" or "tacotron2" (durations of their own).
        reference_s: the beginning of the clip's speech that both ends know, as they know the reference picture;
            seconds.
        vocoder: "own", or the folder of a published HiFi-GAN checkpoint.
    """

    model_config = ConfigDict(extra="forbid")
    name: str
    reference_s: float = Field(3.0, ge=1, le=60)
    vocoder: str = "own"

    @field_validator("name")
    @classmethod
    def _known(cls, value: str) -> str:
        SYNTHESIZERS.get(value)
        return value


class Voice:
    """A synthesizer in a system; nothing of it is on the wire.

    Speech is as long as the pictures or, where there are none, as the words. Equal words, lips and voice are spoken
    once.
    """

    def __init__(self, params: VoiceParams, device: str = "cpu") -> None:
        self.params, self.device = params, device
        self.label = params.name if params.vocoder == "own" else f"{params.name}-{Path(params.vocoder).name}"
        self.follows_lips = SYNTHESIZERS.get(params.name).follows_lips

    def reference(self, clip: Clip) -> NDArray[np.float32]:
        """What both ends know of the talker's voice.

        Raises:
            ClipError: the clip has no sound, or captions that are not English.
        """
        clip.in_english(f"the voice {self.label}")
        if clip.speech is None:
            raise ClipError(
                f"clip {clip.name} has no sound, of which the voice {self.label} needs {self.params.reference_s:g} s; "
                "leave voice out, or choose a clip with speech"
            )
        return clip.speech[: round(self.params.reference_s * SPEECH_RATE)]

    def speak(
        self, clip: Clip, semantics: tuple[NDArray, NDArray] | None, reference: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Speech for what was received, float32 [samples], 16 kHz.

        Args:
            clip: with the received words and, if there are any, pictures.
            semantics: see `Playback`.
            reference: as `reference` gives it.
        Raises:
            ClipError: the reference is too short or silent.
        """
        duration_s = len(clip.video) / clip.fps if clip.video is not None else clip.duration_s
        frames = -int(-duration_s * FPS // 1)
        lips = None
        if semantics is not None:
            moved = semantics[1][:, EXPRESSION]
            at = np.minimum(np.arange(frames) / FPS * clip.fps, len(moved) - 1)
            lips = np.stack([np.interp(at, np.arange(len(moved)), one) for one in moved.T], 1).astype(
                np.float32
            )
        key = _key(self.label, clip.words, lips, frames, reference)
        if key not in _spoken:
            try:
                speech = self._synthesizer().speak(clip.words, lips, frames, reference)
            except ClipError as error:
                raise ClipError(f"clip {clip.name}: {error}") from None
            _spoken[key] = speech[: round(duration_s * SPEECH_RATE)]
        _spoken.move_to_end(key)
        while len(_spoken) > HELD:
            _spoken.popitem(last=False)
        return _spoken[key]

    def _synthesizer(self) -> Synthesizer:
        return _synthesizer(self.params.name, self.device, os.path.expandvars(self.params.vocoder))


_spoken: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()


@lru_cache(maxsize=4)
def _synthesizer(name: str, device: str, vocoder: str) -> Synthesizer:
    return SYNTHESIZERS.get(name).load(device, vocoder)


def _key(*parts: Any) -> bytes:
    said = (part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode() for part in parts)
    return hashlib.blake2b(b"|".join(said), digest_size=16).digest()
