"""Speech phrase by phrase, each from its first word's start, for synthesizers that predict durations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lossweep.endpoints.clip import SPEECH_RATE, Word
from lossweep.endpoints.tts.inputs import PhonemeInputs
from lossweep.endpoints.tts.phonemes import PHONEME_ID, to_phonemes
from lossweep.endpoints.tts.synthesizer import FRAME

PAUSE_S = 0.6
MARKS = ",.;:?!"
FADE_S = 0.01


def split_phrases(words: Sequence[Word], look_ahead_s: float = math.inf) -> list[list[Word]]:
    """Runs of known words, split where the next word begins more than 0.6 s after the previous one ended.

    No word of a run starts later than `look_ahead_s` after the first one.
    """
    out: list[list[Word]] = []
    end = float("-inf")
    for word in words:
        if word.text is not None:
            late = bool(out) and word.start_s - out[-1][0].start_s > look_ahead_s
            if not out or word.start_s - end > PAUSE_S or late:
                out.append([])
            out[-1].append(word)
        end = word.end_s
    return out


def phoneme_inputs(words: Sequence[Word], voice: Tensor) -> PhonemeInputs | None:
    """Phonemes of a phrase with pauses "" before, after and at its marks, a batch of one; None if it is silent.

    Args:
        voice: mel spectrogram of the voice reference [1, 80, any] in the networks' scale.
    Raises:
        ClipError: see `to_phonemes`.
    """
    phonemes = to_phonemes(words)
    if not phonemes:
        return None
    row = [(PHONEME_ID[""], 0)]
    for i, p in enumerate(phonemes):
        row.append((PHONEME_ID[p.name], p.stress))
        last = i + 1 == len(phonemes) or phonemes[i + 1].word != p.word
        if last and (words[p.word].text or "").endswith(tuple(MARKS)):
            row.append((PHONEME_ID[""], 0))
    if row[-1][0]:
        row.append((PHONEME_ID[""], 0))
    names, stress = torch.tensor(row).T
    return PhonemeInputs(names[None], stress[None], torch.zeros(1, len(row), dtype=torch.bool), voice)


def speak_phrases(
    words: Sequence[Word],
    frames: int,
    voice: Tensor,
    synthesize: Callable[[PhonemeInputs], tuple[Tensor, int]],
    look_ahead_s: float = math.inf,
) -> Tensor:
    """Speech [frames * 640] of all phrases; each is cut where the next begins.

    Args:
        voice: mel spectrogram of the voice reference [1, 80, any] in the networks' scale.
        synthesize: from a phrase's inputs to its sound [samples] and the number of samples of its initial pause.
        look_ahead_s: see `split_phrases`.
    """
    out = torch.zeros(frames * FRAME)
    spoken = split_phrases(words, look_ahead_s)
    begins = [round(one[0].start_s * SPEECH_RATE) for one in spoken] + [len(out)]
    for one, begin, until in zip(spoken, begins, begins[1:], strict=False):
        inputs = phoneme_inputs(one, voice)
        if inputs is None or begin >= len(out):
            continue
        sound, lead = synthesize(inputs)
        sound = sound[lead:][: max(0, min(until, len(out)) - begin)]
        fade = min(round(FADE_S * SPEECH_RATE), len(sound) // 2)
        sound[len(sound) - fade :] *= torch.linspace(1, 0, fade)
        out[begin : begin + len(sound)] = sound
    return out
