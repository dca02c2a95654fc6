"""The card of the shipped expert: what it was made of and what was measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from lossweep.endpoints.clip import Clip
from lossweep.experiments.clips.portrait import portrait
from lossweep.experiments.metrics.lip_sync.lossweep_sync import SHIPPED, Own
from lossweep.experiments.metrics.lip_sync.network import MEMBERS
from lossweep.experiments.metrics.metric import Picture
from lossweep.experiments.training.lip_sync.augmentation import HEARINGS, LOOKS
from lossweep.experiments.training.lip_sync.dataset import SENTENCES, Example, examples
from lossweep.experiments.training.lip_sync.evaluation import (
    Numbers,
    confidences,
    found,
    interval,
    whole_clip_offset,
)
from lossweep.experiments.training.lip_sync.robustness import symptoms


def write(data: Path, work: Path) -> None:
    """Measures, and writes CARD.md beside the weights.

    Args:
        data: folder with clips/.
        work: of the training, with its features and rounds.
    """
    expert = Own()
    every = examples(data, work / "features", expert.network)
    held_out = [_numbers(expert, one) for one in every if one.held_out]
    built_in = portrait()
    clips = [one for one in every if not one.held_out]
    late = json.loads(max((work).glob("round-*.json")).read_text())
    shown = symptoms(data, sorted({one.identity: one.name for one in held_out}.values()), built_in)
    text = TEXT.format(
        label=expert.label,
        parameters=sum(value.numel() for value in expert.network.state_dict().values()),
        size=SHIPPED.stat().st_size / 1e6,
        clips=len([one for one in clips if one.name in late]) - len(SENTENCES),
        people=len({one.identity for one in clips}) - 1,
        minutes=sum(len(one) for one in clips) / 1500,
        sentences=len(SENTENCES),
        looks=LOOKS,
        hearings=HEARINGS,
        members=MEMBERS,
        late=", ".join(f"{name.split('_')[0]} {value:+d}" for name, value in late.items() if value),
        held=len(held_out),
        held_people=len({one.identity for one in held_out}),
        held_late=", ".join(f"{one.name.split('_')[0]} {whole_clip_offset(one):+d}" for one in held_out),
        held_s=sum(len(one.seen) for one in held_out) / 25,
        offsets=_offsets(held_out, _built_in(expert, built_in)),
        confidence=_confidence(held_out, _built_in(expert, built_in)),
        symptoms=shown,
    )
    SHIPPED.with_name("CARD.md").write_text(text)
    print(text)


def _numbers(expert: Own, one: Example) -> Numbers:
    with torch.inference_mode():
        seen = expert.network.seen(*map(torch.from_numpy, one.seen[:2])).numpy()
        heard = expert.network.heard(torch.from_numpy(one.heard[0])).numpy()
    return Numbers(one.name, one.identity, seen, heard)


def _built_in(expert: Own, clip: Clip) -> Numbers:
    digests = tuple(Picture.of(picture).digest for picture in clip.video)
    seen = expert.seen(clip.video, digests, expert.usual(clip.video))
    return Numbers(clip.name, clip.name, seen, expert.heard(clip.speech))


def _offsets(held_out: Sequence[Numbers], built_in: Numbers) -> str:
    lines = ["| clips | counted from | windows | found within 1 frame | 95 % |", "|---|---|---|---|---|"]
    by_person = {one.identity: [] for one in held_out}
    for put_right in (True, False):
        origin = "the clip's own offset" if put_right else "0"
        hits = [found(one, put_right) for one in held_out]
        mean, low, high = interval(hits)
        lines.append(
            f"| {len([h for h in hits if len(h)])} held out | {origin} | {sum(map(len, hits)) // 21} | "
            f"{mean:.1%} | {low:.1%} to {high:.1%} |"
        )
        if put_right:
            for one, hit in zip(held_out, hits, strict=True):
                by_person[one.identity].append(hit)
        hit = found(built_in, put_right)
        lines.append(f"| built-in | {origin} | {len(hit) // 21} | {hit.mean():.1%} | |")
    persons = {
        name: np.concatenate(parts).mean() for name, parts in by_person.items() if len(np.concatenate(parts))
    }
    each = ", ".join(f"{name} {value:.0%}" for name, value in persons.items())
    mean = np.mean(list(persons.values()))
    return "\n".join(lines) + f"\n\nBy person, from the clip's own offset: {each}; mean {mean:.1%}."


def _confidence(held_out: Sequence[Numbers], built_in: Numbers) -> str:
    own, others = confidences([*held_out, built_in])
    true, false = interval([np.array([value]) for value in own[:-1]]), interval(others[:-1])
    above = np.mean([(value > other).mean() for value, other in zip(own[:-1], others[:-1], strict=True)])
    return (
        f"Held out: {true[0]:.3f} ({true[1]:.3f} to {true[2]:.3f}) with their own sound, {false[0]:.3f} "
        f"({false[1]:.3f} to {false[2]:.3f}) with the sound of other people's clips; own above other in {above:.1%} "
        f"of pairs. Built-in clip: {own[-1]:.3f} and {others[-1].mean():.3f}, own above other in "
        f"{(own[-1] > others[-1]).mean():.1%}."
    )


TEXT = """# {label}

The shipped expert of `lip_sync`. It is not SyncNet: its distances (0 to 2) stand beside no published LSE-D or LSE-C.
Written by `python -m lossweep.experiments.training.lip_sync.evaluation --data DIR` after
`python -m lossweep.experiments.training.lip_sync.train --data DIR`.

* Network: the picture and sound encoders of LR-ASD (MIT licence; Liao et al. 2025; learned on AVA films) as they are
  published, not trained further; thirteen distances within the mouth from the landmarks of SyncSC's extractor;
  {members} pairs of small towers. {parameters:,} numbers, {size:.1f} MB as float16.
* Trained on {clips} clips of {people} people (the talking-face clips of the project's data folder that have speech,
  all languages; not redistributed) and {sentences} synthetic ones: the built-in face, drawn, says sentences in other
  voices of espeak-ng. {minutes:.1f} minutes in all. Pictures in {looks} versions (mirrored, moved, darker, blurred,
  noisy), sound in {hearings} (loudness, bands, noise, coarse samples).
* Clips from the web are not in sync themselves: in three rounds towers that had not heard a clip's person found its
  own offset, and the clip was put right by it before training. Frames by which sound is late, of clips that were not
  at 0: {late}.
* Landmarks come from the shipped extractor, whose training saw the training people, not those held out.

## Offset

{held} clips of {held_people} people whom no training saw ({held_s:.0f} s). Windows of 2 s of pictures, sound moved
by -10 to +10 frames, offsets of -15 to 15 tried, the sound around the window used; chance is 10 %.

Two ways to count. "From 0" takes each file for in sync as it is. "From the clip's own offset" counts from what the
clip's other windows say (at least 0.4 s from the window; clips of 3 s are too short for that and left out); it is a
milder question, put because the files seem not to be in sync: over whole clips held out, this expert finds the sound
late by {held_late} frames, and clips of one source agree. Nobody has measured the true offsets. LSE-D and LSE-C hardly
depend on a constant offset. Intervals: bootstrap over clips.

{offsets}

## LSE-C of clips with their own and with other sound (mean, 95 % by bootstrap over clips)

{confidence}

## What it says of damaged clips

Means over one clip of each person held out, and the built-in clip. Lower LSE-D and higher LSE-C are better.

{symptoms}
"""
