"""The report's numbers are the table's, its headings are true, and what does not apply is a dash."""

from __future__ import annotations

import html
import json
import re

import numpy as np
import pandas as pd
import pytest
from sweeps import LOSSES, folder, manifest, row, table

from lossweep.experiments.curves import panels
from lossweep.experiments.figure import draw
from lossweep.experiments.interactive import Scale
from lossweep.experiments.labels import Label, label
from lossweep.experiments.price import late, overhead, too_late
from lossweep.experiments.report import report
from lossweep.experiments.summary import main_qualities, summarise, usable_up_to
from lossweep.experiments.sweep import PlotError, Sweep
from lossweep.experiments.systems import System, systems


def _cells(summary):
    return {line[0]: dict(zip(summary.heads, line, strict=True)) for line in summary.rows}


def _plain(head):
    return head.replace("\u00a0", " ")


def test_the_summary_says_what_each_system_costs_and_gives():
    summary = summarise(Sweep.of(table(), manifest()))
    cells = {name: {_plain(k): v for k, v in line.items()} for name, line in _cells(summary).items()}
    assert list(cells) == ["H.264", "H.264 + RS 1/2", "AV1", "AV1 + RS 1/2", "Opus", "Opus + RS 1/2"]
    one = cells["H.264"]
    assert one["wire rate / kbit/s"] == "65"
    assert one["bytes added by repair"] == "0 %"
    assert one["delay / ms"] == "150"
    assert one["frozen at 0 % loss"] == "0 %"
    assert one["frozen at 10 % loss"] == "20 %"
    assert one["SSIM (luma) at 0 % loss"] == "0.9"
    assert one["SSIM (luma) at 10 % loss"] == "0.8"
    assert one["PESQ (wideband) at 10 % loss"] == "-"
    assert one["usable up to a loss of"] == "0 %"
    repaired = cells["H.264 + RS 1/2"]
    assert repaired["wire rate / kbit/s"] == "130"
    assert repaired["bytes added by repair"] == "100 %"
    assert repaired["SSIM (luma) at 10 % loss"] == "0.88"
    assert repaired["usable up to a loss of"] == "10 %"
    speech = cells["Opus"]
    assert speech["frozen at 10 % loss"] == "-"
    assert speech["SSIM (luma) at 0 % loss"] == "-"
    assert speech["PESQ (wideband) at 10 % loss"] == "3.7"


def _system(label, endpoint, **columns):
    rows = pd.DataFrame([{"endpoint": endpoint, **columns}])
    return System(str(label), "", label, rows)


def test_repair_inside_the_payload_is_compared_with_the_system_without_it():
    """PacSC sends no repair packets; its symbols stand in the payload, which is longer for it."""
    plain = _system(Label("SyncSC"), "s", source_bps=8e3, repair_bps=0.0, payload_bps=8e3)
    coded = _system(
        Label("SyncSC", "PacSC 1/2", ", "), "p", source_bps=16e3, repair_bps=0.0, payload_bps=16e3
    )
    packets = _system(Label("SyncSC", "RS 1/2"), "r", source_bps=8e3, repair_bps=4e3, payload_bps=12e3)
    everything = [plain, coded, packets]
    assert [overhead(one, everything) for one in everything] == [0.0, 1.0, 0.5]
    assert overhead(coded, [coded, packets]) is None


def test_repair_of_the_parts_of_a_system_counts_where_it_is_told_apart():
    rates = {"source_bps": 8e3, "repair_bps": 2e3, "payload_bps": 10e3}
    packets = _system(Label("H.264 + RS 4/5; text"), "a", video_code="rs", words_code=None, **rates)
    inside = _system(
        Label("SyncSC, PacSC 1/2; text + RS 1/2"), "b", video_code="pacsc", words_code="rs", **rates
    )
    assert overhead(packets, [packets]) == 0.25
    assert overhead(inside, [inside]) is None


def test_a_code_inside_a_system_is_named_without_its_defaults():
    words = {"name": "text", "code": {"name": "rs", "code_rate": 0.5, "interleave": 1}}
    video = {"name": "h264", "code": {"name": "rs", "code_rate": 0.5, "interleave": 4}}
    system = {"name": "system", "video": video, "words": words}
    assert str(label(system, {"name": "none"})) == "H.264 + RS 1/2 (interleave 4); text + RS 1/2"


