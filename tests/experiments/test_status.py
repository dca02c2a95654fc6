"""How far a sweep is, read from its folder by another process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing

import pytest
from sweeps import small_sweep

from lossweep.experiments.cli import main
from lossweep.experiments.lock import lock
from lossweep.experiments.progress import Progress
from lossweep.experiments.status import MANIFEST, NOTED, Status, is_running, read_sweep, status
from lossweep.experiments.store import Store, StoreError
from lossweep.experiments.sweep import PlotError, Sweep


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return small_sweep(tmp_path_factory.mktemp("status"), "watched")


def test_a_finished_sweep_is_complete(out, capsys):
    assert status(out) == Status("watched", 6, 6, 0, None, False)
    assert main(["status", str(out)]) == 0
    assert capsys.readouterr().out == "watched: 6 of 6 cells, complete\n"


def test_a_folder_without_a_sweep_is_one_line(tmp_path):
    with pytest.raises(StoreError, match="holds no sweep") as raised:
        status(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_sweep_that_has_not_begun_is_not_complete(tmp_path):
    with closing(Store(tmp_path)):
        assert status(tmp_path).text() == f"{tmp_path.name}: starting"
    assert status(tmp_path).text() == f"{tmp_path.name}: no cell was begun; run the same command again"


def test_the_lock_of_another_process_is_seen_and_not_taken(tmp_path):
    assert not is_running(tmp_path)
    held = lock(tmp_path)
    program = (
        "import sys, pathlib; from lossweep.experiments.status import is_running; "
        "sys.exit(3 if is_running(pathlib.Path(sys.argv[1])) else 4)"
    )
    assert subprocess.run([sys.executable, "-c", program, tmp_path], check=False).returncode == 3
    held.close()
    assert not is_running(tmp_path)
    lock(tmp_path).close()


def test_a_running_sweep_has_a_time_left_and_figures(out):
    finished = Sweep.read(out).table
    with closing(Store(out)) as store:
        noted = store.noted(NOTED)
        store.note(NOTED, {**noted, "done": 4, "kept": 2, "started": time.time() - 10})
        now = status(out)
        assert (now.done, now.total, now.running) == (4, 6, True)
        assert now.left_s == pytest.approx(10, abs=1)
        assert now.text() == f"watched: 4 of 6 cells, about {now.left_s:.0f} s left"
        store.note(NOTED, {**noted, "done": 4, "kept": 2, "started": time.time() - 60})
        assert status(out).left_s == pytest.approx(60, abs=1)  # a slow cell does not bring the end nearer
        running = read_sweep(out)
        store.note(NOTED, noted)
    assert set(running.table["cell"]) == set(finished["cell"])
    assert running.table.set_index("cell").loc[finished["cell"], "ssim"].tolist() == finished["ssim"].tolist()
    assert {str(running.label(e)) for e in running.table["endpoint"]} == {"H.264"}


def test_a_sweep_that_was_killed_before_its_tables_is_shown(out, tmp_path):
    with closing(Store(out, writing=False)) as finished, closing(Store(tmp_path)) as store:
        store.note(MANIFEST, finished.noted(MANIFEST))
        with pytest.raises(PlotError, match="no cell"):
            read_sweep(tmp_path)
        store.note(NOTED, {**finished.noted(NOTED), "done": 2})
    assert status(tmp_path).text() == "watched: 2 of 6 cells, not running; run the same command to resume"


def test_progress_is_noted_once_a_second_at_most_and_at_the_end():
    noted = []
    progress = Progress("many", 1000, 0, noted.append)
    for _ in range(1000):
        progress.step()
    progress.close()
    assert noted[0]["done"] == 0
    assert noted[-1]["done"] == 1000
    assert len(noted) < 20
    json.dumps(noted)


def test_a_log_file_has_plain_lines(capsys, monkeypatch):
    monkeypatch.setattr("lossweep.experiments.progress.LINE_EVERY_S", 0.0)
    progress = Progress("many", 4, 1, lambda counts: None)
    for _ in range(3):
        progress.step()
    progress.close()
    lines = capsys.readouterr().err
    assert "\r" not in lines
    assert [line.split(",")[0] for line in lines.splitlines()] == [f"many: {n} of 4 cells" for n in (2, 3, 4)]
