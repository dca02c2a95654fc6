"""`import lossweep` does what its documentation shows, from a script without a guard."""

import inspect
import subprocess
import sys
import textwrap

import pandas as pd
import pytest

import lossweep


def test_the_documented_example_runs_as_a_script(tmp_path):
    documentation = inspect.getdoc(lossweep) or ""
    example = "\n".join(line for line in documentation.split("\n") if line.startswith("    "))
    script = (
        textwrap.dedent(example)
        .replace("[0, 0.1]", "[0]")
        .replace('"smoke", {', '"smoke", {"repetitions": 1, ')
    )
    assert "lossweep.run(scenario" in script
    (tmp_path / "mine.py").write_text(script)
    done = subprocess.run([sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "h264-none" in done.stdout
    table = lossweep.table(tmp_path / "out")
    assert len(table) == 24
    assert (tmp_path / "out" / "plots" / "ssim.png").exists()


def test_a_scenario_is_changed_and_run_in_this_process():
    scenario = lossweep.load(
        {
            "name": "mine",
            "clip": {"source": "portrait", "seconds": 0.32},
            "endpoint": {"name": "h264", "quantizer": [40, 45], "gop": 4},
            "channel": {"name": "bernoulli", "loss_rate": 0},
            "metrics": ["psnr"],
        }
    )
    changed = lossweep.change(scenario, {"endpoint.quantizer": 45, "channel.loss_rate": [0, 0.3]})
    assert len(list(scenario.cells())) == len(list(changed.cells())) == 2
    table = lossweep.run(changed, workers=0)
    assert isinstance(table, pd.DataFrame)
    assert table["loss_rate"].tolist() == [0, 0.3]
    assert table["quantizer"].tolist() == [45, 45]


def test_what_a_user_can_put_right_is_one_family(tmp_path):
    with pytest.raises(lossweep.LossweepError, match="did you mean"):
        lossweep.load("quickstrat")
    with pytest.raises(lossweep.LossweepError, match="holds no table"):
        lossweep.table(tmp_path)