def test_the_network_table_has_the_delay_of_the_summary_and_says_which_freezes_it_counts(tmp_path):
    rows = table(look_ahead_delay_s=0.6)
    page = report(folder(tmp_path / "out", rows, manifest()), strip=False).read_text()
    delays = {line["delay / ms"] for line in _cells(summarise(Sweep.of(rows, manifest()))).values()}
    assert delays == {"750"}
    heads = re.findall(r"<th>(.*?)</th>", page.split("<h2>Network")[1].split("</table>")[0])
    rows = [line for line in _table_of(page, "Network") if line]
    assert {line[heads.index("delay from capture to display / ms")] for line in rows} == {"750"}
    assert "time in freezes that ended / s" in heads
    assert "frozen share / %" in heads


def test_levels_are_losses_of_the_sweep():
    rows = table(losses=(0.005, 0.02, 0.1))
    said = manifest(report={"loss_rate": 0.3})
    summary = summarise(Sweep.of(rows, said))
    assert (summary.smallest, summary.typical) == (0.005, 0.1)
    assert "0.5 % loss, the smallest of this sweep" in summary.criterion
    assert "without loss" not in summary.criterion
    assert any(_plain(head) == "SSIM (luma) at 0.5 % loss" for head in summary.heads)


def _rows(frozen, quality):
    return pd.DataFrame({"loss_rate": LOSSES, "frozen_share": frozen, "ssim": quality})


@pytest.mark.parametrize(
    ("frozen", "quality", "expected"),
    [
        ((0, 0.05, 0.05, 0.05), (0.9, 0.9, 0.9, 0.9), "at least 30 %"),
        ((0, 0.5, 0.0, 0.0), (0.9, 0.9, 0.9, 0.9), "0 %"),
        ((0, 0.0, 0.0, 0.06), (0.9, 0.9, 0.9, 0.9), "10 %"),
        ((0, 0.0, 0.0, 0.0), (0.9, 0.86, 0.84, 0.9), "5 %"),
        ((0.2, 0.2, 0.2, 0.2), (0.9, 0.9, 0.9, 0.9), "never"),
        ((np.nan,) * 4, (np.nan,) * 4, "-"),
    ],
)
def test_usable_is_neither_frozen_nor_far_from_the_quality_without_loss(frozen, quality, expected):
    sweep = Sweep.of(table(), manifest())
    assert usable_up_to(_rows(frozen, quality), [sweep.column("ssim")]) == expected


def test_usable_knows_which_direction_is_better():
    sweep = Sweep.of(table(), manifest())
    rows = _rows((0, 0, 0, 0), (0, 0, 0, 0)).assign(lpips=(0.1, 0.14, 0.2, 0.3))
    assert usable_up_to(rows, [sweep.column("lpips")]) == "5 %"
    rows["lpips"] = (0.1, 0.0, 0.0, 0.0)
    assert usable_up_to(rows, [sweep.column("lpips")]) == "at least 30 %"


def test_the_metric_of_each_medium_is_the_first_of_the_plots():
    said = manifest(plot={"x": "loss_rate", "y": ["lpips", "ssim", "pesq"], "facet": []})
    assert [c.name for c in main_qualities(Sweep.of(table(), said))] == ["lpips", "pesq"]


def test_two_rates_are_two_rows():
    rows = pd.DataFrame(
        [row("h264", "none", loss, r, target_bpp=b) for b in (0.02, 0.2) for loss in LOSSES for r in (0, 1)]
    )
    said = manifest(endpoint=[{"name": "h264", "bpp": b} for b in (0.02, 0.2)], code=[{"name": "none"}])
    assert [s.name for s in systems(Sweep.of(rows, said))] == [
        "H.264, 0.02 bit/pixel",
        "H.264, 0.2 bit/pixel",
    ]


def test_repair_that_comes_too_late_is_said_once_per_system():
    rows = table()
    assert late(systems(Sweep.of(rows, manifest()))) == []
    rows.loc[rows["endpoint"] == "h264-rs-0.5", "packets_repaired"] = 0
    (line,) = late(systems(Sweep.of(rows, manifest())))
    assert line.startswith("H.264 + RS 1/2: RS 1/2 repairs nothing")
    assert "150 ms" in line
    assert "\n" not in line


def test_repair_is_not_blamed_for_losses_beyond_its_parity():
    rows = table(losses=(0.0, 0.9))
    rows["packets_repaired"] = 0
    assert late(systems(Sweep.of(rows, manifest()))) == []


def test_late_packets_are_said():
    rows = [
        {
            "discard_rate": 0.3,
            "packets_lost": 0,
            "packets_repaired": 0,
            "realised_loss": 0.0,
            "code_rate": 1.0,
        }
    ]
    line = too_late("H.264", Label("H.264"), [rows[0] | {"end_to_end_delay_s": 0.1}])
    assert "30 % of its packets arrive after their playout time (playout delay 100 ms)" in line


