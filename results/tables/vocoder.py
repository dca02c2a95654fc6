"""`python results/tables/vocoder.py [FOLDER ...]`: speech from its own spectrogram and pitch, by each vocoder.

On speakers held out of build/speech (11 clips of people, 16 utterances of espeak) and on the built-in clip. Beside
the one that ships: Griffin-Lim (32 iterations), and a HiFi-GAN checkpoint for each FOLDER.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import librosa
import numpy as np
import torch
from numpy.typing import NDArray

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.endpoints.tts.pitch import pitch
from lossweep.endpoints.tts.spectrum import FFT, HOP, WINDOW, bands_of, mel
from lossweep.endpoints.tts.vocoder import load_vocoder
from lossweep.experiments.clips.portrait import portrait
from lossweep.experiments.metrics.dnsmos import Dnsmos
from lossweep.experiments.metrics.mcd import Mcd
from lossweep.experiments.metrics.pesq import Pesq
from lossweep.experiments.metrics.stoi import Stoi
from lossweep.experiments.training.tts.corpus import Corpus

COLUMNS = ("pesq", "stoi", "mcd", "dnsmos", "dnsmos_p808")
MOST = 16


def griffin_lim(bands: torch.Tensor) -> NDArray[np.float32]:
    """Speech [frames * 160]; librosa's frames stand 80 samples earlier than ours."""
    amplitude = librosa.util.nnls(bands_of("cpu").numpy(), bands.exp().numpy()).astype(np.float32)
    speech = librosa.griffinlim(
        amplitude, n_iter=32, hop_length=HOP, win_length=WINDOW, n_fft=FFT, random_state=0
    )
    samples = bands.shape[-1] * HOP
    speech = np.concatenate([np.zeros(HOP // 2, np.float32), speech])[:samples]
    return np.pad(speech, (0, samples - len(speech)))


def main(folders: list[str]) -> None:
    """Prints a line for each vocoder and kind of speech."""
    torch.set_num_threads(1)
    corpus = Corpus.load(Path("build/speech"))
    kinds = {"built-in clip": [portrait().speech]}
    for kind in ("real", "espeak"):
        some = [u for u in corpus.utterances if u.held_out and u.kind == kind][:MOST]
        kinds[kind] = [corpus.speech_of(u) for u in some]
    metrics = [Pesq(), Stoi(), Mcd(), Dnsmos()]
    makers = {
        "original": None,
        "griffin-lim": None,
        **{name: load_vocoder(name) for name in ("own", *folders)},
    }
    print("vocoder, speech, n,", ", ".join(COLUMNS), ", seconds a second")
    for name, maker in makers.items():
        for kind, speeches in kinds.items():
            rows, spent = [], 0.0
            for speech in speeches:
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
            seconds = sum(map(len, speeches)) / SPEECH_RATE
            means = ", ".join(f"{value:.3f}" for value in np.nanmean(rows, 0))
            print(f"{name}, {kind}, {len(rows)}, {means}, {spent / seconds:.3f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
