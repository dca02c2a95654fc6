"""LSE-D and LSE-C of clips with known damage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.check import check
from lossweep.experiments.clips import load_clips
from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.metrics.lip_sync.metric import LipSync
from lossweep.experiments.metrics.metric import Picture
from lossweep.experiments.training.face.split import clips_folder
from lossweep.experiments.training.model_card import Table

FRAME = SPEECH_RATE // 25


def robustness(data: Path, files: Sequence[str], built_in: Clip) -> Table:
    """LSE-D and LSE-C, one row per damage: means over `files`, and the built-in clip.

    Args:
        data: folder with clips/.
        files: names of clips in it.
        built_in: the clip `portrait`.
    """
    metric, table = LipSync(), {}
    sources = [str(clips_folder(data) / name) for name in files]
    clips = [load_clips(source)[0] for source in sources]
    for clip, source in [*zip(clips, sources, strict=True), (built_in, "portrait")]:
        other = clips[(clips.index(clip) + 1) % len(clips)] if clip is not built_in else clips[0]
        for damage, received in _damaged(clip, source, other.speech):
            row = metric.score(clip, received, Truth())
            table.setdefault(damage, []).append((row["lse_d"], row["lse_c"]))
    rows: list[list[str | int | float | None]] = []
    for damage, figures in table.items():
        real = np.mean(figures[:-1], axis=0)
        rows.append([damage, *(f"{value:.3f}" for value in (*real, *figures[-1]))])
    return Table(
        "Damaged clips: means over one clip of each held-out person, and the built-in clip. Lower LSE-D and higher "
        "LSE-C are better.",
        ["", "LSE-D", "LSE-C", "built-in LSE-D", "built-in LSE-C"],
        rows,
    )


def _damaged(clip: Clip, source: str, other: np.ndarray) -> Iterator[tuple[str, Playback]]:
    digests = tuple(Picture.of(picture).digest for picture in clip.video)
    clean = Playback(replace(clip, video=list(clip.video)), digests=digests)

    def with_sound(speech: np.ndarray) -> Playback:
        speech = np.pad(speech, (0, max(0, len(clip.speech) - len(speech))))[: len(clip.speech)]
        return replace(clean, clip=replace(clean.clip, speech=speech.astype(np.float32)))

    def with_pictures(which: Sequence[int]) -> Playback:
        video = [clip.video[i] for i in which]
        return replace(clean, clip=replace(clean.clip, video=video), digests=tuple(digests[i] for i in which))

    frames, speech = len(clip.video), clip.speech
    noise = np.random.default_rng(1).standard_normal(len(speech)) * np.std(speech) * 10**-0.5
    yield "clean", clean
    for late in (3, 6):
        yield f"sound {late} frames late", with_sound(np.pad(speech, (late * FRAME, 0)))
    yield "noise, 10 dB", with_sound(speech + noise)
    yield "Opus, 8 kbit/s", with_sound(_through(source, {"name": "opus", "bitrate": 8000}).clip.speech)
    coded = _through(source, {"name": "h264", "bpp": 0.0244, "gop": 32})
    yield "H.264, 0.0244 bpp", replace(coded, clip=replace(coded.clip, speech=speech))
    yield (
        "every other second frozen",
        with_pictures([i if i // 25 % 2 == 0 else i // 25 * 25 for i in range(frames)]),
    )
    yield "frozen from the start", with_pictures([0] * frames)
    yield "sound of another person", with_sound(other)


def _through(source: str, endpoint: dict) -> Playback:
    """The playback of a clip over a path without loss."""
    scenario = check(
        {
            "name": "robustness",
            "clip": source,
            "endpoint": endpoint,
            "channel": {"name": "bernoulli", "loss_rate": 0},
            "metrics": [],
        }
    )
    return Evaluator([]).restore(next(iter(scenario.cells())))[1]
