"""Speech of synthesizers that take their own time: phrase by phrase, each from its first word's start."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lossweep.endpoints.clip import SPEECH_RATE, Word
from lossweep.endpoints.tts.phonemes import NUMBER, spelled
from lossweep.endpoints.tts.synthesizer import FRAME

PAUSE_S = 0.6
MARKS = ",.;:?!"
FADE_S = 0.01


def phrases(words: Sequence[Word]) -> list[list[Word]]:
    """Runs of the words that are known, cut where the next begins more than 0.6 s after the one before ended."""
    out: list[list[Word]] = []
    end = float("-inf")
    for word in words:
        if word.text is not None:
            if not out or word.start_s - end > PAUSE_S:
                out.append([])
            out[-1].append(word)
        end = word.end_s
    return out


def sequence(words: Sequence[Word]) -> dict[str, Tensor] | None:
    """Phonemes of a phrase with pauses "" before, after and at its marks, a batch of one; None if it is silent.

    Returns:
        names, stress (int [1, n]), absent (bool [1, n]).
    Raises:
        ClipError: see `spelled`.
    """
    phonemes = spelled(words)
    if not phonemes:
        return None
    row = [(NUMBER[""], 0)]
    for i, p in enumerate(phonemes):
        row.append((NUMBER[p.name], p.stress))
        last = i + 1 == len(phonemes) or phonemes[i + 1].word != p.word
        if last and (words[p.word].text or "").endswith(tuple(MARKS)):
            row.append((NUMBER[""], 0))
    if row[-1][0]:
        row.append((NUMBER[""], 0))
    names, stress = torch.tensor(row).T
    return {
        "names": names[None],
        "stress": stress[None],
        "absent": torch.zeros(1, len(row), dtype=torch.bool),
    }


def timeline(
    words: Sequence[Word], frames: int, say: Callable[[dict[str, Tensor]], tuple[Tensor, int]]
) -> Tensor:
    """Speech [frames * 640] of all phrases; each is cut where the next begins.

    Args:
        say: from a phrase's sequence to its sound [samples] and how many samples of pause it begins with.
    """
    out = torch.zeros(frames * FRAME)
    spoken = phrases(words)
    begins = [round(one[0].start_s * SPEECH_RATE) for one in spoken] + [len(out)]
    for one, begin, until in zip(spoken, begins, begins[1:], strict=False):
        row = sequence(one)
        if row is None or begin >= len(out):
            continue
        sound, lead = say(row)
        sound = sound[lead:][: max(0, min(until, len(out)) - begin)]
        fade = min(round(FADE_S * SPEECH_RATE), len(sound) // 2)
        sound[len(sound) - fade :] *= torch.linspace(1, 0, fade)
        out[begin : begin + len(sound)] = sound
    return out
