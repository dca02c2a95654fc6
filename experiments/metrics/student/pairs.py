"""The data of lpips_student: groups of pictures of a clip, and LPIPS squeeze of all pairs of a group."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from tqdm import tqdm

from lossweep.endpoints.clip import Clip
from lossweep.experiments.clips import load_clips
from lossweep.experiments.metrics.lpips import Lpips
from lossweep.experiments.metrics.student.coded import Video, coded_videos
from lossweep.experiments.metrics.student.network import CELLS
from lossweep.experiments.metrics.student.synthetic import SYNTHETIC, patch

GROUP = 6
PAIRS = tuple(combinations(range(GROUP), 2))
KINDS = ("clean", "freeze", "h264", "h265", "av1", "loss", "patch", *SYNTHETIC)
SHARES = {"freeze": 3, "h264": 4, "h265": 3, "av1": 3, "loss": 3, "patch": 1} | {
    "grey": 0.5,
    "blur": 1,
    "blocks": 1,
    "rescale": 1,
    "colour": 1,
    "noise": 1,
    "warp": 1.5,
}
HELD_OUT_PEOPLE = 14
GROUPS_OF_A_PERSON = {"train": 45, "held out": 25}
FRAMES = 100
"""Frames of each clip that are coded and drawn from."""


def people(manifest: Path) -> dict[str, list[tuple[str, Path]]]:
    """Clips split by identity: "train" and "held out" (the people with the smallest hash of the name).

    Returns:
        split -> (identity, clip) in order of the clips.
    """
    with manifest.open() as file:
        clips = [(row["identity"], manifest.parent / row["file"]) for row in csv.DictReader(file)]
    names = sorted({who for who, _ in clips}, key=lambda who: hashlib.sha256(who.encode()).digest())
    held_out = set(names[:HELD_OUT_PEOPLE])
    return {
        "train": [c for c in clips if c[0] not in held_out],
        "held out": [c for c in clips if c[0] in held_out],
    }


def make(clips: Path, folder: Path, workers: int = 2) -> None:
    """Writes what is not yet there of `folder/<split>/<clip>.npz`, from the listed clips and the portrait.

    Each file holds pictures, uint8 [groups, 6, 256, 256, 3], of which the first is a clean frame; kinds,
    uint8 [groups, 6], indices into `KINDS`; cells, float32 [groups, 15, CELLS, CELLS], local LPIPS of all
    pairs.
    """
    jobs = []
    for split, found in people(clips / "manifest.csv").items():
        share = Counter(who for who, _ in found)
        sources = [(str(path), -(-GROUPS_OF_A_PERSON[split] // share[who])) for who, path in found]
        if split == "train":
            sources.append(("portrait", GROUPS_OF_A_PERSON[split]))
        jobs += [(source, folder / split / f"{Path(source).stem}.npz", groups) for source, groups in sources]
    jobs = [job for job in jobs if not job[1].exists()]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for _ in tqdm(pool.map(_make_clip, jobs), total=len(jobs), desc="pairs", unit="clip"):
            pass


def _make_clip(job: tuple[str, Path, int]) -> None:
    source, file, groups = job
    torch.set_num_threads(1)
    teacher = Lpips(net="squeeze")
    clip: Clip = load_clips(source)[0]
    rng = np.random.default_rng(list(Path(source).stem.encode()))
    start = int(rng.integers(max(1, len(clip.video) - FRAMES)))
    frames = list(clip.video[start : start + FRAMES])
    coded = coded_videos(frames, rng)
    pictures, kinds, cells = [], [], []
    for _ in range(groups):
        group = _group(frames, coded, rng)
        pictures.append([pixels for _, pixels in group])
        kinds.append([KINDS.index(kind) for kind, _ in group])
        cells.append(teacher_cells(teacher, pictures[-1]))
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npz")
    np.savez(part, pictures=np.array(pictures), kinds=np.array(kinds, np.uint8), cells=np.array(cells))
    part.rename(file)


def _group(
    frames: list[NDArray[np.uint8]], coded: list[tuple[str, Video]], rng: Generator
) -> list[tuple[str, NDArray[np.uint8]]]:
    """A clean frame and five pictures that could be on the screen in its stead."""
    now = int(rng.integers(len(frames)))
    shares = np.array(list(SHARES.values()))
    group = [("clean", frames[now])]
    while len(group) < GROUP:
        kind = str(rng.choice(list(SHARES), p=shares / shares.sum()))
        then = _earlier(now, rng) if kind in ("freeze", "patch") or rng.random() < 0.35 else now
        if kind == "freeze":
            picture = frames[then]
        elif kind == "patch":
            picture = patch(frames[now], frames[then], rng)
        elif kind in SYNTHETIC:
            picture = SYNTHETIC[kind](frames[now], rng)
        else:
            picture = _coded_picture([video for name, video in coded if name == kind], then, rng)
        if picture is not None:
            group.append((kind, picture))
    return group


def _earlier(now: int, rng: Generator) -> int:
    """A frame before this one, all scales of lag alike; the first frame has only itself."""
    return now - int(np.exp(rng.uniform(0, np.log(now + 1)))) if now else 0


def _coded_picture(videos: list[Video], frame: int, rng: Generator) -> NDArray[np.uint8] | None:
    videos = [video for video in videos if frame in video]
    return videos[rng.integers(len(videos))][frame] if videos else None


def teacher_cells(teacher: Lpips, pictures: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Local LPIPS of all pairs of a group; the mean over cells is LPIPS.

    Args:
        pictures: GROUP uint8 [height, width, 3].
    Returns:
        float32 [pairs, CELLS, CELLS], pairs in the order of `PAIRS`.
    """
    with torch.inference_mode():
        layers = zip(*(teacher.maps(torch.from_numpy(np.array(p))[None]) for p in pictures), strict=True)
        total = torch.zeros(len(PAIRS), CELLS, CELLS)
        for maps in layers:
            rows, columns = (_areas(n) for n in maps[0].shape[2:])
            for pair, (i, j) in enumerate(PAIRS):
                total[pair] += rows @ (maps[i] - maps[j])[0].square_().sum(dim=0) @ columns.T
    return total.numpy()


def _areas(positions: int) -> torch.Tensor:
    """float32 [CELLS, positions]: means over CELLS equal stretches of a line of positions."""
    edges = torch.linspace(0, positions, CELLS + 1)
    start = torch.arange(positions)[None]
    overlap = torch.minimum(edges[1:, None], start + 1) - torch.maximum(edges[:-1, None], start)
    return overlap.clamp_(min=0) * (CELLS / positions)
