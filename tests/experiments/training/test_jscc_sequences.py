"""A scene either trains or validates."""

import numpy as np
import pytest

pytest.importorskip("torch")

from lossweep.experiments.training.jscc.sequences import EVERY, natural_clips


@pytest.fixture
def folder(tmp_path):
    for i in range(20):
        (tmp_path / f"{i:02}.mp4").touch()
    return tmp_path


def test_every_eighth_clip_validates(folder):
    held_out = [held for _, held in natural_clips(folder)]
    assert np.flatnonzero(held_out).tolist() == list(range(0, 20, EVERY))


def test_a_second_clip_of_a_scene_is_on_the_side_of_the_first(folder):
    notes = {
        "08": "short; same scene as 03",
        "05": "same scene as 16",
        "09": "same scene as 99",
        "10": "animated",
    }
    rows = [f"{name}.mp4,{note}" for name, note in notes.items()]
    (folder / "manifest.csv").write_text("\n".join(["file,note", *rows]))
    held_out = {path.stem: held for path, held in natural_clips(folder)}
    assert {name for name, held in held_out.items() if held} == {"00", "05", "16"}
