"""A clip built once into the user's cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from platformdirs import user_cache_dir

from lossweep.endpoints.clip import Clip, Word

_BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


def folder() -> Path:
    """Where clips are kept: `$LOSSWEEP_CACHE`, or the user's cache folder of lossweep."""
    return Path(os.environ.get("LOSSWEEP_CACHE") or user_cache_dir("lossweep")) / "clips"


def cached(name: str, ingredients: list[bytes], build: Callable[[], Clip]) -> Clip:
    """The clip kept under `name` and these ingredients, built first if there is none.

    The file is written whole or not at all; one that cannot be read is built again; where the folder cannot
    be written, the clip is built each time.

    Args:
        name: of the clip.
        ingredients: all that the clip depends on.
        build: makes the clip.
    """
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in ingredients)).hexdigest()[:16]
    path = folder() / f"{name}-{digest}.npz"
    try:
        return _read(path)
    except _BROKEN:
        clip = build()
    with contextlib.suppress(OSError):
        _write(path, clip)
    return clip


def _read(path: Path) -> Clip:
    with np.load(path, allow_pickle=False) as file:
        times = file["word_times_s"].tolist()
        texts = file["word_texts"].tolist()
        words = tuple(Word(text, start, end) for text, (start, end) in zip(texts, times, strict=True))
        return Clip(
            str(file["name"]), file["video"], float(file["fps"]), file["speech"], words, str(file["source"])
        )


def _write(path: Path, clip: Clip) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(
                file,
                name=clip.name,
                video=np.asarray(clip.video),
                fps=clip.fps,
                speech=np.asarray(clip.speech),
                word_texts=np.array([w.text for w in clip.words or ()]),
                word_times_s=np.array([(w.start_s, w.end_s) for w in clip.words or ()], dtype=np.float64),
                source=clip.source,
            )
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
