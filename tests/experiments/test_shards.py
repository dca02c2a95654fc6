"""Shards are a partition of the sweep, and merged they are the sweep of one run."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lossweep.channels.errors import OptionError
from lossweep.experiments.cli import main
from lossweep.experiments.scenario_file import load
from lossweep.experiments.shards import merge, shard, shard_of
from lossweep.experiments.store import StoreError

SCENARIO = {
    "name": "parts",
    "repetitions": 2,
    "clip": {"source": "portrait", "seconds": 0.4},
    "endpoint": [{"name": "h264", "quantizer": q, "gop": 5} for q in (40, 45)],
    "code": ["none", {"name": "rs", "code_rate": 0.5}],
    "channel": {"name": "bernoulli", "loss_rate": [0, 0.2]},
    "metrics": ["ssim"],
    "plot": {"x": "loss_rate", "y": ["ssim"]},
}
CELLS = list(load(SCENARIO).cells())


@given(st.integers(1, 40))
def test_shards_are_a_partition_of_nearly_equal_parts(count):
    parts = [shard(CELLS, number, count) for number in range(1, count + 1)]
    assert sorted(cell.id for part in parts for cell in part) == sorted(cell.id for cell in CELLS)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    for part in parts:
        assert [cell for cell in CELLS if cell in part] == part


def test_two_shards_of_two_encodings_share_none():
    first, second = (shard(CELLS, number, 2) for number in (1, 2))
    assert not {cell.group_key for cell in first} & {cell.group_key for cell in second}


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "1/0", "a/b", "-1/2", "1/2/3"])
def test_no_shard_is_one_line(text):
    with pytest.raises(OptionError, match="form i/n") as raised:
        shard_of(text)
    assert "\n" not in str(raised.value)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    (folder / "parts.yaml").write_text(yaml.safe_dump(SCENARIO))
    run = ["run", str(folder / "parts.yaml"), "--workers", "1", "--out"]
    assert main([*run, str(folder / "whole")]) == 0
    for number in (1, 2, 3):
        assert main([*run, str(folder / f"part{number}"), "--shard", f"{number}/3"]) == 0
    return folder


def test_merged_shards_are_the_sweep_of_one_run(made, capsys):
    parts = [made / f"part{number}" for number in (2, 3, 1)]
    assert main(["merge", *map(str, parts), "--out", str(made / "merged")]) == 0
    assert "16 of 16 cells" in capsys.readouterr().out
    for name in ("table.csv", "table.parquet", "frames.parquet", "failures.json"):
        assert (made / "merged" / name).read_bytes() == (made / "whole" / name).read_bytes(), name
    one, other = (json.loads((made / name / "manifest.json").read_text()) for name in ("merged", "whole"))
    for key in set(one) - {"cells_of_this_run", "wall_s", "seconds_by_stage"}:
        assert one[key] == other[key], key
    assert main(["report", str(made / "merged"), "--no-strip"]) == 0
    assert main(["status", str(made / "merged")]) == 0
    assert capsys.readouterr().out.endswith("parts: 16 of 16 cells, complete\n")


def test_a_merged_sweep_goes_on_where_a_shard_is_missing(made):
    assert merge([made / "part1", made / "part3"], made / "two") == (11, 16)
    run = ["run", str(made / "parts.yaml"), "--workers", "1", "--out", str(made / "two")]
    assert main(run) == 0
    assert (made / "two" / "table.csv").read_bytes() == (made / "whole" / "table.csv").read_bytes()
    assert json.loads((made / "two" / "manifest.json").read_text())["cells_of_this_run"] == 5


def test_shards_of_two_sweeps_are_refused(made, tmp_path):
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(SCENARIO | {"seed": 2}))
    other = tmp_path / "other"
    run = ["run", str(tmp_path / "other.yaml"), "--workers", "1", "--out", str(other), "--shard", "1/3"]
    assert main(run) == 0
    with pytest.raises(StoreError, match="differ in scenario"):
        merge([made / "part1", other], tmp_path / "out")
    with pytest.raises(StoreError, match="no shard"):
        merge([made / "whole"], tmp_path / "out")
    with pytest.raises(StoreError, match="no finished shard"):
        merge([tmp_path], tmp_path / "out")
