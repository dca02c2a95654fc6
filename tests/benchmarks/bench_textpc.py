"""TextPC: a window of 6 words live, one at a time, under 20 ms on one core; a lecture in a sweep.

Run with `python tests/benchmarks/bench_textpc.py --transcript FILE`. Loss is 0.6 with
Reed-Solomon 1/2; every window that is counted has a missing word. Live means what a receiver does when a window is
due: encode the words of the last minutes, look counts up, run the network, choose.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from lossweep.endpoints.text.interleaving import WINDOW
from lossweep.endpoints.text.mbr_decoding import MbrDecoder, breaks_before
from lossweep.endpoints.text.textpc import TextPC
from lossweep.endpoints.text.vocabulary import MASK
from lossweep.experiments.clips.transcript import read_transcript

LIVE_WORDS = 960
"""Words a live receiver keeps: more than six minutes of speech."""


def lossy(words: list[str], loss: float, seed: int = 3) -> list[str | None]:
    """What arrives or is repaired of windows of 6 words, each with 6 repair packets."""
    rng = np.random.default_rng(seed)
    out: list[str | None] = []
    for first in range(0, len(words), WINDOW):
        window = words[first : first + WINDOW]
        lost = rng.random(2 * len(window)) < loss
        whole = np.count_nonzero(~lost) >= len(window)
        out += [w if whole or not gone else None for w, gone in zip(window, lost, strict=False)]
    return out


def live(filler: TextPC, words: list[str | None], count: int = 200) -> float:
    """Median CPU time to fill one window, in seconds, each as its turn comes."""
    windows = np.arange(len(words)) // WINDOW
    lost = [w for w in np.unique(windows[[word is None for word in words]]) if w > LIVE_WORDS // WINDOW]
    decoder, times = MbrDecoder(filler.vocabulary), []
    for window in lost[:count]:
        began = time.process_time()
        end = (window + 1) * WINDOW
        part = slice(end - LIVE_WORDS, end)
        ids, casing_punct = filler.vocabulary.encode(words[part])
        missing = ids == MASK
        gaps = np.flatnonzero(missing)
        gaps = gaps[windows[part][gaps] == window]
        breaks = breaks_before(casing_punct, missing)[-len(gaps) :]
        for _, probabilities, forms in filler.distributions(ids, casing_punct, windows[part], gaps):
            decoder.decode(probabilities, forms, breaks)
        times.append(time.process_time() - began)
    return float(np.median(times))


def main() -> None:
    """Prints both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transcript", type=Path, required=True, help="a talk as plain text")
    parser.add_argument("--loss", type=float, default=0.6)
    args = parser.parse_args()
    torch.set_num_threads(1)
    began = time.perf_counter()
    filler = TextPC()
    print(f"loaded in {time.perf_counter() - began:.2f} s")
    said = [word.text for word in read_transcript(args.transcript).words][:12_000]
    words = lossy(said, args.loss)
    print(
        f"live: {1000 * live(filler, words):.1f} ms a window with a missing word (median CPU time, one core)"
    )
    windows = np.arange(len(words)) // WINDOW
    began, busy = time.perf_counter(), time.process_time()
    filler.fill(words, windows)
    wall, busy = time.perf_counter() - began, time.process_time() - busy
    lost = len(np.unique(windows[[word is None for word in words]]))
    print(
        f"batched: {lost} windows with a missing word of {windows[-1] + 1}; {lost / busy:.0f} lossy and "
        f"{(windows[-1] + 1) / busy:.0f} windows a second of one core ({wall:.1f} s passed, {busy:.1f} s of CPU)"
    )


if __name__ == "__main__":
    main()
