"""pocketsphinx with its English model."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import MissingPackage
from lossweep.endpoints.clip import SPEECH_RATE, Word

FRAME_S = 0.01
QUIET = 1e-3
"""Speech below this peak (-60 dB) is treated as silence, because pocketsphinx recognizes words in digital silence."""


class PocketSphinx:
    """Large-vocabulary English recognition, about 0.3 of real time, 1 s to load.

    Raises:
        MissingPackage: pocketsphinx is not installed.
    """

    def __init__(self) -> None:
        if find_spec("pocketsphinx") is None:
            raise MissingPackage(
                "words are recognized by pocketsphinx: pip install pocketsphinx, or give captions"
            )
        self.label = f"pocketsphinx {metadata.version('pocketsphinx')}"

    def words(self, speech: NDArray[np.float32]) -> tuple[Word, ...]:
        """See `Recognizer.words`. The decoder is a new one each time: it adapts to its input."""
        from pocketsphinx import Decoder

        if np.abs(speech).max(initial=0) < QUIET:
            return ()
        decoder = Decoder(samprate=SPEECH_RATE, loglevel="FATAL")
        decoder.start_utt()
        decoder.process_raw((np.clip(speech, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        return tuple(
            Word(
                segment.word.partition("(")[0],
                segment.start_frame * FRAME_S,
                (segment.end_frame + 1) * FRAME_S,
            )
            for segment in decoder.seg() or ()
            if segment.word[0] not in "<[+"  # silences and noises
        )
