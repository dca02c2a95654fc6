"""`repetitions: {until, at_most}`: each point of a sweep repeats until its interval is narrow, and no longer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lossweep.experiments.cli import main
from lossweep.experiments.column import Column
from lossweep.experiments.confidence import interval
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.precision import Points, Precision
from lossweep.experiments.run import Settings, run_scenario
from lossweep.experiments.scenario_file import load
from lossweep.experiments.store import StoreError

SHARE = Column("post_repair_loss", "packet loss after repair", "network", lowest=0, highest=1)
PLAIN = Column("psnr", "PSNR", "quality")
SCENARIO = {
    "name": "precise",
    "repetitions": {"until": {"column": "post_repair_loss", "half_width": 0.03}, "at_most": 60},
    "clip": {"source": "portrait", "seconds": 0.8},
    "endpoint": {"name": "h264", "quantizer": 40, "gop": 5},
    "channel": {"name": "bernoulli", "loss_rate": [0, 0.05, 0.2]},
    "metrics": [],
    "plot": {"x": "loss_rate", "y": ["post_repair_loss"]},
}


def precision(half_width, at_most=1000, at_least=10):
    until = {"column": "psnr", "half_width": half_width}
    return Precision.model_validate({"until": until, "at_most": at_most, "at_least": at_least})


def half_width(values, column):
    found = interval(values, column.lowest, column.highest)
    return max(found.upper - found.mean, found.mean - found.lower)


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 3), st.integers(3, 200), st.integers(1, 3))
def test_the_count_is_the_first_look_at_which_the_interval_is_narrow(seed, wanted, at_most, clips):
    values = np.random.default_rng(seed).normal(30, 2, (at_most, clips))
    rule = precision(wanted, at_most, at_least=3)
    count = rule.needed(values, PLAIN)
    assert 3 <= count <= at_most
    assert count == at_most or half_width(values[:count], PLAIN) <= wanted
    for fewer in range(3, count):  # what is seen of it step by step leads to the same count
        assert rule.needed(values[:fewer], PLAIN) <= count
    assert rule.needed(values[:count], PLAIN) == count


def test_equal_values_and_missing_values_end_at_the_first_look():
    assert precision(0.1).needed(np.zeros((10, 1)), SHARE) == 10
    assert precision(0.1).needed(np.full((10, 2), np.nan), SHARE) == 10


def test_intervals_that_decide_when_to_stop_cover_the_truth_nearly_as_often():
    rng = np.random.default_rng(11)
    covered, counts = [], []
    for _ in range(600):
        values = rng.binomial(200, 0.1, (400, 1)) / 200
        count = precision(0.006, 400).needed(values, SHARE)
        found = interval(values[:count], 0, 1)
        covered.append(found.lower <= 0.1 <= found.upper)
        counts.append(count)
    assert 0.90 <= np.mean(covered) <= 0.97
    assert 20 < np.mean(counts) < 100


def test_a_run_gives_each_point_its_own_number_whatever_the_workers_and_interruptions(tmp_path):
    scenario = load(SCENARIO)
    assert run_scenario(scenario, tmp_path / "one", Settings(workers=0)) == 0
    table = pd.read_csv(tmp_path / "one/table.csv")
    counts = table.groupby("loss_rate").size().to_dict()
    assert counts[0.0] == 10 < counts[0.05] < counts[0.2] <= 60
    for loss, rows in table.groupby("loss_rate"):
        assert list(rows["repetition"]) == list(range(counts[loss]))
    for count in (counts[0.05],):
        values = table[table["loss_rate"] == 0.05]["post_repair_loss"].to_numpy()
        assert half_width(values[:count], SHARE) <= 0.03

    fixed = load(SCENARIO | {"repetitions": 12})  # a shorter run is the beginning of a longer one
    assert run_scenario(fixed, tmp_path / "two", Settings(workers=0)) == 0
    with pytest.raises(StoreError, match="differ in scenario"):
        run_scenario(load(SCENARIO | {"seed": 2}), tmp_path / "two", Settings(workers=0))
    assert run_scenario(scenario, tmp_path / "two", Settings(workers=0, accept_changes=True)) == 0
    assert (tmp_path / "two/table.csv").read_bytes() == (tmp_path / "one/table.csv").read_bytes()
    assert run_scenario(scenario, tmp_path / "two", Settings(workers=0)) == 0
    assert (tmp_path / "two/table.csv").read_bytes() == (tmp_path / "one/table.csv").read_bytes()


def test_clips_of_a_point_have_one_number(tmp_path):
    clips = [{"source": "portrait", "seconds": 0.8, "fps": fps} for fps in (10, 25)]
    cells = list(load(SCENARIO | {"clip": clips}).cells())
    rule = load(SCENARIO).precision
    points = Points(cells, rule, {SHARE.name: SHARE})
    assert len(points.wanted()) == 2 * 3 * rule.at_least
    rng = np.random.default_rng(1)
    noisy = {c.id: {"post_repair_loss": rng.random() if c.channel.options["loss_rate"] else 0} for c in cells}
    while points.look((cell.id, noisy[cell.id]) for cell in points.wanted()):
        pass
    counts = {}
    for cell in points.wanted():
        key = cell.clip.fps, cell.channel.options["loss_rate"]
        counts[key] = counts.get(key, 0) + 1
    assert {counts[fps, 0] for fps in (10, 25)} == {10}
    assert {counts[fps, loss] for fps in (10, 25) for loss in (0.05, 0.2)} == {60}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"repetitions.until.column": "post_repair_los"}, "did you mean 'post_repair_loss'"),
        ({"repetitions.until.half_width": 0}, "greater than 0"),
        ({"repetitions.at_most": 2}, "greater than or equal to 3"),
        ({"repetitions.at_least": 100}, "at_least 100 is more than at_most 60"),
        ({"repetitions.untl": 1}, "did you mean 'until'"),
    ],
)
def test_bad_precision_is_one_line(change, says):
    with pytest.raises(ScenarioError) as error:
        load(SCENARIO, change)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_no_shards_of_a_sweep_that_decides_while_it_runs(tmp_path, capsys):
    path = tmp_path / "precise.yaml"
    path.write_text(yaml.safe_dump(SCENARIO))
    assert main(["run", str(path), "--shard", "1/2", "--out", str(tmp_path / "out")]) == 2
    assert "give a number of repetitions" in capsys.readouterr().err


def test_check_says_how_many_cells_there_may_be(tmp_path, capsys):
    path = tmp_path / "precise.yaml"
    path.write_text(yaml.safe_dump(SCENARIO))
    assert main(["check", str(path)]) == 0
    assert "precise: 30 to 180 cells" in capsys.readouterr().out
