"""A stretch of an utterance as training sees it: at another speed, and cut as a receiver's window cuts it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from lossweep.endpoints.tts.phonemes import TimedPhoneme
from lossweep.endpoints.tts.spectrum import HOP
from lossweep.endpoints.tts.synthesizer import FPS, FRAME, MELS
from lossweep.experiments.training.tts.corpus import Corpus, Utterance


@dataclass(frozen=True)
class Excerpt:
    """Sound, lips and phonemes of one stretch of time.

    Attributes:
        speech: float32 [frames * 640] in [-1, 1], 16 kHz.
        pitch: float32 [frames * 4] in Hz, 0 without voice.
        lips: float32 [frames, 6], see `Corpus.lips`.
        phonemes: as a receiver derives them, times from the stretch's beginning.
        inside: bool [frames], False where the utterance has not begun or has ended.
    """

    speech: NDArray[np.float32]
    pitch: NDArray[np.float32]
    lips: NDArray[np.float32]
    phonemes: tuple[TimedPhoneme, ...]
    inside: NDArray[np.bool_]

    @classmethod
    def of(cls, corpus: Corpus, u: Utterance) -> Excerpt:
        """A whole utterance."""
        phonemes = tuple(TimedPhoneme(n, s, a, b, w) for n, s, a, b, w in u.receiver_phonemes)
        lips = corpus.lips_of(u)
        return cls(corpus.speech_of(u), corpus.pitch_of(u), lips, phonemes, np.ones(len(lips), bool))

    def at_speed(self, speed: float) -> Excerpt:
        """As a recording played at that speed: above 1 shorter, with higher pitch and formants, as of a smaller head.

        Lips and pitch are read at the new times; the length is cut to whole frames.
        """
        percent = round(100 * speed)
        speech = resample_poly(self.speech, 100, percent).astype(np.float32)
        frames = len(speech) // FRAME
        faster = percent / 100
        steps = np.minimum(np.arange(frames * MELS) * faster, len(self.pitch) - 1).astype(int)
        at = (np.arange(frames) + 0.5) * faster - 0.5
        rows = np.arange(len(self.lips))
        lips = np.stack([np.interp(at, rows, one) for one in self.lips.T], 1).astype(np.float32)
        phonemes = tuple(
            p._replace(start_s=p.start_s / faster, end_s=p.end_s / faster) for p in self.phonemes
        )
        inside = self.inside[np.clip(np.round(at).astype(int), 0, len(rows) - 1)]
        return Excerpt(speech[: frames * FRAME], self.pitch[steps] * faster, lips, phonemes, inside)

    def cut(self, first: int, frames: int) -> Excerpt:
        """Frames `first` (below 0: before it begins) to `first + frames`.

        Outside there is silence, and the first or last lips are held, as a receiver holds them.
        """
        at = np.arange(first, first + frames)
        inside = (at >= 0) & (at < len(self.lips))
        held = np.clip(at, 0, len(self.lips) - 1)

        def stretch(values: NDArray[np.float32], step: int) -> NDArray[np.float32]:
            return np.where(inside[:, None], values.reshape(-1, step)[held], np.float32(0)).reshape(-1)

        return Excerpt(
            stretch(self.speech, FRAME),
            stretch(self.pitch, FRAME // HOP),
            self.lips[held],
            tuple(
                p._replace(start_s=p.start_s - first / FPS, end_s=p.end_s - first / FPS)
                for p in self.phonemes
            ),
            inside & self.inside[held],
        )
