"""`python results/tables/word_times.py --recognizer FOLDER`: FastSpeech 2 with its phonemes at the words' times.

A trial, not a voice of the project: the weights of `fastspeech2`, with the durations that `visual` is given in place of
those that it predicts. On clips of people that are held out of build/speech, at most 16; figures as in `synthesis.py`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from synthesis import COLUMNS, MOST, row

from lossweep.endpoints.asr.recognizer import DEFAULT, recognizer
from lossweep.endpoints.clip import SPEECH_RATE, Word
from lossweep.endpoints.tts.f0 import median_f0, shift_f0, to_hertz
from lossweep.endpoints.tts.fastspeech2 import FastSpeech2
from lossweep.endpoints.tts.inputs import PhonemeInputs, denormalize_mel, normalize_mel
from lossweep.endpoints.tts.phonemes import to_phonemes
from lossweep.endpoints.tts.spectrum import mel
from lossweep.endpoints.tts.synthesizer import LONGEST_REFERENCE_S, MELS, normalize_voice
from lossweep.experiments.metrics.recognition import normalize_words
from lossweep.experiments.metrics.word_recovery import edit_distance
from lossweep.experiments.training.tts.corpus import Corpus
from lossweep.experiments.training.tts.dataset import tile_phonemes
from lossweep.experiments.training.tts.lips_worth import chosen, voice_of


@torch.inference_mode()
def speak(
    voice: FastSpeech2, words: list[Word], frames: int, reference: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The words at their times in the talker's voice, [frames * 640]."""
    reference, level = normalize_voice(reference)
    heard = normalize_mel(mel(torch.from_numpy(reference[: LONGEST_REFERENCE_S * SPEECH_RATE])))[None]
    names, stress, durations = torch.tensor(tile_phonemes(to_phonemes(words), frames * MELS)).T
    inputs = PhonemeInputs(names[None], stress[None], torch.zeros(1, len(names), dtype=torch.bool), heard)
    prosody = shift_f0(median_f0(reference), voice.network(inputs, durations[None])[1])
    spectrum = denormalize_mel(voice.network(inputs, durations[None], prosody)[0][0])
    return (voice.vocoder.wave(spectrum, to_hertz(prosody[0])) * level).clamp(-1, 1).numpy()


def main() -> None:
    """Prints one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recognizer", default=DEFAULT, help="or a folder with a Whisper model")
    ears = recognizer(parser.parse_args().recognizer)
    torch.set_num_threads(1)
    corpus, voice = Corpus.load(Path("build/speech")), FastSpeech2.load()
    rows, wrong = [], np.zeros(3)
    for u in chosen(corpus, "real", MOST):
        words, spoken = [Word(*w) for w in u.words], corpus.speech_of(u)
        made = speak(voice, words, u.frames, voice_of(corpus, u))
        made = np.pad(made, (0, max(0, len(spoken) - len(made))))[: len(spoken)]
        rows.append(row(spoken, made))
        said = normalize_words(" ".join(w.text or "" for w in words))
        heard = (normalize_words(" ".join(w.text or "" for w in ears.words(x))) for x in (made, spoken))
        wrong += [*(edit_distance(said, one) for one in heard), len(said)]
    figures = ", ".join(f"{c} {v:.3f}" for c, v in zip(COLUMNS, np.nanmean(rows, 0), strict=True))
    print(f"{len(rows)} clips: {figures}, WER {wrong[0] / wrong[2]:.3f} (original {wrong[1] / wrong[2]:.3f})")


if __name__ == "__main__":
    main()
