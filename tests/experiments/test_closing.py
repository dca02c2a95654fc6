"""A finished run says which metrics have no values."""

import math

from sweeps import folder, manifest, table

from lossweep.experiments.closing import said


def test_a_metric_without_values_is_named_once(tmp_path):
    rows = table().assign(lse_c=math.nan, lse_expert="own")
    out = folder(tmp_path / "out", rows, manifest())
    metrics = {"ssim": ("ssim",), "lip_sync": ("lse_c", "lse_expert"), "vmaf": ("vmaf",)}
    undefined, unsent = said(out, metrics)
    assert undefined.startswith("lip_sync has no values: it is not defined in any cell")
    assert unsent.startswith("vmaf has no values: no cell has what it measures")


def test_nothing_is_said_of_metrics_with_values(tmp_path):
    rows = table()
    rows.loc[1:, "ssim"] = math.nan  # one cell has a value
    assert said(folder(tmp_path / "out", rows, manifest()), {"ssim": ("ssim",), "pesq": ("pesq",)}) == []
