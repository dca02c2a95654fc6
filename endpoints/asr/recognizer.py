"""Recognizers of speech that a clip may name."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import OptionError
from lossweep.endpoints.clip import Word

DEFAULT = "pocketsphinx"


class Recognizer(Protocol):
    """Speech to words; equal speech gives equal words.

    Attributes:
        label: for tables, with version or hash of the model.
    """

    label: str

    def words(self, speech: NDArray[np.float32]) -> tuple[Word, ...]:
        """The words of speech in order of time, lower case, without marks; empty where it recognizes none.

        Args:
            speech: float32 [samples] in [-1, 1], 16 kHz.
        """
        ...


def recognizer(name: str) -> Recognizer:
    """The recognizer of a name.

    Args:
        name: "pocketsphinx" (English, needs no download), or a folder: with a Whisper model for faster-whisper
            (model.bin, config.json, tokenizer.json), or with a Zipformer transducer for sherpa-onnx.
    Raises:
        OptionError: neither, or a package or file is missing; one line.
    """
    if name == DEFAULT:
        from lossweep.endpoints.asr.pocketsphinx import PocketSphinx

        return PocketSphinx()
    if not Path(name).is_dir():
        raise OptionError(
            f"no recognizer {name!r}: it is {DEFAULT!r} or a folder with a Whisper model (model.bin, config.json, "
            "tokenizer.json) or a Zipformer transducer (tokens.txt, encoder*.onnx, decoder*.onnx, joiner*.onnx)"
        )
    if (Path(name) / "model.bin").is_file():
        from lossweep.endpoints.asr.whisper import Whisper

        return Whisper(Path(name))
    from lossweep.endpoints.asr.zipformer import Zipformer

    return Zipformer(Path(name))
