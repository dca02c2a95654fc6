"""`python results/tables/vocoder.py [FOLDER ...]`: speech from its own spectrogram and pitch, by each vocoder.

On what is held out of build/speech, at most 12 utterances of each kind (people, GRID sentences, espeak), and on
the built-in clip. Beside the vocoder that ships: a HiFi-GAN of each FOLDER, and on request Griffin-Lim (32 iterations).
With `--recognizer FOLDER` (Whisper) also word error rates.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import librosa
import numpy as np
import torch
from numpy.typing import NDArray

from lossweep.endpoints.asr.recognizer import Recognizer, recognizer
from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.endpoints.tts.pitch import pitch
from lossweep.endpoints.tts.spectrum import FFT, HOP, WINDOW, bands_of, mel
from lossweep.endpoints.tts.vocoder import load_vocoder
from lossweep.experiments.clips.portrait import portrait
from lossweep.experiments.metrics.dnsmos import Dnsmos
from lossweep.experiments.metrics.mcd import Mcd
from lossweep.experiments.metrics.pesq import Pesq
from lossweep.experiments.metrics.recognition import normalize_words
from lossweep.experiments.metrics.stoi import Stoi
from lossweep.experiments.metrics.word_recovery import edit_distance
from lossweep.experiments.training.tts.corpus import Corpus
from lossweep.experiments.training.tts.lips_worth import chosen

COLUMNS = ("pesq", "stoi", "mcd", "dnsmos", "dnsmos_p808")
MOST = 12


def griffin_lim(bands: torch.Tensor) -> NDArray[np.float32]:
    """Speech [frames * 160]; librosa's frames stand 80 samples earlier than ours."""
    amplitude = librosa.util.nnls(bands_of("cpu").numpy(), bands.exp().numpy()).astype(np.float32)
    speech = librosa.griffinlim(
        amplitude, n_iter=32, hop_length=HOP, win_length=WINDOW, n_fft=FFT, random_state=0
    )
    samples = bands.shape[-1] * HOP
    speech = np.concatenate([np.zeros(HOP // 2, np.float32), speech])[:samples]
    return np.pad(speech, (0, samples - len(speech)))


def wer(ears: Recognizer | None, made: NDArray[np.float32], said: list[str]) -> tuple[int, int]:
    """Word errors and words."""
    if ears is None:
        return 0, 0
    heard = normalize_words(" ".join(str(word.text) for word in ears.words(made)))
    return edit_distance(said, heard), len(said)


def main() -> None:
    """Prints a line for each vocoder and kind of speech."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", help="with a HiFi-GAN checkpoint each")
    parser.add_argument("--griffin-lim", action="store_true", help="it is slow")
    parser.add_argument("--recognizer", help="folder with a Whisper model, for word error rates")
    args = parser.parse_args()
    torch.set_num_threads(1)
    ears = recognizer(args.recognizer) if args.recognizer else None
    corpus = Corpus.load(Path("build/speech"))
    clip = portrait()
    kinds = {"built-in clip": [(clip.speech, [str(word.text) for word in clip.words])]}
    for kind in ("real", "grid", "espeak"):
        kinds[kind] = [
            (corpus.speech_of(u), [text for text, *_ in u.words]) for u in chosen(corpus, kind, MOST)
        ]
    metrics = [Pesq(), Stoi(), Mcd(), Dnsmos()]
    makers = {
        "original": None,
        **({"griffin-lim": None} if args.griffin_lim else {}),
        **{name: load_vocoder(name) for name in ("own", *args.folders)},
    }
    print("vocoder, speech, n,", ", ".join(COLUMNS), ", WER, seconds a second")
    for name, maker in makers.items():
        for kind, speeches in kinds.items():
            rows, spent, errors = [], 0.0, np.zeros(2)
            for speech, words in speeches:
                said = speech[: len(speech) // HOP * HOP]
                bands, f0_hz = mel(torch.from_numpy(said)), torch.from_numpy(pitch(said))
                start = time.process_time()
                if name == "original":
                    made = said
                elif name == "griffin-lim":
                    made = griffin_lim(bands)
                else:
                    made = maker.wave(bands, f0_hz).numpy()
                spent += time.process_time() - start
                row: dict[str, float] = {}
                for metric in metrics:
                    row |= metric.score(
                        Clip("said", speech=said), Playback(Clip("made", speech=made)), Truth()
                    )
                rows.append([row[column] for column in COLUMNS])
                errors += wer(ears, made, normalize_words(" ".join(words)))
            seconds = sum(len(speech) for speech, _ in speeches) / SPEECH_RATE
            rate = f"{errors[0] / errors[1]:.3f}" if errors[1] else "-"
            means = ", ".join(f"{value:.3f}" for value in np.nanmean(rows, 0))
            print(f"{name}, {kind}, {len(rows)}, {means}, {rate}, {spent / seconds:.3f}", flush=True)


if __name__ == "__main__":
    main()
