"""A sweep gives the same table however it is run, and loses nothing when it is stopped."""

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import yaml

from lossweep.experiments.check import check
from lossweep.experiments.cli import main
from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.metrics.freezes import freezes

SCENARIO = {
    "name": "small",
    "seed": 5,
    "repetitions": 3,
    "clip": {"source": "portrait", "seconds": 0.64},
    "endpoint": [
        {"name": "h264", "quantizer": 45, "gop": 8, "packetization": "object"},
        {"name": "h265", "quantizer": 45, "gop": 8, "packetization": "rtp"},
    ],
    "code": ["none", {"name": "rs", "code_rate": 0.5}],
    "channel": {"name": "bernoulli", "loss_rate": [0, 0.2]},
    "path": {"jitter_s": 0},
    "metrics": ["psnr", "ssim"],
    "plot": {"x": "loss_rate", "y": ["ssim", "post_repair_loss"]},
}
COLUMNS = ("ssim", "psnr", "wire_bps", "post_repair_loss")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The scenario file, and a folder in which it was run by two workers."""
    folder = tmp_path_factory.mktemp("run")
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(SCENARIO))
    assert main(["run", str(path), "--out", str(folder / "two"), "--workers", "2", "--device", "cpu"]) == 0
    return path, folder / "two"


def _run(path, out, *more):
    return main(["run", str(path), "--out", str(out), "--workers", "1", "--device", "cpu", *more])


def test_one_process_without_workers_gives_the_same_table(finished):
    table = pd.read_parquet(finished[1] / "table.parquet")
    evaluator = Evaluator(SCENARIO["metrics"])
    rows = [evaluator.evaluate(cell).row for cell in check(SCENARIO).cells()]
    assert table["cell"].tolist() == [row["cell"] for row in rows]
    for column in COLUMNS:
        assert table[column].tolist() == [row[column] for row in rows]


def test_a_killed_sweep_resumes_to_the_same_table(finished, tmp_path):
    path, whole = finished
    out = tmp_path / "killed"
    process = _started(path, out)
    process.kill()
    process.communicate()
    assert _run(path, out) == 0
    assert (out / "table.csv").read_bytes() == (whole / "table.csv").read_bytes()


def test_a_terminated_sweep_writes_its_tables_as_an_interrupted_one(finished, tmp_path):
    path, whole = finished
    out = tmp_path / "terminated"
    process = _started(path, out)
    os.kill(process.pid, signal.SIGTERM)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert "of 24 cells are in the tables; run the same command again to resume" in said
    assert 1 <= len(pd.read_parquet(out / "table.parquet")) < 24
    assert _run(path, out) == 0
    assert (out / "table.csv").read_bytes() == (whole / "table.csv").read_bytes()


def _started(path, out):
    """A process that runs the scenario, when it has stored its first cell."""
    command = [sys.executable, "-m", "lossweep.experiments.cli", "run", str(path), "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--workers", "1"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline and not _rows(out):
        time.sleep(0.02)
    return process


def _rows(out):
    import sqlite3

    try:
        with sqlite3.connect(f"file:{out}/cells.sqlite?mode=ro", uri=True) as db:
            return db.execute("SELECT COUNT(*) FROM cells").fetchone()[0]
    except sqlite3.Error:
        return 0


def test_a_changed_scenario_is_refused_unless_accepted(finished, tmp_path, capsys):
    _, out = finished
    changed = tmp_path / "changed.yaml"
    changed.write_text(yaml.safe_dump(SCENARIO | {"seed": 6}))
    before = (out / "table.csv").read_bytes()
    assert _run(changed, out) == 1
    assert "--accept-changes" in capsys.readouterr().err
    assert (out / "table.csv").read_bytes() == before


def test_the_table_follows_the_laws_of_loss_and_repair(finished):
    _, out = finished
    table = pd.read_parquet(out / "table.parquet")
    clean = table[table["loss_rate"] == 0]
    assert (clean["post_repair_loss"] == 0).all()
    assert (clean["freeze_count"] == 0).all()
    assert (table["post_repair_loss"] <= table["realised_loss"] + 0.35).all()
    paired = table.pivot_table(index=["repetition", "codec"], columns=["loss_rate", "code"], values="ssim")
    assert (paired[(0.2, "rs")] >= paired[(0.2, "none")]).all()
    assert (paired[(0.0, "rs")] == paired[(0.0, "none")]).all()
    frames = pd.read_parquet(out / "frames.parquet")
    means = frames.groupby("cell")["ssim"].mean()
    assert means[table["cell"]].to_numpy() == pytest.approx(table["ssim"].to_numpy())


def test_the_manifest_names_what_made_the_result_and_no_folder_of_the_machine(finished):
    path, out = finished
    text = (out / "manifest.json").read_text()
    manifest = json.loads(text)
    assert {"scenario", "versions", "git_commit", "sources", "clips", "metrics", "columns", "absent"} <= set(
        manifest
    )
    for folder in (str(path.parent), os.path.expanduser("~/"), sys.prefix, os.getcwd()):
        assert folder not in text
    table = pd.read_parquet(out / "table.parquet")
    assert {column["name"] for column in manifest["columns"]} == set(table.columns)
    assert manifest["cells_finished"] == len(table)


def test_plots_and_report_are_made_from_the_folder_alone(finished):
    _, out = finished
    assert main(["plot", str(out)]) == 0
    assert main(["report", str(out)]) == 0
    for suffix in ("png", "pdf", "csv", "txt"):
        assert (out / "plots" / f"ssim.{suffix}").stat().st_size > 0
    page = (out / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert page.split('<script id="data"')[0].count("data:image/jpeg") == 6 * (1 + 4)
    points = pd.read_csv(out / "plots" / "post_repair_loss.csv")
    table = pd.read_parquet(out / "table.parquet")
    one = table[(table["endpoint"] == "h264-none") & (table["loss_rate"] == 0.2)]["post_repair_loss"]
    drawn = points[(points["endpoint"] == "h264-none") & (points["loss_rate"] == 0.2)].iloc[0]
    assert drawn["mean"] == pytest.approx(one.mean())
    assert drawn["lower"] < drawn["mean"] < drawn["upper"]


def test_scores_are_asked_once_for_the_same_pictures():
    evaluator = Evaluator(["ssim"])
    cells = [c for c in check(SCENARIO).cells() if c.channel.options["loss_rate"] == 0]
    for cell in cells:
        evaluator.evaluate(cell)
    assert evaluator.scores.asked == len(cells) * 16
    assert evaluator.scores.scored == 2 * 16


def test_freezes_agree_with_the_outcomes_of_a_cell():
    cell = next(c for c in check(SCENARIO).cells() if c.channel.options["loss_rate"] == 0.2)
    evaluator = Evaluator(["psnr"])
    clip, playback = evaluator.restore(cell)
    row = evaluator.evaluate(cell).row
    outcomes = playback.outcomes(len(clip.video))
    assert row["frames_dropped"] == sum(o in ("frozen", "grey") for o in outcomes)
    assert row["freeze_count"] == freezes(outcomes, clip.fps)["freeze_count"]
    assert row["cell"] == cell.id