def test_the_page_shows_the_table_and_true_headings(tmp_path):
    out = folder(tmp_path / "out", table(losses=(0.0, 0.05, 0.1)), manifest(report={"loss_rate": 0.3}))
    page = html.unescape(report(out, strip=False).read_text())
    headings = re.findall(r"<h[23]>(.*?)</h[23]>", page)
    assert "What the other end sees and hears at 10 % loss" in headings
    assert not any("30 %" in heading for heading in headings)
    assert "SSIM (luma) against wire rate, at 10 % loss" in headings
    assert "SSIM (luma) against delay from capture to display, at 10 % loss" in headings
    assert "Loss after repair against packet loss rate" in headings
    drawn = _data(page)["figures"]
    assert len(drawn) == page.count('class="figure"') == 4 + 2 * 2
    assert "h264-none" not in page.split("<h2>Scenario")[0]
    lines = {
        re.sub("<.*?>", "", cells[0]): cells for cells in _table_of(page, "SSIM (luma), by packet loss rate")
    }
    assert lines["H.264"][1:] == ["0.9", "0.85", "0.8"]
    assert "Opus" not in lines
    network = _table_of(page, "Network")
    assert [cells[:3] for cells in network if cells[0] == "Opus"] == [
        ["Opus", f"{p} %", f"{p}"] for p in ("0", "5", "10")
    ]


def test_large_numbers_are_written_out(tmp_path):
    out = folder(tmp_path / "out", table().assign(end_to_end_delay_s=3.179), manifest())
    network = report(out, strip=False).read_text().split("<h2>Network")[1].split("</table>")[0]
    assert "3179" in network
    assert "e+" not in network


