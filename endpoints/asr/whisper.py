"""Whisper through faster-whisper, with a model folder of the user."""

from __future__ import annotations

import hashlib
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import MissingPackage, WeightsError
from lossweep.endpoints.asr.pocketsphinx import QUIET
from lossweep.endpoints.clip import SPEECH_RATE, Word

MODEL = "model.bin"
FILES = (MODEL, "config.json", "tokenizer.json")
MARKS = " .,;:?!\"'()[]-–—…"
SHORTEST_S = 0.01


class Whisper:
    """English recognition by a Whisper model in CTranslate2's format, int8 on one thread, greedy search.

    Args:
        folder: with model.bin, config.json and tokenizer.json.
    Raises:
        MissingPackage, WeightsError: faster-whisper is not installed, or a file is missing, naming it.
    Source: Radford et al. 2022; faster-whisper.
    """

    def __init__(self, folder: Path) -> None:
        if find_spec("faster_whisper") is None:
            raise MissingPackage(
                f"recognizer {folder.name} needs faster-whisper: pip install lossweep[whisper]"
            )
        for name in FILES:
            if not (folder / name).is_file():
                raise WeightsError(f"recognizer folder {folder} holds no {name}")
        self._folder = folder
        with (folder / MODEL).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:8]
        self.label = f"whisper {folder.name} {digest}"

    @cached_property
    def _model(self) -> Any:
        from faster_whisper import WhisperModel

        return WhisperModel(
            str(self._folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
        )

    def words(self, speech: NDArray[np.float32]) -> tuple[Word, ...]:
        """See `Recognizer.words`."""
        if np.abs(speech).max(initial=0) < QUIET:
            return ()
        # One temperature and no text carried over: equal speech gives equal words, whatever came before.
        segments, _ = self._model.transcribe(
            np.ascontiguousarray(speech, np.float32),
            language="en",
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
        )
        end_s = len(speech) / SPEECH_RATE
        words, before_s = [], 0.0
        for one in (word for segment in segments for word in segment.words or ()):
            text = one.word.strip(MARKS).lower()
            start_s = min(max(before_s, float(one.start)), end_s)
            until_s = min(max(start_s + SHORTEST_S, float(one.end)), max(end_s, start_s + SHORTEST_S))
            if text:
                words.append(Word(text, start_s, until_s))
                before_s = start_s
        return tuple(words)
