"""What is drawn is what the table holds: the artists' data against values computed here, and nothing is pooled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sweeps import LOSSES, figure_of, folder, lines_of, manifest, rates_of, table

from lossweep.experiments.caption import caption
from lossweep.experiments.confidence import interval
from lossweep.experiments.curves import panels
from lossweep.experiments.figure import draw
from lossweep.experiments.naming import value_in_words
from lossweep.experiments.plot import plot, references
from lossweep.experiments.sweep import PlotError, Sweep


def test_the_drawn_line_is_the_mean_in_percent_over_loss_in_percent():
    rows = table()
    _, figure = figure_of(Sweep.of(rows, manifest()), "loss_rate", "post_repair_loss")
    line = lines_of(figure.axes[0])["H.264 + RS 1/2"]
    one = rows[rows["endpoint"] == "h264-rs-0.5"].groupby("loss_rate")["post_repair_loss"].mean()
    assert line.get_xdata() == pytest.approx([0, 5, 10, 30])
    assert line.get_ydata() == pytest.approx(100 * one.to_numpy())
    assert figure.axes[0].get_xlabel() == "packet loss rate / %"
    assert figure.axes[0].get_ylabel() == "loss after repair / %\n(lower is better)"
    assert figure.axes[0].get_yscale() == "symlog"


def test_a_metric_without_percent_is_drawn_as_it_is():
    rows = table()
    _, figure = figure_of(Sweep.of(rows, manifest()), "loss_rate", "ssim")
    lines = lines_of(figure.axes[0])
    assert set(lines) >= {"H.264", "H.264 + RS 1/2", "AV1", "AV1 + RS 1/2"}
    assert not any("Opus" in str(name) for name in lines)
    one = rows[rows["endpoint"] == "av1-none"].groupby("loss_rate")["ssim"].mean()
    assert lines["AV1"].get_ydata() == pytest.approx(one.to_numpy())


def test_the_band_is_the_interval_over_loss_patterns_alone():
    rows = table(clips=("a", "b"), repetitions=5)
    rows["ssim"] -= (rows["clip"] == "b") * 0.3
    sweep = Sweep.of(rows, manifest())
    found, figure = figure_of(sweep, "loss_rate", "ssim")
    (curve,) = [c for c in found[0].curves if c.name == "H.264"]
    part = rows[(rows["endpoint"] == "h264-none") & (rows["loss_rate"] == 0.3)]
    expected = interval(part.groupby("repetition")["ssim"].mean(), -1.0, 1.0)
    last = curve.points.iloc[-1]
    assert tuple(last[list(expected._fields)]) == pytest.approx(tuple(expected))
    assert last["clips"] == 2
    (band,) = [c for c in figure.axes[0].collections if c.get_gid() == "H.264"]
    corners = band.get_paths()[0].vertices
    at = corners[np.isclose(corners[:, 0], 30)]
    assert (at[:, 1].min(), at[:, 1].max()) == pytest.approx((expected.lower, expected.upper))


def test_the_axis_is_scaled_by_the_means():
    rows = table()
    rows.loc[rows["repetition"] == 0, "ssim"] -= 0.5
    found, figure = figure_of(Sweep.of(rows, manifest()), "loss_rate", "ssim")
    means = np.concatenate([c.points["mean"] for c in found[0].curves])
    low, high = figure.axes[0].get_ylim()
    assert low > min(c.points["lower"].min() for c in found[0].curves)
    assert (low, high) == pytest.approx((means.min(), means.max()), abs=0.1 * np.ptp(means))


def test_one_repetition_has_no_band_and_the_caption_claims_none():
    sweep = Sweep.of(table(repetitions=1), manifest())
    found, _ = figure_of(sweep, "loss_rate", "ssim")
    assert all(np.isnan(c.points["lower"]).all() for c in found[0].curves)
    text = caption(sweep, found, "loss_rate", "ssim")
    assert "no interval" in text
    assert "95" not in text


def test_few_loss_patterns_are_drawn_one_by_one_instead_of_a_band_that_hides_the_curves():
    rows = table(repetitions=3)
    few = Sweep.of(rows, manifest())
    found, figure = figure_of(few, "loss_rate", "ssim")
    assert not figure.axes[0].collections
    drawn = {
        (round(at, 6), round(value, 6))
        for line in figure.axes[0].lines
        if line.get_marker() == "."
        for at, value in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }
    shown = rows[rows["ssim"].notna()]
    assert drawn == {
        (round(100 * x, 6), round(y, 6)) for x, y in zip(shown["loss_rate"], shown["ssim"], strict=True)
    }
    text = caption(few, found, "loss_rate", "ssim")
    assert "3 loss patterns: their mean, a dot for each within the axes" in text
    assert "95 %" not in text
    enough = Sweep.of(table(repetitions=5), manifest())
    found, figure = figure_of(enough, "loss_rate", "ssim")
    assert figure.axes[0].collections
    assert not [line for line in figure.axes[0].lines if line.get_marker() == "."]
    assert "5 loss patterns; mean and 95 %" in caption(enough, found, "loss_rate", "ssim")


def test_symbols_have_noise_patterns_and_fading_is_said_in_words():
    rows = table(repetitions=3).assign(channel="rayleigh", snr_db=5.0)
    rows["block"] = (rows["loss_rate"] > 0).astype(int)
    made = manifest()
    made["scenario"] = {
        **made["scenario"],
        "channel": [{"name": "rayleigh", "snr_db": 5.0, "block": block} for block in (0, 1)],
    }
    sweep = Sweep.of(rows, made)
    assert sweep.unit == "noise pattern"
    assert value_in_words(sweep, "block", "0") == "one gain per transmission"
    assert value_in_words(sweep, "block", "1") == "one gain per symbol"


def test_bands_over_clips_compare_the_clips_means():
    rng = np.random.default_rng(0)
    parts = [table(repetitions=2).assign(clip=f"clip{i}") for i in range(6)]
    rows = pd.concat(
        [part.assign(ssim=part["ssim"] - 0.2 * rng.random()) for part in parts], ignore_index=True
    )
    made = manifest()
    made["scenario"] = {**made["scenario"], "plot": {"bands": "clips"}}
    sweep = Sweep.of(rows, made)
    found, _ = figure_of(sweep, "loss_rate", "ssim")
    curve = next(c for c in found[0].curves if c.identifier == "h264-rs-0.5")
    point = curve.points.iloc[1]
    shown = rows[(rows["endpoint"] == curve.identifier) & (rows["loss_rate"] == point["x"])]
    column = sweep.column("ssim")
    expected = interval(shown.groupby("clip")["ssim"].mean(), column.lowest, column.highest)
    assert point["n"] == 6
    assert point[["mean", "lower", "upper"]].to_list() == pytest.approx([*expected[:3]])
    text = caption(sweep, found, "loss_rate", "ssim")
    assert "6 clips; mean and 95 % interval over clips" in text
    assert text.count("6 clips") == 1
    assert "pattern" not in text


def test_two_rates_are_two_curves_named_by_the_rate():
    (panel,) = panels(rates_of((0.02, 0.2)), "loss_rate", "ssim")
    assert [curve.name for curve in panel.curves] == ["H.264, 0.02 bit/pixel", "H.264, 0.2 bit/pixel"]
    for curve, mean in zip(panel.curves, (0.919, 0.982), strict=True):
        assert curve.points["mean"].to_numpy() == pytest.approx(mean)
        assert curve.points["lower"].to_numpy() == pytest.approx(mean)
        assert (curve.points["n"] == 3).all()


@pytest.mark.parametrize(
    ("part", "values", "column"),
    [
        ("path", [{"playout_delay_s": 0.1}, {"playout_delay_s": 0.2}], "playout_delay_s"),
        ("path", [{"jitter_s": 0.0}, {"jitter_s": 0.02}], "jitter_s"),
        ("clip", [{"source": "portrait", "fps": 25}, {"source": "portrait", "fps": 30}], "clip_fps"),
    ],
)
def test_what_varies_in_the_network_makes_panels(part, values, column):
    name = column.removeprefix("clip_")
    rows = pd.concat([table(**{column: value[name]}) for value in values])
    rows.loc[rows[column] == values[1][name], "ssim"] -= 0.2
    found = panels(Sweep.of(rows, manifest(**{part: values})), "loss_rate", "ssim")
    assert len(found) == 2
    first, second = (panel.curves[0].points["mean"].iloc[0] for panel in found)
    assert (first, second) == pytest.approx((0.9, 0.7))
    assert found[0].title != found[1].title


def test_two_channels_are_two_panels_though_one_has_a_burst_length_of_its_own():
    independent = table().assign(mean_burst_length=lambda t: 1 / (1 - t["loss_rate"]))
    bursts = table().assign(channel="gilbert_elliott", mean_burst_length=4.0)
    bursts["ssim"] -= 0.1
    channels = [{"name": "bernoulli", "loss_rate": loss} for loss in LOSSES] + [
        {"name": "gilbert_elliott", "loss_rate": loss, "mean_burst_length": 4} for loss in LOSSES
    ]
    found = panels(
        Sweep.of(pd.concat([independent, bursts]), manifest(channel=channels)), "loss_rate", "ssim"
    )
    assert [panel.title for panel in found] == ["independent loss", "bursty loss"]
    assert [panel.curves[0].points["mean"].iloc[0] for panel in found] == pytest.approx([0.9, 0.8])


def test_a_varied_setting_without_a_column_is_named():
    said = manifest(path=[{"playout_delay_s": 0.1}, {"playout_delay_s": 0.2}])
    with pytest.raises(PlotError, match="playout_delay_s") as raised:
        panels(Sweep.of(pd.concat([table(), table()]), said), "loss_rate", "ssim")
    assert "\n" not in str(raised.value)


def test_cells_that_the_table_cannot_tell_apart_are_refused():
    with pytest.raises(PlotError, match="several cells"):
        panels(Sweep.of(pd.concat([table(), table()]), manifest()), "loss_rate", "ssim")


def test_a_facet_shows_in_each_panel_what_has_its_value():
    rows = pd.concat([table(gop=4.0), table(gop=32.0).assign(ssim=0.5)])
    rows.loc[rows["codec"] == "opus-16000", "gop"] = np.nan
    ends = [{"name": "h264", "bpp": 0.03, "gop": g} for g in (4, 32)]
    ends += [{"name": "av1", "bpp": 0.03, "gop": g} for g in (4, 32)]
    found = panels(Sweep.of(rows, manifest(endpoint=ends)), "loss_rate", "ssim", ["gop"])
    assert [panel.title for panel in found] == ["GOP 4", "GOP 32"]
    assert found[0].curves[0].points["mean"].iloc[0] == pytest.approx(0.9)
    assert found[1].curves[0].points["mean"].to_numpy() == pytest.approx(0.5)


def test_a_facet_by_code_is_named_by_the_code():
    found = panels(Sweep.of(table(), manifest()), "loss_rate", "ssim", ["code"])
    assert [panel.title for panel in found] == ["no repair", "RS 1/2"]
    assert [len(panel.curves) for panel in found] == [2, 2]


def test_a_measured_x_lies_at_its_mean_and_is_joined_along_the_rate():
    sweep = rates_of((0.02, 0.2))
    sweep.table["wire_bps"] = 1000 * sweep.table["target_bpp"] + 10 * sweep.table["repetition"]
    (panel,) = panels(sweep.where(["loss_rate=0.1"]), "wire_bps", "ssim")
    (curve,) = panel.curves
    assert curve.joined
    assert curve.points["x"].to_numpy() == pytest.approx([30, 210])
    assert curve.points["mean"].to_numpy() == pytest.approx([0.919, 0.982])


def test_conditions_keep_the_rows_that_meet_them():
    sweep = Sweep.of(table(), manifest())
    assert set(sweep.where(["loss_rate<=0.1"]).table["loss_rate"]) == {0.0, 0.05, 0.1}
    assert set(sweep.where(["loss_rate!=0.1", "code=rs"]).table["code"]) == {"rs"}
    assert 0.1 not in set(sweep.where(["loss_rate!=0.1"]).table["loss_rate"])
    with pytest.raises(PlotError, match="no row is left"):
        sweep.where(["loss_rate=0.7"])
    with pytest.raises(PlotError, match="not of the form"):
        sweep.where(["loss_rate"])
    with pytest.raises(PlotError, match="is no number"):
        sweep.where(["loss_rate=much"])


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        ({"x": "los_rate"}, "loss_rate"),
        ({"y": ["psq"]}, "pesq"),
        ({"facet": ["cod"]}, "code"),
        ({"where": ["cde=rs"]}, "code"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(tmp_path, arguments, nearest):
    out = folder(tmp_path / "out", table(), manifest())
    with pytest.raises(PlotError, match=f"did you mean '{nearest}'") as raised:
        plot(out, **arguments)
    assert "\n" not in str(raised.value)


def test_text_is_no_axis(tmp_path):
    out = folder(tmp_path / "out", table(), manifest())
    with pytest.raises(PlotError, match="text"):
        plot(out, y=["codec"])


def test_plots_and_the_table_behind_them(tmp_path):
    out = folder(tmp_path / "out", table(), manifest())
    assert {file.name for file in plot(out)} == {
        f"{y}.{suffix}"
        for y in (
            *("ssim", "lpips", "pesq", "post_repair_loss"),
            *(f"{y}_by_{x}" for y in ("ssim", "pesq") for x in ("wire_bps", "shown_delay_s")),
        )
        for suffix in ("png", "pdf", "csv", "txt")
    }
    points = pd.read_csv(out / "plots" / "pesq.csv")
    assert set(points["curve"]) == {"Opus", "Opus + RS 1/2"}
    one = points[(points["endpoint"] == "opus-16000-none") & (points["loss_rate"] == 0.3)].iloc[0]
    assert one["mean"] == pytest.approx(4 - 0.9)
    assert one["lower"] < one["mean"] < one["upper"]
    assert np.mean([float(value) for value in one["patterns"].split()]) == pytest.approx(one["mean"])
    assert plot(out, x="wire_bps", y=["ssim"], where=["loss_rate=0.1"])[0].name == "ssim_by_wire_bps.png"
    costs = pd.read_csv(out / "plots" / "ssim_by_wire_bps.csv")
    assert list(costs) == [
        "panel",
        "endpoint",
        "curve",
        "wire_bps",
        "mean",
        "lower",
        "upper",
        "n",
        "clips",
        "patterns",
    ]
    assert costs.loc[costs["curve"] == "AV1 + RS 1/2", "wire_bps"].tolist() == [130_000]


def test_published_points_are_drawn_beside_ours(tmp_path):
    source = {"source": "a paper, Fig. 1", "label": "paper, H.264", "x": "loss_rate", "y": "ssim"}
    said = manifest(reference=[{**source, "points": [[0.0, 0.95], [0.3, 0.7]]}])
    out = folder(tmp_path / "out", table(), said)
    plot(out, y=["ssim", "lpips"])
    assert "a paper, Fig. 1" in (out / "plots" / "ssim.txt").read_text()
    assert "a paper, Fig. 1" not in (out / "plots" / "lpips.txt").read_text()
    sweep = Sweep.read(out)
    found = panels(sweep, "loss_rate", "ssim")
    drawn = draw(
        found,
        sweep.column("loss_rate"),
        sweep.column("ssim"),
        "",
        None,
        references(said, "loss_rate", "ssim"),
    )
    line = lines_of(drawn.axes[0])["paper, H.264"]
    assert line.get_xdata() == pytest.approx([0, 30])
    assert line.get_ydata() == pytest.approx([0.95, 0.7])
