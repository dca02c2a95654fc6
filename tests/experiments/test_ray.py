"""Ray gives the pool's table, bit for bit, also where a worker is killed during the run."""

from __future__ import annotations

import logging
import os
import signal

import pytest
import yaml

from lossweep.experiments.cli import main
from lossweep.experiments.engine import Engine, EngineError
from lossweep.experiments.messages import Failed, SetUp, Task
from lossweep.experiments.ray_engine import RayEngine
from lossweep.experiments.result import Result
from lossweep.experiments.run import Settings, run_scenario
from lossweep.experiments.scenario_file import load

ray = pytest.importorskip("ray", reason="ray is not installed (pip install 'lossweep[cluster]')")

SCENARIO = {
    "name": "cluster",
    "repetitions": 3,
    "clip": {"source": "portrait", "seconds": 0.4},
    "endpoint": [{"name": "h264", "quantizer": q, "gop": 5} for q in (40, 45)],
    "code": ["none", {"name": "rs", "code_rate": 0.5}],
    "channel": {"name": "bernoulli", "loss_rate": [0, 0.2]},
    "metrics": ["ssim"],
    "plot": {"x": "loss_rate", "y": ["ssim"]},
}


@pytest.fixture(scope="module")
def cluster():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(address="local", num_cpus=2, log_to_driver=False, logging_level=logging.ERROR)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    out = tmp_path_factory.mktemp("pool") / "out"
    assert run_scenario(load(SCENARIO), out, Settings(workers=1)) == 0
    return out


def test_a_ray_that_does_not_start_is_one_line(monkeypatch):
    def slow(**_):
        raise Exception("The current node timed out during startup.\nSee the logs.")  # as Ray 2.60 raises it

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", slow)
    with pytest.raises(
        EngineError, match=r"timed out during startup\.\); run again, or with --engine pool"
    ) as raised:
        RayEngine(SetUp((), "cpu"), 1, 1)
    assert "\n" not in str(raised.value)


def test_no_cluster_is_one_line(tmp_path, capsys):
    (tmp_path / "cluster.yaml").write_text(yaml.safe_dump(SCENARIO))
    run = ["run", str(tmp_path / "cluster.yaml"), "--out", str(tmp_path / "out"), "--engine", "ray"]
    assert main([*run, "--address", "auto"]) == 1
    said = capsys.readouterr().err.strip()
    assert "ray start --head" in said
    assert "\n" not in said


def test_a_killed_worker_changes_nothing_in_the_tables(cluster, tmp_path, pool, monkeypatch):
    killed, ran = [], RayEngine.run

    def run(engine, tasks, done):
        def take(task, outcome):
            done(task, outcome)
            busy = [m.pid for m in engine._team if m.running and m.starting is None]
            if not killed and busy:
                killed.append(busy[0])
                os.kill(busy[0], signal.SIGKILL)

        ran(engine, tasks, take)
        assert {m.pid for m in engine._team}.isdisjoint(killed)

    monkeypatch.setattr(RayEngine, "run", run)
    out = tmp_path / "out"
    assert run_scenario(load(SCENARIO), out, Settings(workers=2, engine="ray")) == 0
    assert len(killed) == 1
    for name in ("table.csv", "table.parquet", "frames.parquet", "failures.json"):
        assert (out / name).read_bytes() == (pool / name).read_bytes(), name


def _outcomes(engine, tasks, interrupt_after=None):
    found = {}

    def done(task, outcome):
        found[task.cell.id] = outcome
        if len(found) == interrupt_after:
            raise KeyboardInterrupt

    try:
        engine.run(tasks, done)
    finally:
        engine.stop()
    return found


def test_a_cell_that_ends_its_worker_fails_and_the_others_are_done(cluster, monkeypatch):
    tasks = [Task(cell) for cell in list(load(SCENARIO).cells())[:6]]
    engine = RayEngine(SetUp(tuple(load(SCENARIO).metrics), "cpu"), 1, 1)
    submit = RayEngine._submit

    def deadly(engine, member, left):
        submit(engine, member, left)
        if member.running and member.running[0][1] is tasks[2]:
            os.kill(member.pid, signal.SIGKILL)

    monkeypatch.setattr(RayEngine, "_submit", deadly)
    found = _outcomes(engine, tasks)
    failed = [name for name, outcome in found.items() if isinstance(outcome, Failed)]
    assert failed == [tasks[2].cell.id]
    assert "lost 3 times" in found[failed[0]].reason
    assert "\n" not in found[failed[0]].reason
    assert sum(isinstance(outcome, Result) for outcome in found.values()) == 5


def test_an_interrupted_run_is_resumed_by_the_pool(cluster, tmp_path, pool, monkeypatch):
    from lossweep.experiments import run

    take, count = run.Sweep.take, []

    def interrupted(sweep, task, outcome):
        take(sweep, task, outcome)
        count.append(task)
        if len(count) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run.Sweep, "take", interrupted)
        with pytest.raises(run.Stopped, match="4 of 24 cells"):
            run_scenario(load(SCENARIO), tmp_path / "out", Settings(workers=2, engine="ray"))
    assert run_scenario(load(SCENARIO), tmp_path / "out", Settings(workers=1)) == 0
    assert (tmp_path / "out" / "table.csv").read_bytes() == (pool / "table.csv").read_bytes()


def test_too_few_gpus_are_one_line(cluster):
    with pytest.raises(EngineError, match="too few for a worker") as raised:
        RayEngine(SetUp((), "cpu"), 1, 1, gpus=0.25)
    assert "\n" not in str(raised.value)


def test_options_of_ray_need_ray(tmp_path, capsys):
    (tmp_path / "cluster.yaml").write_text(yaml.safe_dump(SCENARIO))
    run = ["run", str(tmp_path / "cluster.yaml"), "--out", str(tmp_path / "out")]
    assert main([*run, "--address", "auto"]) == 2
    assert "need --engine ray" in capsys.readouterr().err


def test_both_engines_have_one_interface():
    for name in ("inspect", "run", "stop"):
        assert callable(getattr(Engine, name))
        assert callable(getattr(RayEngine, name))
