"""Forced alignment of a transcript, or recognition where there is none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.asr.pocketsphinx import FRAME_S
from lossweep.endpoints.asr.recognizer import DEFAULT, recognizer
from lossweep.endpoints.clip import SPEECH_RATE, Word


def align_words(speech: NDArray[np.float32], transcript: str) -> tuple[Word, ...]:
    """Words with their times.

    With a transcript pocketsphinx aligns its words. Without one it recognizes them. On the project's seven clips with
    transcripts 76 % of its words are wrong, but only 47 % of their phonemes (63 % with its phoneme decoder), so the
    recognized words are phonetically closer to the speech than their error rate suggests.

    Args:
        speech: float32 [samples], 16 kHz.
        transcript: words between blanks, "" if unknown.
    """
    if not transcript:
        return recognizer(DEFAULT).words(speech)
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=SPEECH_RATE, loglevel="FATAL", lm=None)
    decoder.set_align_text(transcript.lower())
    decoder.start_utt()
    decoder.process_raw((np.clip(speech, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    return tuple(
        Word(part.word.partition("(")[0], part.start_frame * FRAME_S, (part.end_frame + 1) * FRAME_S)
        for part in decoder.seg() or ()
        if part.word[0] not in "<[+"
    )
