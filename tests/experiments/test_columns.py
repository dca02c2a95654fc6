"""Every column is declared once, every parameter of a cell has one, and a metric's own words win."""

from __future__ import annotations

import pytest

from lossweep.experiments.column import Column
from lossweep.experiments.column_table import COLUMNS
from lossweep.experiments.columns import (
    as_data,
    columns_of,
    describe,
    mistakes,
    parameter_columns,
    read_schema,
    schema,
    varied,
)
from lossweep.experiments.metrics.metric import METRICS
from lossweep.experiments.scenario_file import read, ready_made


def test_names_are_declared_once_and_ranges_are_in_order():
    names = [column.name for column in COLUMNS]
    assert len(names) == len(set(names))
    for column in COLUMNS:
        assert column.lowest is None or column.highest is None or column.lowest < column.highest
        assert not column.name.endswith("loss") or column.shown == "%"


def test_the_screen_shows_percent_milliseconds_and_kilobits():
    known = schema()
    assert known["loss_rate"].text(0.05) == "5 %"
    assert known["playout_delay_s"].text(0.15) == "150 ms"
    assert known["wire_bps"].heading() == "wire rate / kbit/s"
    assert known["wire_bps"].factor == 0.001
    assert known["psnr"].heading() == "PSNR / dB"
    assert known["packetization"].text("rtp") == "rtp"
    assert known["fec_frames"].phrase(1) == "FEC over 1 frame"
    assert known["window_words"].phrase(1) == "windows of 1 word"
    assert known["window_words"].phrase(6) == "windows of 6 words"
    assert known["fec_frames"].phrase(3) == "FEC over 3 frames"
    assert known["references"].phrase(1) == "1 reference picture"
    assert known["references"].phrase(3) == "3 reference pictures"
    assert known["playout_delay_s"].text(0.001) == "1 ms"


@pytest.mark.parametrize("name", [n for n in METRICS.names() if n != "lip_sync"])
def test_columns_of_every_metric_are_declared(name):
    metric = METRICS.get(name)
    declared = getattr(metric, "columns", (getattr(metric, "name", name),))
    assert set(declared) <= set(schema())


class Sharpness:
    name, label, higher_is_better, columns, opposite = (
        "sharp",
        "sharpness",
        True,
        ("sharp", "blur"),
        ("blur",),
    )


class Declared:
    name = "flicker"
    schema = (Column("flicker", "flicker", "quality", "Hz", better="lower", lowest=0.0),)


def test_a_third_party_metric_brings_its_columns():
    known = schema({"sharp": Sharpness(), "flicker": Declared()})
    assert (known["sharp"].label, known["sharp"].better, known["blur"].better) == (
        "sharpness",
        "higher",
        "lower",
    )
    assert known["flicker"].heading() == "flicker / Hz"


def test_a_manifest_keeps_the_schema():
    known = {column.name: column for column in columns_of(Declared(), {})}
    manifest = {"columns": as_data(known, ["flicker", "no such"])}
    assert read_schema(manifest)["flicker"] == Declared.schema[0]


def test_a_manifest_without_a_schema_is_read_by_its_metrics():
    said = {"label": "LPIPS (alex)", "higher_is_better": False, "columns": ["lpips", "lpips_paper"]}
    known = read_schema({"metrics": {"lpips": said}})
    assert known["lpips"].label == "LPIPS (alex)"
    assert known["lpips_paper"].label == "LPIPS, undecodable = 1"


def test_a_row_with_an_undeclared_column_or_an_impossible_value_is_named():
    known = schema()
    assert mistakes({"loss_rate": 0.1, "ssim": -0.2, "rate_note": ""}, known) == []
    (undeclared, outside) = mistakes({"sharp": 1.0, "lpips": 1.5}, known)
    assert "sharp is not declared" in undeclared
    assert "lpips is 1.5" in outside


@pytest.mark.parametrize(
    "name", [n for n, path in ready_made().items() if "LOSSWEEP_DATA" not in path.read_text()]
)
def test_every_parameter_of_a_ready_made_scenario_has_a_column(name):
    known = schema()
    for cell in read(name).cells():
        assert set(parameter_columns(cell)) <= set(known)


def test_options_of_parts_stay_apart():
    system = {
        "name": "system",
        "video": {"name": "h264", "bpp": 0.1, "code": {"name": "rs", "code_rate": 0.5}},
        "speech": {"name": "opus", "bitrate": 16000, "code": "none"},
    }
    row = parameter_columns({"endpoint": system, "code": {"name": "rs", "code_rate": 0.25}, "seed": 1})
    assert row["target_bpp"] == 0.1
    assert (row["video_code"], row["video_code_rate"], row["speech_code"]) == ("rs", 0.5, "none")
    assert (row["code"], row["code_rate"]) == ("rs", 0.25)
    assert (row["video_name"], row["speech_name"], row["bitrate"]) == ("h264", "opus", 16000)


def test_what_varies_is_found_in_every_part_of_a_cell():
    cells = [
        {
            "clip": {"source": "portrait", "fps": fps},
            "endpoint": {"name": "h264", "bpp": bpp, "max_payload_size": 1200},
            "path": {"playout_delay_s": wait},
        }
        for fps in (25, 30)
        for bpp in (0.02, 0.2)
        for wait in ("auto", 0.15)
    ]
    found = varied(parameter_columns(cell) for cell in cells)
    assert found == {"clip_fps": [25, 30], "target_bpp": [0.02, 0.2], "playout_delay_s": ["auto", 0.15]}


def test_the_description_has_a_line_for_each_column():
    lines = describe().split("\n")
    assert len(lines) == len(schema())
    assert any(
        "post_repair_loss" in line and "lower is better" in line and "0 to 1" in line for line in lines
    )
