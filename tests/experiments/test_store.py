"""An output folder keeps what is valid, says what is not, and belongs to one process at a time."""

import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from lossweep.experiments.check import check
from lossweep.experiments.export import export
from lossweep.experiments.run import Settings, run_scenario
from lossweep.experiments.store import Store, StoreError

SCENARIO = {
    "name": "tiny",
    "repetitions": 2,
    "clip": {"source": "portrait", "seconds": 0.32},
    "endpoint": {"name": "h264", "quantizer": 45, "gop": 4},
    "channel": {"name": "bernoulli", "loss_rate": [0, 0.5]},
    "metrics": ["psnr"],
}
HERE = Settings(workers=0)
ACCEPT = Settings(workers=0, accept_changes=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("store") / "out"
    assert run_scenario(check(SCENARIO), out, HERE) == 0
    return out


@pytest.fixture
def out(finished, tmp_path):
    """A copy of the finished folder."""
    return shutil.copytree(finished, tmp_path / "out")


def _run(change, out, settings=HERE):
    assert run_scenario(check(SCENARIO | change), out, settings) == 0
    return pd.read_csv(out / "table.csv"), json.loads((out / "manifest.json").read_text())


def test_more_of_the_same_scenario_needs_no_leave(out):
    before = pd.read_csv(out / "table.csv")
    table, manifest = _run({"repetitions": 3}, out)
    assert manifest["cells_of_this_run"] == 2
    both = before.merge(table, on=list(before.columns))
    assert len(both) == len(before)


def test_a_metric_that_is_added_is_measured_and_nothing_else(out, capsys):
    before = pd.read_csv(out / "table.csv")
    with pytest.raises(
        StoreError, match=r"0 of its cells stay valid, 4 are only measured again \(ssim\), 0 are computed"
    ):
        _run({"metrics": ["psnr", "ssim"]}, out)
    store = Store(out)
    row = {**next(store.rows())[1], "psnr": -1.0}
    with store._db:
        store._db.execute("UPDATE cells SET row = ? WHERE id = ?", (json.dumps(row), row["cell"]))
    store.close()
    table, _ = _run({"metrics": ["psnr", "ssim"]}, out, ACCEPT)
    assert table["ssim"].notna().all()
    assert (table["psnr"] == -1).sum() == 1
    frames = pd.read_parquet(out / "frames.parquet")
    assert frames[["psnr", "ssim"]].notna().all(axis=None)
    dropped, _ = _run({"metrics": ["ssim"]}, out)
    assert "psnr" not in dropped
    assert len(dropped) == len(before)


def test_cells_of_other_code_are_computed_anew_and_no_table_mixes_them(out, monkeypatch, capsys):
    from lossweep.experiments import fingerprint

    monkeypatch.setattr(fingerprint, "sources_hash", lambda: "other")
    with pytest.raises(StoreError, match="differ in lossweep's code"):
        _run({}, out)
    before = (out / "table.csv").read_bytes()
    from lossweep.experiments.evaluator import Evaluator
    from lossweep.experiments.run import Stopped

    def interrupt(self, cell, only=None):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "evaluate", interrupt)
        with pytest.raises(Stopped, match="still the old ones"):
            run_scenario(check(SCENARIO), out, ACCEPT)
    assert (out / "table.csv").read_bytes() == before
    _, manifest = _run({}, out, ACCEPT)
    assert manifest["cells_of_this_run"] == 4


def test_adding_an_endpoint_keeps_the_others(out):
    table, manifest = _run(
        {"endpoint": [SCENARIO["endpoint"], {"name": "h265", "quantizer": 45, "gop": 4}]}, out
    )
    assert manifest["cells_of_this_run"] == 4
    assert len(table) == 8


def test_another_scenario_leaves_no_cells_behind(out):
    with pytest.raises(StoreError, match="differ in scenario"):
        _run({"seed": 7}, out)
    table, _ = _run({"seed": 7}, out, ACCEPT)
    assert table["seed"].unique().tolist() == [7]
    assert set(pd.read_parquet(out / "frames.parquet")["cell"]) == set(table["cell"])
    store = Store(out)
    assert set(store.stored()) == set(table["cell"])
    store.close()
    _run({"seed": 7}, out)


def test_a_folder_is_written_by_one_process_and_free_when_it_ends(out):
    script = (
        "import sys, time; from pathlib import Path; from lossweep.experiments.store import Store;"
        "store = Store(Path(sys.argv[1])); print('locked', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(out)], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"locked\n"
        with pytest.raises(StoreError, match=f"process {process.pid}"):
            Store(out)
        Store(out, writing=False).close()
    finally:
        process.kill()
        process.wait()
    Store(out).close()


def test_nothing_is_exported_twice(out):
    def times():
        return {
            name: (out / name).stat().st_mtime_ns for name in ("table.csv", "frames.parquet", "table.parquet")
        }

    before = times()
    _run({}, out)
    assert times() == before
    (out / "table.csv").unlink()
    _run({}, out)
    assert times()["frames.parquet"] != before["frames.parquet"]


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\0" + bytes(200)])
def test_a_damaged_store_is_one_line(tmp_path, data):
    (tmp_path / "cells.sqlite").write_bytes(data)
    if not data:
        Store(tmp_path).close()
        return
    with pytest.raises(StoreError) as error:
        Store(tmp_path)
    assert "\n" not in str(error.value)


def test_damaged_pages_are_one_line(out):
    data = bytearray((out / "cells.sqlite").read_bytes())
    data[5000:] = bytes(len(data) - 5000)
    (out / "cells.sqlite").write_bytes(data)
    with pytest.raises(StoreError, match=r"choose another --out"):
        _run({}, out)


def test_a_folder_that_is_deleted_is_noticed_at_the_next_cell(out):
    store = Store(out)
    name, row = next(store.rows())
    shutil.rmtree(out)
    with pytest.raises(StoreError, match="was deleted"):
        store.fail(name, "x")
    assert row["cell"] == name


def test_values_of_words_and_numbers_share_a_column(tmp_path):
    change = {
        "path": {"playout_delay_s": ["auto", 0.3]},
        "repetitions": 1,
        "channel": {"name": "bernoulli", "loss_rate": 0},
    }
    run_scenario(check(SCENARIO | change), tmp_path / "out", HERE)
    assert pd.read_parquet(tmp_path / "out" / "table.parquet")["playout_delay_s"].tolist() == ["auto", "0.3"]


def test_a_sweep_whose_cells_all_failed_has_tables_and_says_so(tmp_path, monkeypatch, capsys):
    from lossweep.experiments.cli import main
    from lossweep.experiments.evaluator import Evaluator

    def fail(self, cell, only=None):
        raise ValueError("nothing works")

    monkeypatch.setattr(Evaluator, "evaluate", fail)
    assert run_scenario(check(SCENARIO), tmp_path / "out", HERE) == 4
    assert main(["report", str(tmp_path / "out")]) == 2
    assert "no cell of" in capsys.readouterr().err
    store = Store(tmp_path / "out")
    assert export(store, list(store.failures()), ["psnr"]) == ["cell", "clip", "endpoint"]
    store.close()
