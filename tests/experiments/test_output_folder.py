"""A run that fails before its first cell says one line and leaves no folder."""

import sys

import pytest
import yaml

from lossweep.experiments.cli import main
from lossweep.experiments.output_folder import output_folder

SCENARIO = {
    "name": "tiny",
    "clip": {"source": "portrait", "seconds": 0.2},
    "endpoint": {"name": "h264", "quantizer": 45, "gop": 5},
    "channel": {"name": "bernoulli", "loss_rate": 0},
    "metrics": ["psnr"],
    "plot": {"x": "loss_rate", "y": ["psnr"]},
}


def _run(folder, out, *more, **changes):
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(SCENARIO | changes))
    return main(["run", str(path), "--out", str(out), "--workers", "1", "--device", "cpu", *more])


def test_without_ray_there_is_one_line_and_no_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # importing it fails
    assert _run(tmp_path, tmp_path / "new" / "out", "--engine", "ray") == 2
    said = capsys.readouterr().err.strip()
    assert said == "lossweep: --engine ray needs Ray, which is not installed: pip install 'lossweep[cluster]'"
    assert [entry.name for entry in tmp_path.iterdir()] == ["tiny.yaml"]


def test_a_clip_that_is_not_there_leaves_no_folder(tmp_path):
    assert _run(tmp_path, tmp_path / "out", clip=str(tmp_path / "none.mp4")) == 2
    assert not (tmp_path / "out").exists()


def test_of_a_folder_that_was_there_only_new_files_are_removed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert _run(tmp_path, tmp_path / "out", "--engine", "ray") == 2
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["notes.txt"]


def test_a_folder_with_cells_stays_as_it_is(tmp_path, monkeypatch):
    assert _run(tmp_path, tmp_path / "out") == 0
    before = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    monkeypatch.setitem(sys.modules, "ray", None)
    assert _run(tmp_path, tmp_path / "out", "--engine", "ray") == 2
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}.keys() == before.keys()


def test_what_was_kept_before_an_error_stays(tmp_path):
    def note_and_fail():
        with output_folder(tmp_path / "out") as store:
            store.note("made by", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        note_and_fail()
    assert (tmp_path / "out" / "cells.sqlite").exists()
