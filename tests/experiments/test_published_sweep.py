"""A folder with the table, the manifest and nothing else, as in `results/`: it is complete, and its cells are shown."""

from __future__ import annotations

import json
import shutil
from http import HTTPStatus

import pandas as pd
import pytest
from sweeps import small_sweep

from lossweep.experiments.cli import main
from lossweep.experiments.published_sweep import is_published, other_version
from lossweep.experiments.recompute import cell_of, replay
from lossweep.experiments.serve import Pages
from lossweep.experiments.status import Status, status
from lossweep.experiments.store import StoreError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return small_sweep(tmp_path_factory.mktemp("kept"), "kept")


@pytest.fixture
def published(whole, tmp_path):
    for name in ("table.csv", "manifest.json"):
        shutil.copy(whole / name, tmp_path / name)
    return tmp_path


def _manifest(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_it_is_complete(whole, published, capsys):
    assert is_published(published)
    assert not is_published(whole)
    assert status(published) == Status("kept", 6, 6, 0, None, False)
    assert main(["status", str(published)]) == 0
    assert capsys.readouterr().out == "kept: 6 of 6 cells, complete\n"


def test_its_cells_are_those_of_the_store(whole, published):
    for name in pd.read_csv(published / "table.csv")["cell"]:
        assert cell_of(name, published) == cell_of(name, whole)
    delivery, kept = replay(name, published).delivery, replay(name, whole).delivery
    assert (delivery.usable == kept.usable).all()


def test_its_page_holds_cells_and_its_server_shows_them(published):
    assert main(["report", str(published)]) == 0
    name = pd.read_csv(published / "table.csv")["cell"][0]
    assert f'"{name}":{{"cell"' in (published / "report.html").read_text()
    pages = Pages(published)
    code, _, page = pages.answer("/")
    assert (code, "6 of 6 cells, complete" in page) == (HTTPStatus.OK, True)
    code, _, text = pages.answer(f"/cell/{name}.json")
    assert code == HTTPStatus.OK
    assert json.loads(text)["view"]["cell"] == name


def test_a_clip_that_is_not_here_is_one_line_and_leaves_the_figures(published):
    _manifest(published, lambda manifest: manifest["scenario"].update(clip={"source": "talk.mp4"}))
    name = pd.read_csv(published / "table.csv")["cell"][0]
    with pytest.raises(StoreError, match="no such clip") as raised:
        cell_of(name, published)
    assert "\n" not in str(raised.value)
    assert main(["report", str(published)]) == 0
    page = (published / "report.html").read_text()
    assert "no such clip" in page
    assert 'class="figure"' in page


def test_another_scenario_has_no_such_cell(published):
    _manifest(published, lambda manifest: manifest["scenario"].update(seed=99))
    with pytest.raises(StoreError, match="run it again"):
        cell_of(pd.read_csv(published / "table.csv")["cell"][0], published)


def test_the_page_says_where_the_table_is_of_other_code(whole, published):
    assert other_version(published) == other_version(whole) == ""
    _manifest(published, lambda manifest: manifest.update(sources="0"))
    assert "computed now, by this version" in other_version(published)
