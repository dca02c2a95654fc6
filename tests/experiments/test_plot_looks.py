"""How a figure looks: colours, names beside curves, panels, styles for print."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from sweeps import LOSSES, RATES, figure_of, folder, lines_of, manifest, rates_of, row, table, ten_curves

from lossweep.channels.errors import MissingPackage
from lossweep.experiments.column_table import COLUMNS
from lossweep.experiments.curves import panels
from lossweep.experiments.figure import NEAR, spread
from lossweep.experiments.looks import looks
from lossweep.experiments.panel_axes import span
from lossweep.experiments.plot import plot
from lossweep.experiments.small_multiples import small_multiples
from lossweep.experiments.styles import STYLES
from lossweep.experiments.sweep import PlotError, Sweep


def test_many_curves_are_split_by_system_with_the_others_in_grey():
    rows, said = ten_curves()
    rows = rows.assign(realised_loss=lambda t: t["loss_rate"] / 2)
    found, figure = figure_of(Sweep.of(rows, said), "loss_rate", "realised_loss")
    assert [panel.title for panel in found] == ["H.264", "AV1"]
    for axis in figure.axes:
        grey = [line for line in axis.lines if line.get_gid() == "context"]
        assert len(grey) == len(RATES)
        for line in grey:
            assert line.get_xdata() == pytest.approx([0, 5, 10, 30])
            assert line.get_ydata() == pytest.approx([0, 2.5, 5, 15])
        assert sum("bit/pixel" in str(name) for name in lines_of(axis)) == len(RATES)


def test_systems_of_one_curve_share_a_panel():
    (panel,) = panels(rates_of((0.01, 0.02)), "loss_rate", "ssim")
    one = panel.curves[0]
    alone = [replace(one, label=replace(one.label, system=name), variant="") for name in ("A", "B", "C")]
    many = [replace(one, label=replace(one.label, system="D"), variant=str(i)) for i in range(7)]
    split = small_multiples([replace(panel, curves=(*alone, *many))])
    assert [part.group for part in split] == ["", "D"]
    assert [curve.label.system for curve in split[0].curves] == ["A", "B", "C"]
    assert len(split[0].context) == 7
    assert len(split[1].context) == 3


@pytest.mark.parametrize("many", [1, 5, 20])
def test_no_two_curves_look_the_same(many):
    (panel,) = panels(rates_of(tuple(0.01 * (i + 1) for i in range(2))), "loss_rate", "ssim")
    curves = tuple(replace(panel.curves[0], variant=str(i)) for i in range(many))
    found = looks([replace(panel, curves=curves)])
    assert len(set(found.values())) == len(found) == many


@given(st.lists(st.floats(-0.2, 1.2), min_size=1, max_size=10).map(sorted))
def test_names_do_not_overlap(wanted):
    height = 0.08
    places = spread(wanted, [height] * len(wanted))
    assert all(b - a >= height - 1e-9 for a, b in itertools.pairwise(places))
    assert min(places) >= height / 2 - 1e-9
    assert max(places) <= 1 - height / 2 + 1e-9


def test_without_names_the_metrics_are_drawn_and_unknown_ones_are_refused(tmp_path):
    said = manifest()

    def drawn(metric, **asked):
        said["scenario"] |= {"plot": {}, "metrics": [{"name": metric}]}
        return {file.name for file in plot(folder(tmp_path, table(), said), **asked)}

    assert "ssim.png" in drawn("ssim")
    for asked in ({"x": "loss_rat"}, {"y": ["ssimm"]}, {"facet": ["gopp"]}):
        with pytest.raises(PlotError, match="unknown column"):
            drawn("ssim", **asked)
    with pytest.raises(PlotError, match="no cell has a value of utmos"):
        drawn("utmos")


def test_panels_have_one_scale_of_loss():
    bursts = table(losses=(0.1,)).assign(channel="gilbert_elliott")
    channels = [{"name": "bernoulli", "loss_rate": loss} for loss in LOSSES]
    channels.append({"name": "gilbert_elliott", "loss_rate": 0.1, "mean_burst_length": 4})
    _, figure = figure_of(
        Sweep.of(pd.concat([table(), bursts]), manifest(channel=channels)), "loss_rate", "ssim"
    )
    first, second = (axis.get_xlim() for axis in figure.axes)
    assert first == second
    assert first[0] < 0
    assert first[1] > 30


def test_a_system_whose_curves_would_lie_on_each_other_has_a_scale_of_its_own():
    rows, said = ten_curves()
    rows["ssim"] = rows["ssim"].where(rows["codec"] == "h264", 0.9 + 1.3 * rows["target_bpp"])
    _, figure = figure_of(Sweep.of(rows, said), "loss_rate", "ssim")
    common, own = figure.axes
    assert (common.get_title(loc="left"), own.get_title(loc="left")) == ("H.264", "AV1 (own scale)")
    assert np.ptp(own.get_ylim()) < 0.07 < np.ptp(common.get_ylim())


def test_differences_that_do_not_count_get_no_scale_of_their_own():
    rows, said = ten_curves()
    rows["ssim"] = rows["ssim"].where(rows["codec"] == "h264", 0.9 + 0.01 * rows["target_bpp"])
    _, figure = figure_of(Sweep.of(rows, said), "loss_rate", "ssim")
    common, other = figure.axes
    assert other.get_title(loc="left") == "AV1"
    assert other.get_ylim() == common.get_ylim()


@given(
    st.sampled_from(COLUMNS).filter(lambda c: c.role == "quality" and c.least_span and not c.log),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_an_axis_spans_at_least_a_difference_that_counts(column, at, part):
    low = 0.0 if column.lowest is None else column.lowest
    high = low + 1.0 if column.highest is None else column.highest
    value = low + at * (high - low)
    values = np.array([value, value + part * column.least_span]).clip(low, high) * column.factor
    bottom, top = span(column, values)
    assert top - bottom >= 0.99 * column.least_span * column.factor
    assert bottom <= values.min() <= values.max() <= top


def test_many_codes_of_one_system_are_split_by_code_rate_with_what_has_no_code_in_each():
    codes = [{"name": n, "code_rate": r} for n in ("rs", "rlc", "raptorq") for r in (0.5, 0.75, 0.8)]
    said = manifest(endpoint=[{"name": "h264", "bpp": 0.03, "gop": 16}], code=[{"name": "none"}, *codes])
    rows = [row("h264", "none", loss, r) for loss in LOSSES for r in range(2)]
    for code in codes:
        name = f"h264-{code['name']}-{code['code_rate']:g}"
        rows += [
            row("h264", "none", loss, r)
            | {"endpoint": name, "code": code["name"], "code_rate": code["code_rate"]}
            for loss in LOSSES
            for r in range(2)
        ]
    said["labels"] = {
        f"h264-{c['name']}-{c['code_rate']:g}": {
            "system": "H.264",
            "code": f"{c['name']} {rate}",
            "joint": " + ",
        }
        for c, rate in zip(codes, ("1/2", "3/4", "4/5") * 3, strict=True)
    } | {"h264-none": {"system": "H.264", "code": "", "joint": " + "}}
    table = pd.DataFrame(rows).assign(cell=range(len(rows)))
    found, figure = figure_of(Sweep.of(table, said), "loss_rate", "ssim")
    assert [panel.title for panel in found] == [f"code rate {rate}" for rate in ("1/2", "3/4", "4/5")]
    for panel, axis in zip(found, figure.axes, strict=True):
        assert [str(curve.label.without_rate) for curve in panel.curves] == [
            "H.264",
            "H.264 + rs",
            "H.264 + rlc",
            "H.264 + raptorq",
        ]
        assert sum(line.get_gid() == "context" for line in axis.lines) == 6


def test_a_curve_over_the_code_rate_joins_the_rates_of_one_code():
    rates = (0.5, 0.75, 1.0)
    said = manifest(
        endpoint=[{"name": "h264", "bpp": 0.03, "gop": 16}],
        code=[{"name": "none"}, *({"name": "rs", "code_rate": rate} for rate in rates[:2])],
    )
    said["labels"] = {
        "h264-none": {"system": "H.264", "code": "", "joint": " + "},
        "h264-0.5": {"system": "H.264", "code": "RS 1/2", "joint": " + "},
        "h264-0.75": {"system": "H.264", "code": "RS 3/4", "joint": " + "},
    }
    rows = [
        row("h264", "none", 0.1, r, cell=f"{rate}{r}")
        | {"endpoint": f"h264-{rate:g}" if rate < 1 else "h264-none", "code_rate": rate, "ssim": rate}
        for rate in rates
        for r in range(2)
    ]
    ((panel,), _) = figure_of(Sweep.of(pd.DataFrame(rows), said), "code_rate", "ssim")
    (curve,) = panel.curves
    assert curve.name == "H.264 + RS"
    assert curve.joined
    assert list(curve.points["x"]) == list(curve.points["mean"]) == list(rates)


def test_no_line_leads_across_a_panel_from_a_point_to_its_name():
    _, figure = figure_of(Sweep.of(table(), manifest()).where(["loss_rate=0.1"]), "wire_bps", "ssim")
    (axis,) = figure.axes
    leaders = [line.get_xdata() for line in axis.lines if line.get_transform() is axis.transAxes]
    assert leaders
    assert min(x[0] for x in leaders) >= NEAR


def test_a_line_that_lies_under_another_is_thicker():
    rows = table(endpoints=("h264", "av1"))
    _, figure = figure_of(
        Sweep.of(rows, manifest()), "loss_rate", "ssim"
    )  # both codecs have the same quality
    lines = lines_of(figure.axes[0])
    assert lines["H.264"].get_linewidth() > lines["AV1"].get_linewidth()
    assert lines["AV1"].get_linewidth() == lines["AV1 + RS 1/2"].get_linewidth()


@pytest.mark.parametrize("style", STYLES)
def test_a_style_gives_one_file_per_panel_with_its_fonts(tmp_path, style):
    out = folder(tmp_path / "out", table(), manifest())
    files = plot(out, y=["ssim"], facet=["code"], style=style)
    assert [f.relative_to(out / "plots").as_posix() for f in files] == [
        f"{style}/ssim-no_repair.pdf",
        f"{style}/ssim-RS_1_2.pdf",
    ]
    for file in files:
        data = file.read_bytes()
        assert data.count(b"/FontFile") == data.count(b"/Type /FontDescriptor") > 0
        assert b"/Subtype /Image" not in data
    width = float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", files[0].read_bytes())[1])
    assert width == pytest.approx(72 * STYLES[style].width)


def test_pgf_without_latex_is_one_line(tmp_path, monkeypatch):
    out = folder(tmp_path / "out", table(), manifest())
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingPackage, match="LaTeX") as raised:
        plot(out, y=["ssim"], style="ieee", pgf=True)
    assert "\n" not in str(raised.value)


def test_points_of_one_system_have_its_colour_and_those_of_one_code_its_marker():
    sweep = Sweep.of(table(), manifest()).where(["loss_rate=0.1"])
    found = panels(sweep, "wire_bps", "ssim")
    drawn = looks(found)
    assert not any(curve.joined for curve in found[0].curves)
    assert drawn["H.264"].colour == drawn["H.264 + RS 1/2"].colour != drawn["AV1"].colour
    assert drawn["H.264"].marker == drawn["AV1"].marker != drawn["AV1 + RS 1/2"].marker


def test_a_printed_legend_names_the_curves_and_nothing_else_within_the_width(tmp_path, monkeypatch):
    legends = []

    def printed(figure, *args, **kwargs):
        figure.draw_without_rendering()
        legends.append(figure.legends[0])

    monkeypatch.setattr(Figure, "savefig", printed)
    plot(folder(tmp_path / "out", table(), manifest()), y=["ssim"], style="ieee")
    found = panels(Sweep.of(table(), manifest()), "loss_rate", "ssim")
    assert legends
    for legend, panel in zip(legends, found, strict=True):
        names = [text.get_text() for text in legend.get_texts()]
        assert len(names) == len(panel.curves)
        assert "None" not in names
        assert legend.get_window_extent().width <= STYLES["ieee"].width * legend.get_figure().dpi


@pytest.mark.skipif(shutil.which("xelatex") is None, reason="no LaTeX program (xelatex)")
def test_pgf_is_set_by_latex(tmp_path):
    out = folder(tmp_path / "out", table(), manifest())
    plot(out, y=["ssim"], style="ieee", pgf=True)
    pgf = next((out / "plots" / "ieee").glob("*.pgf"))
    (tmp_path / "page.tex").write_text(
        "\\documentclass{article}\\usepackage{pgf}\\begin{document}\\input{" + str(pgf) + "}\\end{document}"
    )
    command = ["xelatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "page.pdf").exists()


def test_against_a_rate_coders_are_named_with_their_bitrate_and_not_with_an_identifier():
    bitrates = (8000, 16000, 24000)
    rows = pd.concat(
        [
            table(endpoints=("opus",), bitrate=b, redundancy=r).assign(
                endpoint=f"opus-{b}{'-red1' * r}-none", wire_bps=2.0 * b * (1 + r)
            )
            for b in bitrates
            for r in ((0, 1) if b == 16000 else (0,))
        ]
    )
    endpoints = [{"name": "opus", "bitrate": b, "redundancy": 0} for b in bitrates]
    said = manifest(
        endpoint=[*endpoints, {"name": "opus", "bitrate": 16000, "redundancy": 1}], code=[{"name": "none"}]
    )
    rows = rows[(rows["code"] == "none") & (rows["loss_rate"] == 0.1)]
    (panel,) = panels(Sweep.of(rows, said), "wire_bps", "pesq")
    assert [curve.variant for curve in panel.curves] == [
        "8 kbit/s",
        "16 kbit/s",
        "16 kbit/s, redundancy 1",
        "24 kbit/s",
    ]
