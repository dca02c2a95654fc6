"""Workers that die, metrics that fail, plug-ins that cannot be imported: each is one line, and the rest is done."""

import json
import os
import signal
import socket
import sys
from itertools import pairwise

import pandas as pd
import pytest

from lossweep.channels.registry import Registry, unknown
from lossweep.experiments import worker
from lossweep.experiments.check import check
from lossweep.experiments.engine import Engine, EngineError, available_cores, groups
from lossweep.experiments.messages import SetUp, Task
from lossweep.experiments.run import Settings, run_scenario
from lossweep.experiments.scenario_file import load

SCENARIO = {
    "name": "tiny",
    "repetitions": 2,
    "clip": {"source": "portrait", "seconds": 0.32},
    "endpoint": {"name": "h264", "quantizer": 45, "gop": 4},
    "channel": {"name": "bernoulli", "loss_rate": [0, 1.0]},
    "metrics": ["psnr"],
}
PLUGIN = '''
"""Metrics that go wrong."""
import os, signal
from lossweep.experiments.metrics.metric import ClipMetric


class Killer(ClipMetric):
    """Kills its process where nothing arrived."""
    name, label, higher_is_better, needs = "killer", "killer", True, "video"

    def score(self, reference, playback, truth):
        if "grey" in playback.outcomes(len(reference.video)):
            os.kill(os.getpid(), signal.SIGSEGV)
        return {"killer": 1.0}


class Failing(ClipMetric):
    """Fails where nothing arrived."""
    name, label, higher_is_better, needs = "failing", "failing", True, "video"
    columns = ("failing", "failing_too")

    def score(self, reference, playback, truth):
        if "grey" in playback.outcomes(len(reference.video)):
            raise RuntimeError("no picture\\nto score")
        return {"failing": 1.0, "failing_too": 2.0}
'''


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """A folder with a third party's distribution: two metrics, and one whose module cannot be imported."""
    folder = tmp_path / "third"
    info = folder / "third-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "third_party_metrics.py").write_text(PLUGIN)
    (folder / "third_party_broken.py").write_text("import no_such_module_here\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[lossweep.metrics]\nkiller = third_party_metrics:Killer\nfailing = third_party_metrics:Failing\n"
        "[lossweep.codes]\nbroken = third_party_broken:Code\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    from lossweep.endpoints.fec.code import CODES
    from lossweep.experiments.metrics.metric import METRICS

    def look_again():
        sys.modules.pop("third_party_metrics", None)
        for registry in (METRICS, CODES):
            for name in ("_plugins", "_targets"):
                registry.__dict__.pop(name, None)

    look_again()
    yield folder
    look_again()


def test_a_death_blames_the_cell_that_was_running(plugins, tmp_path, capsys):
    scenario = check(SCENARIO | {"metrics": ["killer"]})
    assert run_scenario(scenario, tmp_path / "out", Settings(workers=1)) == 2
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert table["loss_rate"].tolist() == [0, 0]
    failures = json.loads((tmp_path / "out" / "failures.json").read_text())
    lossy = {cell.id for cell in scenario.cells() if cell.channel.options["loss_rate"] == 1}
    assert {failure["cell"] for failure in failures} == lossy
    assert all("'killer' (SIGSEGV" in failure["error"] for failure in failures)
    assert capsys.readouterr().err.count("the worker process died") == 1


def test_a_metric_that_fails_gives_nan_and_one_line(plugins, tmp_path, capsys):
    scenario = check(SCENARIO | {"metrics": ["psnr", "failing"]})
    assert run_scenario(scenario, tmp_path / "out", Settings(workers=0)) == 0
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert len(table) == 4
    assert table["psnr"].notna().all()
    lossy = table["loss_rate"] == 1
    assert table.loc[lossy, ["failing", "failing_too"]].isna().all(axis=None)
    assert (table.loc[~lossy, "failing_too"] == 2).all()
    assert (
        capsys.readouterr().err.count("failing could not be measured: RuntimeError: no picture to score\n")
        == 1
    )


def test_a_plugin_that_cannot_be_imported_is_one_line(plugins, capsys):
    from lossweep.experiments.cli import main

    assert main(["list"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "no_such_module_here" in line]
    assert len(lines) == 1
    assert "third 1.0" in lines[0]
    assert main(["list", "killer"]) == 0
    assert main(["run", "smoke", "--out", "x", "--set", "code=broken"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_changed_plugin_is_another_fingerprint(plugins):
    from lossweep.experiments.metrics.metric import METRICS

    before = METRICS.plugin_hash("killer")
    (plugins / "third_party_metrics.py").write_text(PLUGIN + "\n# changed\n")
    assert before != METRICS.plugin_hash("killer") != ""
    assert METRICS.plugin_hash("psnr") == ""


def test_workers_that_die_at_the_start_stop_the_sweep(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    engine = Engine(SetUp((), "cpu"), 1)
    try:
        with pytest.raises(EngineError, match=r"died in stage 'start' .*3 times in a row"):
            engine.run([Task(cell) for cell in check(SCENARIO).cells()], lambda task, outcome: None)
    finally:
        engine.stop()


def test_a_worker_whose_parent_is_killed_while_it_starts_ends_quietly(monkeypatch):
    parents, workers = socket.socketpair()
    monkeypatch.setattr(worker, "_listen", lambda connection, orders: orders.put(SetUp((), "cpu")))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    parents.close()
    assert worker.main(workers.detach()) == 0


def test_tasks_of_a_group_go_network_by_network():
    cells = list(load("smoke").cells())
    found = groups(Task(cell) for cell in cells)
    assert sum(map(len, found)) == len(cells)
    for group in found:
        assert len({task.cell.group_key for task in group}) == 1
        networks = [task.cell.network_key for task in group]
        assert len(set(networks)) == 1 + sum(a != b for a, b in pairwise(networks))


def test_cores_are_those_that_this_process_may_use():
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cores)})
        assert available_cores() == 1
    finally:
        os.sched_setaffinity(0, cores)


def test_a_registry_without_plugins_names_the_nearest():
    registry = Registry("thing", "lossweep.no_such_group", {"alpha": "math:pi", "beta": "math:e"})
    assert registry.get("alpha") > 3
    with pytest.raises(ValueError, match="did you mean 'alpha'"):
        registry.get("alhpa")


@pytest.mark.parametrize("name", ["nosuch", "nope", "xyz"])
def test_a_name_that_is_like_none_is_not_guessed(name):
    assert unknown("scenario", name, ["smoke", "frontier_speech"]) == (
        f"unknown scenario {name!r} (known: smoke, frontier_speech)"
    )


def test_many_names_are_not_listed():
    assert unknown("thing", "nam7", [f"name{i}" for i in range(41)]) == (
        "unknown thing 'nam7'; did you mean 'name7'? (41 names are known)"
    )
