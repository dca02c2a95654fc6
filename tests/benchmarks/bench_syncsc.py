"""Table V for this project's modules: `python tests/benchmarks/bench_syncsc.py [--device cuda] [--out results/table5]`.

Parameters, size of the weights, and time per frame or block, medians of several passes. The first row is a convolution
whose operations are known: it says how fast the machine was at that time.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.endpoints.session import FecParameters
from lossweep.endpoints.syncsc.codes.family import face_code
from lossweep.endpoints.syncsc.extractor import ExtractorTracker
from lossweep.endpoints.syncsc.face_model import EXPRESSION
from lossweep.endpoints.syncsc.fom.renderer import SHIPPED as FOM
from lossweep.endpoints.syncsc.fom.renderer import KeypointRenderer, as_tensor
from lossweep.endpoints.syncsc.fom.renderer import load_network as load_fom
from lossweep.endpoints.syncsc.generator.generator import Generator
from lossweep.endpoints.syncsc.semantics import Scaling
from lossweep.endpoints.tts.pitch import pitch
from lossweep.endpoints.tts.spectrum import mel
from lossweep.endpoints.tts.synthesizer import SYNTHESIZERS
from lossweep.endpoints.tts.vocoder import HarmonicVocoder
from lossweep.experiments.clips import load_clips

ENDPOINTS = Path(__file__).parents[2] / "endpoints"
FRAMES = 48
PASSES = 5
AIMS = {
    "extractor": 40,
    "pacsc 1/2": 500,
    "pacsc-s 1/2": 500,
    "generator": 15,
    "voice visual": 1,
    "voice fastspeech2": 1,
    "voice tacotron2": 1,
}
SECOND = "second of speech"
CONVOLUTION_GFLOP = 2 * 9 * 64 * 64 * 256 * 256 / 1e9


def median_s(function: Callable[[], object], device: str) -> float:
    """Median time of a call in seconds, after one that warms up."""
    function()
    times = []
    for _ in range(PASSES):
        start = time.perf_counter()
        function()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def stored(pattern: str) -> tuple[int, float]:
    """Parameters and megabytes of the weights whose names match one of the patterns."""
    from safetensors import safe_open

    count, size = 0, 0.0
    for path in [file for name in pattern.split() for file in ENDPOINTS.glob(name)]:
        with safe_open(path, "np") as file:
            count += sum(int(np.prod(file.get_slice(name).get_shape())) for name in file.keys())  # noqa: SIM118
        size += path.stat().st_size / 1e6
    return count, size


def rows(device: str) -> list[dict]:
    """A row a module."""
    (clip,) = load_clips("portrait", seconds=FRAMES / 25)
    tracker = ExtractorTracker.load(device)
    found = tracker.track(clip.video)
    scaling = Scaling.of(tracker.model)
    numbers = scaling.standardize(found.coefficients)
    drawn = scaling.coefficients(numbers)
    generator = Generator.load(device)
    network, keypoints = load_fom(FOM).to(device), KeypointRenderer.load(device)

    def detect() -> None:
        with torch.inference_mode():
            for picture in clip.video:
                network.detector(as_tensor(picture).to(device))

    work = {
        "3x3 convolution": ("", "10^9 operations", CONVOLUTION_GFLOP, convolution(device)),
        "extractor": (
            "syncsc/model/extractor.safetensors",
            "frame",
            FRAMES,
            lambda: tracker.track(clip.video),
        ),
        "generator": (
            "syncsc/model/generator.safetensors",
            "frame",
            FRAMES,
            lambda: generator.draw(clip.video[0], drawn[0], found.identity, drawn),
        ),
        "fom, detector": ("syncsc/model/fom.safetensors", "frame", FRAMES, detect),
        "fom, drawing": (
            "syncsc/model/fom.safetensors",
            "frame",
            FRAMES,
            lambda: keypoints.draw(clip.video[0], np.zeros(16), found.identity, np.zeros((FRAMES, 16))),
        ),
    }
    long = np.tile(numbers, (20, 1))
    # Packets of all codes hold 8 frames together: 4 (at 1/4: 2) of the paper's blocks.
    for name in ("pacsc", "pacsc-s"):
        for rate, said in ((0.5, "1/2"), (0.25, "1/4")):
            code = face_code(FecParameters(name, (("code_rate", rate),)), round(8 * rate), 8, device=device)
            random = np.random.default_rng(0)
            got = [[row if random.random() >= 0.4 else None for row in block] for block in code.encode(long)]

            def both(code=code, got=got) -> None:
                code.encode(long)
                code.decode(got, long[0])

            pattern = (
                f"syncsc/model/{name}-{rate:g}.safetensors"
                if name == "pacsc"
                else "syncsc/model/pacsc-s-*.safetensors"
            )
            work[f"{name} {said}"] = (pattern, "block of 8 frames", len(got), both)
    work |= spoken(numbers, device)
    table = []
    for name, (pattern, unit, count, function) in work.items():
        parameters, megabytes = stored(pattern)
        each = median_s(function, device) / count
        table.append(
            {
                "module": name,
                "parameters": parameters,
                "megabytes": round(megabytes, 2),
                "device": device,
                "unit": unit,
                "ms": round(1000 * each, 3),
                "a_second": round(1 / each, 1),
                "aim_a_second": AIMS.get(name, ""),
            }
        )
        print(table[-1], flush=True)
    return table


def convolution(device: str) -> Callable[[], object]:
    """A 3x3 convolution of 64 to 64 features on 256x256 pixels, `CONVOLUTION_GFLOP` * 10^9 operations."""
    layer = torch.nn.Conv2d(64, 64, 3, padding=1).to(device, memory_format=torch.channels_last)
    picture = torch.zeros(1, 64, 256, 256, device=device).contiguous(memory_format=torch.channels_last)

    def run() -> torch.Tensor:
        with torch.inference_mode():
            return layer(picture)

    return run


def spoken(numbers: np.ndarray, device: str) -> dict[str, tuple]:
    """The receiver's voices and the vocoder alone, over the whole built-in clip."""
    (clip,) = load_clips("portrait")
    frames = len(clip.video)
    lips = np.resize(numbers[:, EXPRESSION], (frames, 6))
    reference = clip.speech[: 3 * SPEECH_RATE]
    work = {}
    for name in SYNTHESIZERS.names():
        voice = SYNTHESIZERS.get(name).load(device)

        def speak(voice=voice) -> None:
            voice.speak(clip.words, lips, frames, reference)

        files = " ".join(f"tts/model/{file}" for file in voice.weights())
        work[f"voice {name}"] = (files, SECOND, frames / 25, speak)
    speech = torch.from_numpy(clip.speech)
    drawn, hertz = mel(speech), torch.from_numpy(pitch(clip.speech))
    vocoder = HarmonicVocoder.load(device)
    files = "tts/model/vocoder.safetensors"
    work["vocoder"] = (files, SECOND, frames / 25, lambda: vocoder.wave(drawn, hertz))
    return work


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    table = pd.DataFrame(rows(args.device))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        table.to_csv(args.out / f"{args.device}.csv", index=False)
        machine = platform.machine() if args.device == "cpu" else torch.cuda.get_device_name()
        print(f"wrote {args.out / f'{args.device}.csv'} ({machine}, {args.threads} threads)")


if __name__ == "__main__":
    main()
