"""The notebooks run from their first cell to their last, and hold no output of an earlier run."""

from __future__ import annotations

from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

NOTEBOOKS = sorted((Path(__file__).parents[2] / "experiments" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}, timeout=300).execute()
    kinds = {
        kind for cell in notebook.cells for one in cell.get("outputs", ()) for kind in one.get("data", {})
    }
    assert {"image/png", "text/html"} <= kinds
    text = "".join(
        one.get("text", "") + str(one.get("data", {}).get("text/html", ""))
        for cell in notebook.cells
        for one in cell.get("outputs", ())
    )
    assert "<audio" in text
    assert "shown: " in text
    assert "packets lost" in text
    assert "(lost)" in text


def test_there_is_a_notebook():
    assert [path.name for path in NOTEBOOKS] == ["sweep.ipynb"]