def _data(page):
    return json.loads(re.search(r'<script id="data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])


def test_a_figure_of_the_page_holds_what_the_table_holds(tmp_path):
    rows = table(repetitions=5)
    out = folder(tmp_path / "out", rows, manifest())
    drawn = _data(report(out, strip=False).read_text())["figures"][0]
    one = next(t for t in drawn["data"] if t["name"] == "H.264 + RS 1/2" and "customdata" in t)
    part = rows[rows["endpoint"] == "h264-rs-0.5"]
    assert one["x"] == pytest.approx([0, 5, 10, 30])
    assert one["y"] == pytest.approx(part.groupby("loss_rate")["ssim"].mean().to_numpy())
    assert [cells.split(" ") for cells in one["customdata"]] == [
        sorted(part[part["loss_rate"] == loss]["cell"]) for loss in LOSSES
    ]
    assert "4 loss patterns" not in one["text"][0]
    for part_of_text in ("10 %", "0.88", "interval", "5 loss patterns", "wire rate 130 kbit/s"):
        assert part_of_text in one["text"][2]
    assert {t["legendgroup"] for t in drawn["data"]} == {"H.264", "H.264 + RS 1/2", "AV1", "AV1 + RS 1/2"}


def test_a_point_of_few_loss_patterns_names_their_range_and_no_interval(tmp_path):
    out = folder(tmp_path / "out", table(repetitions=3), manifest())
    drawn = _data(report(out, strip=False).read_text())["figures"][0]
    (line,) = [t for t in drawn["data"] if t["name"] == "H.264" and "customdata" in t]
    dots, _ = [t for t in drawn["data"] if t["name"] == "H.264"]
    assert "interval" not in line["text"][1]
    assert "patterns: " in line["text"][1]
    assert "error_y" not in line
    assert len(dots["x"]) == 3 * len(LOSSES)


def test_the_axes_of_the_page_are_those_of_the_plots(tmp_path):
    rows = table()
    rows.loc[rows["repetition"] == 0, "ssim"] -= 0.5
    out = folder(tmp_path / "out", rows, manifest(plot={"x": "loss_rate", "y": ["ssim"], "facet": ["code"]}))
    plots = _data(report(out, strip=False).read_text())["figures"]
    sweep = Sweep.read(out)
    static = draw(
        panels(sweep, "loss_rate", "ssim", ["code"]), sweep.column("loss_rate"), sweep.column("ssim"), ""
    )
    layout = plots[0]["layout"]
    assert [note["text"] for note in layout["annotations"]] == ["no repair", "RS 1/2"]
    for axis, suffix in zip(static.axes, ("", "2"), strict=True):
        assert layout[f"yaxis{suffix}"]["range"] == pytest.approx(axis.get_ylim())
    assert layout["yaxis"]["title"]["text"] == "SSIM (luma) (higher is better)"
    assert plots[1]["layout"]["xaxis"]["range"][0] == 0


def test_a_sweep_over_snr_has_figures_and_no_table_by_loss(tmp_path):
    rows = pd.concat(
        table(losses=(0.1,), snr_db=float(snr), channel="awgn").assign(ssim=snr / 40) for snr in (0, 10, 20)
    ).drop(columns=["loss_rate", "realised_loss", "packets_lost", "discard_rate"])
    said = manifest(
        channel=[{"name": "awgn", "snr_db": snr} for snr in (0.0, 10.0, 20.0)],
        plot={"x": "snr_db", "y": ["ssim"], "facet": []},
    )
    page = report(folder(tmp_path / "out", rows, said)).read_text()
    (drawn,) = _data(page)["figures"]
    assert drawn["layout"]["xaxis"]["title"]["text"] == "SNR / dB"
    assert "<h2>Summary" not in page
    assert "<h2>Network" not in page


def test_a_loss_of_zero_stands_on_a_logarithmic_axis_below_its_smallest_decade():
    scale = Scale.of(np.array([0.0, 0.3, 20.0]), True)
    assert scale.places([0.0, 0.3, 20.0]) == pytest.approx([np.log10(0.1 / 3), np.log10(0.3), np.log10(20)])
    axis = scale.axis()
    assert axis["ticktext"][0] == "0"
    assert axis["tickvals"][0] == pytest.approx(np.log10(0.1 / 3))
    assert dict(zip(axis["ticktext"], axis["tickvals"], strict=True))["10"] == pytest.approx(1.0)


def test_names_in_the_data_cannot_end_the_script(tmp_path):
    rows = table(clips=("</script><b>",))
    said = manifest()
    said["clips"] = {"</script><b>": said["clips"]["portrait"]}
    page = report(folder(tmp_path / "out", rows, said), strip=False).read_text()
    assert "</script><b>" not in page


def _table_of(page, heading):
    part = page.split(f"<h2>{heading}")[1].split("</table>")[0]
    return [re.findall(r"<td>(.*?)</td>", line) for line in re.findall(r"<tr>(.*?)</tr>", part, re.DOTALL)]


def test_one_repetition_claims_no_interval(tmp_path):
    out = folder(tmp_path / "out", table(repetitions=1), manifest())
    page = report(out, strip=False).read_text()
    assert "1 loss pattern." in page
    assert "95 %" not in page


def test_a_sweep_whose_cells_all_failed_is_one_line(tmp_path):
    out = folder(tmp_path / "out", pd.DataFrame(), manifest())
    with pytest.raises(PlotError, match="no cell") as raised:
        report(out)
    assert "\n" not in str(raised.value)


def test_a_sweep_of_the_network_alone_has_a_page(tmp_path):
    rows = table().drop(
        columns=["ssim", "lpips", "pesq", "frames_dropped", "freeze_count", "total_freezes_duration"]
    )
    out = folder(
        tmp_path / "out", rows, manifest(plot={"x": "loss_rate", "y": ["post_repair_loss"], "facet": []})
    )
    summary = summarise(Sweep.read(out))
    cells = {_plain(k): v for k, v in _cells(summary)["AV1"].items()}
    assert _plain(cells["loss after repair at 10 % loss"]) == "10 %"
    assert "usable up to a loss of" not in cells
    assert "usable up to" not in report(out, strip=False).read_text().lower()


def test_rates_of_megabits_have_all_digits():
    rows = table()
    rows["wire_bps"] *= 20
    cells = _cells(summarise(Sweep.of(rows, manifest())))
    assert (cells["H.264"]["wire rate / kbit/s"], cells["H.264 + RS 1/2"]["wire rate / kbit/s"]) == (
        "1300",
        "2600",
    )


def test_a_long_table_says_how_many_rows_scroll_and_a_short_one_does_not(tmp_path):
    def said(losses):
        out = folder(tmp_path / str(len(losses)), table(losses=losses), manifest())
        page = report(out, strip=False).read_text()
        before, rows = page.split("<h2>Network")[1].split('<div class="long">', 1)
        return re.findall(r"([\d,]+) rows", before), rows.split("</table>")[0].count("<tr") - 1

    assert said((0.0, 0.1)) == ([], 12)
    assert said(tuple(np.linspace(0, 0.5, 200))) == (["1,200"], 1200)


def test_a_trace_without_a_loss_rate_is_shown_at_the_loss_it_made(tmp_path):
    channels = [{"name": "loss_trace", "file": name} for name in ("a", "b")]
    rows = pd.concat(
        [
            table(losses=(loss,), file=c["file"], channel="loss_trace")
            for c, loss in zip(channels, (0.0, 0.1), strict=True)
        ]
    ).assign(loss_rate=None)
    out = folder(tmp_path / "out", rows, manifest(channel=channels))
    sweep = Sweep.read(out)
    assert set(sweep.table["loss_rate"]) == {0.0, 0.1}
    assert {condition for condition, _ in summarise(sweep).groups} == {"a", "b"}
    report(out, strip=False)
