"""A Zipformer transducer through sherpa-onnx, with a model folder of the user."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import MissingPackage, WeightsError
from lossweep.endpoints.clip import SPEECH_RATE, Word

WORD_BEGINS = ("▁", " ")
LAST_TOKEN_S = 0.3
"""A word ends where the next begins, but not later than this after its last token began."""


class Zipformer:
    """Recognition by a published offline Zipformer; the model folder is as k2-fsa releases it.

    Where the folder holds several sizes, the int8 files are not used.

    Args:
        folder: with tokens.txt, encoder*.onnx, decoder*.onnx and joiner*.onnx.
    Raises:
        MissingPackage, WeightsError: sherpa-onnx is not installed, or a file is missing, naming it.
    Source: Yao et al. 2024; sherpa-onnx.
    """

    def __init__(self, folder: Path) -> None:
        if find_spec("sherpa_onnx") is None:
            raise MissingPackage(f"recognizer {folder.name} needs sherpa-onnx: pip install sherpa-onnx")
        self._files = {part: _file(folder, part) for part in ("encoder", "decoder", "joiner")}
        self._files["tokens"] = folder / "tokens.txt"
        if not self._files["tokens"].is_file():
            raise WeightsError(f"recognizer folder {folder} holds no tokens.txt")
        digest = hashlib.sha256(self._files["encoder"].read_bytes()).hexdigest()[:8]
        self.label = f"zipformer {folder.name} {digest}"

    def words(self, speech: NDArray[np.float32]) -> tuple[Word, ...]:
        """See `Recognizer.words`."""
        import sherpa_onnx

        files = {part: str(path) for part, path in self._files.items()}
        decoder = sherpa_onnx.OfflineRecognizer.from_transducer(
            **files, num_threads=1, sample_rate=SPEECH_RATE
        )
        stream = decoder.create_stream()
        stream.accept_waveform(SPEECH_RATE, speech)
        decoder.decode_stream(stream)
        return join_tokens(stream.result.tokens, stream.result.timestamps, len(speech) / SPEECH_RATE)


def join_tokens(tokens: Sequence[str], times_s: Sequence[float], duration_s: float) -> tuple[Word, ...]:
    """Words of subword tokens and the times at which these begin.

    Args:
        tokens: one that begins a word begins with "▁" or a space.
        times_s: in order.
        duration_s: of the speech.
    """
    spans: list[list] = []
    for token, time_s in zip(tokens, times_s, strict=True):
        if token[:1] in WORD_BEGINS or not spans:
            spans.append(["", float(time_s), float(time_s)])
        spans[-1][0] += token.lstrip("".join(WORD_BEGINS))
        spans[-1][2] = float(time_s)
    spans = [span for span in spans if span[0]]
    ends = [*(start for _, start, _ in spans), duration_s][1:]
    return tuple(
        Word(text.lower(), start, min(end, last + LAST_TOKEN_S))
        for (text, start, last), end in zip(spans, ends, strict=True)
    )


def _file(folder: Path, part: str) -> Path:
    found = sorted(folder.glob(f"{part}*.onnx"), key=lambda path: ("int8" in path.name, path.name))
    if not found:
        raise WeightsError(f"recognizer folder {folder} holds no {part}*.onnx")
    return found[0]
