"""Weights of the distance of two pictures, and LPIPS by the turn of the head.

`python results/references/distance.py DATA` reads one clip of every twelfth person who trained, 4 s each. The generator
draws each of 6 pictures of a clip from each other one. LPIPS of a picture and of its mouth, averaged, is fitted by
`person + scale * sqrt(turn^2 + sum of (weight * difference)^2)`, least squares. A second table has LPIPS of the people
who were held out, by the turn between the two pictures.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from scipy.optimize import least_squares

from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.syncsc.endpoint import SyncSCEndpoint, SyncSCParams
from lossweep.endpoints.syncsc.face_model import CROP, EYES, MOUTH, FaceModel, mouth_opening
from lossweep.endpoints.syncsc.generator.generator import Generator
from lossweep.endpoints.syncsc.references import facing, turns
from lossweep.experiments.clips import load_clips
from lossweep.experiments.metrics.lpips.metric import Lpips
from lossweep.experiments.metrics.metric import Picture
from lossweep.experiments.training.face.split import Person, clips_folder, everyone

EVERY, PICTURES, MOUTH_SIDE = 12, 6, 64
TURNS = (0, 5, 10, 15, 20, 25, 30, 40, 60, 180)


def main(data: Path) -> None:
    """Prints both tables."""
    torch.set_num_threads(1)
    known = everyone(data)
    train = {p.identity: p for p in reversed(known) if not p.held_out}
    fit(measure(data, [train[name] for name in sorted(train)[::EVERY]]))
    held_out = {p.identity: p for p in reversed(known) if p.held_out}
    by_turn(measure(data, list(held_out.values())))


def measure(data: Path, people: list[Person]) -> pd.DataFrame:
    """One row per ordered pair of pictures of a clip."""
    rows = [row for person in people for row in pairs(clips_folder(data) / person.file)]
    return pd.DataFrame(rows)


def pairs(file: Path) -> Iterator[dict[str, float | str]]:
    """Differences of the two pictures, LPIPS of what is drawn of one from the other, and of that one itself."""
    (clip,) = load_clips(str(file), seconds=4.0, size=256)
    assert clip.video is not None
    endpoint = SyncSCEndpoint(SyncSCParams(faces="largest"), NoCode())
    session, sent = (encoded := endpoint.encode(clip)).session, encoded.truth.semantics
    assert sent is not None
    at = np.linspace(0, len(sent) - 1, PICTURES).astype(int)
    identity = np.array(session.references[0].identity)
    c = SyncSCEndpoint.scaling().coefficients(sent[at]).astype(float)
    points = FaceModel.load().landmarks(identity, c)
    opening, lpips = mouth_opening(points), Lpips("cpu")
    pictures = [Picture.of(clip.video[i]) for i in at]
    mouths = [mouth(picture.pixels, p) for picture, p in zip(pictures, points, strict=True)]
    for a in range(PICTURES):
        drawn = Generator.load().draw(pictures[a].pixels, c[a], identity, c)
        whole = lpips.scores([(Picture.of(d), p) for d, p in zip(drawn, pictures, strict=True)])
        cut = [mouth(d, p) for d, p in zip(drawn, points, strict=True)]
        lips = lpips.scores(list(zip(cut, mouths, strict=True)))
        frozen = lpips.scores([(pictures[a], p) for p in pictures])
        for b in set(range(PICTURES)) - {a}:
            yield {
                "clip": file.stem,
                "turn": float(np.linalg.norm(facing(c[a]) - facing(c[b]))),
                "degrees": float(turns(c[b], c[a])),
                "shift": float(np.linalg.norm((c[a] - c[b])[CROP][:2])),
                "mouth": float(abs(opening[a] - opening[b])),
                "eyes": float(abs((c[a] - c[b])[EYES][0])),
                "lpips": whole[b],
                "mouth_lpips": lips[b],
                "frozen": frozen[b],
            }


def mouth(pixels: np.ndarray, points: np.ndarray) -> Picture:
    """The square around the mouth, 1.5 times as wide, scaled to 64 x 64."""
    lips = points[list(MOUTH), :2]
    middle, half = lips.mean(0), 0.75 * np.ptp(lips[:, 0])
    box = tuple(np.clip([*(middle - half), *(middle + half)], 0, 256))
    square = Image.fromarray(pixels).resize((MOUTH_SIDE, MOUTH_SIDE), Image.Resampling.BILINEAR, box=box)
    return Picture.of(np.asarray(square))


def fit(table: pd.DataFrame) -> None:
    """Prints the weights, relative to the turn's, and the variance within a person that they explain."""
    names = ["turn", "shift", "mouth", "eyes"]
    person = table["clip"].astype("category").cat.codes.to_numpy()
    wanted = table[["lpips", "mouth_lpips"]].mean(axis=1).to_numpy()
    parts = table[names].to_numpy()

    def left(x: np.ndarray) -> np.ndarray:
        apart = np.sqrt(((parts * x[: len(names)]) ** 2).sum(1) + 1e-6)
        return x[len(names) :][person] + apart - wanted

    found = least_squares(left, np.r_[np.full(len(names), 0.1), np.full(person.max() + 1, 0.01)])
    scale = np.abs(found.x[: len(names)])
    around = wanted - table.assign(wanted=wanted).groupby("clip")["wanted"].transform("mean")
    print(f"{person.max() + 1} people, {len(table)} pairs; scale {scale[0]:.3f} per radian")
    print(", ".join(f"{name} {value:.2f}" for name, value in zip(names, scale / scale[0], strict=True)))
    print(f"explains {1 - found.fun.var() / around.var():.0%} of the variance within a person\n")


def by_turn(table: pd.DataFrame) -> None:
    """Prints LPIPS by the turn between the two pictures."""
    table["bin"] = pd.cut(table["degrees"], TURNS, right=False)
    table["worse"] = table["lpips"] > table["frozen"]
    print("| turn, degrees | pairs | people | LPIPS, generator | 90 % below | the other picture | worse |")
    print("|---|---|---|---|---|---|---|")
    for turn, rows in table.groupby("bin", observed=True):
        print(
            f"| {turn.left} to {turn.right} | {len(rows)} | {rows['clip'].nunique()} | {rows['lpips'].mean():.3f} | "
            f"{rows['lpips'].quantile(0.9):.3f} | {rows['frozen'].mean():.3f} | {rows['worse'].mean():.0%} |"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
