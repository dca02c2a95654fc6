"""What the commands print, and that nothing a user does wrong is more than one line."""

import subprocess
import sys
import time

import pytest
import yaml
from sweeps import folder, manifest, table

from lossweep.experiments.cli import main
from lossweep.experiments.durations import duration
from lossweep.experiments.scenario_file import ready_made


def test_check_counts_cells_and_runs_none(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("LOSSWEEP_CACHE", str(tmp_path))
    start = time.process_time()
    assert main(["check", "smoke", "--device", "cpu"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("smoke: 96 cells\n")
    assert "about" in out
    assert "bernoulli loss_rate=0.1" in out
    assert time.process_time() - start < 5
    assert not (tmp_path / "encodings").exists()


def test_check_names_absent_metrics_and_refuses_those_required(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("LOSSWEEP_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    change = ["--set", "metrics=[{name: lpips, net: alex}]", "--set", "plot.y=[lpips]"]
    assert main(["check", "smoke", *change]) == 0
    assert "absent: lpips" in capsys.readouterr().out
    assert main(["check", "smoke", *change, "--set", "require=[lpips]"]) == 2
    assert "lpips is required" in capsys.readouterr().err


def test_metrics_of_what_nobody_sends_are_named(tmp_path, capsys):
    changes = {
        "endpoint": "opus",
        "code": "none",
        "clip.seconds": 2,
        "repetitions": 1,
        "channel.loss_rate": 0.1,
    }
    speech = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
    assert main(["check", "smoke", *speech, "--set", "metrics=[psnr, stoi, bleu]"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("unused:")]
    assert [line.split()[1] for line in lines] == ["psnr", "bleu"]
    assert main(["run", "smoke", *speech, "--set", "metrics=[psnr, stoi]", "--out", str(tmp_path / "x")]) == 0
    said = capsys.readouterr().err
    assert "lossweep: psnr has no values" in said
    assert "stoi has" not in said


def test_show_prints_a_scenario_that_can_be_run(capsys, tmp_path):
    assert main(["show", "smoke"]) == 0
    text = capsys.readouterr().out
    assert text == ready_made()["smoke"].read_text()
    (tmp_path / "mine.yaml").write_text(text)
    assert main(["check", str(tmp_path / "mine.yaml")]) == 0
    assert main(["show", "smok"]) == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("h264", ["gop (default 32): frames", "endpoint h264 (lossweep)"]),
        ("rs", ["code_rate (required)", "in (0, 1]"]),
        ("gilbert_elliott", ["mean_burst_length", "tc-netem"]),
        ("lpips", ["net (default 'squeeze')", "columns: lpips"]),
    ],
)
def test_list_name_prints_options_defaults_and_source(name, said, capsys):
    assert main(["list", name]) == 0
    out = capsys.readouterr().out
    for text in said:
        assert text in out


def test_list_of_an_unknown_name_gives_the_nearest(capsys):
    assert main(["list", "h246"]) == 2
    assert "did you mean 'h264'" in capsys.readouterr().err


def test_list_of_a_scenario_names_the_command_that_shows_it(capsys):
    assert main(["list", "smoke"]) == 2
    assert "lossweep show smoke" in capsys.readouterr().err


def test_check_of_word_metrics_prints_no_progress_bar(capsys):
    assert main(["check", "text_bleu", "--set", "clip=portrait"]) == 0
    assert capsys.readouterr().err == ""


def test_columns_are_printed(capsys):
    assert main(["columns"]) == 0
    assert "wire_bps" in capsys.readouterr().out


def test_version_is_printed(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert done.value.code == 0
    assert capsys.readouterr().out.startswith("lossweep ")


def test_output_that_nobody_reads_is_no_traceback():
    command = [sys.executable, "-m", "lossweep.experiments.cli", "show", "quickstart"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read()
    process.wait()


def test_simulate_says_in_one_line_what_cannot_be_sent(capsys, tmp_path):
    scenario = {
        "name": "x",
        "clip": {"source": "portrait", "seconds": 0.64},
        "endpoint": {"name": "h264", "quantizer": 20, "gop": 16, "max_payload_size": 64},
        "code": {"name": "rs", "code_rate": 0.5},
        "channel": {"name": "bernoulli", "loss_rate": 0},
        "metrics": [],
    }
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(scenario))
    assert main(["simulate", str(tmp_path / "x.yaml"), "--device", "cpu"]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "255" in said


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, capsys):
    directory = folder(tmp_path / "out", table(), manifest())
    table().to_csv(directory / "table.csv", index=False)
    (directory / "plots").write_text("in the way")
    (directory / "report.html").mkdir()
    for command, problem in (("plot", "plots: File exists"), ("report", "report.html: Is a directory")):
        assert main([command, str(directory)]) == 1
        *notice, said = capsys.readouterr().err.strip().splitlines()
        assert problem in said
        assert len(notice) == (command == "report")


def test_tc_names_the_channel_in_words(capsys):
    assert main(["tc", "smoke"]) == 0
    said = capsys.readouterr().out
    assert "# gilbert_elliott loss_rate=0.1 mean_burst_length=4\n" in said
    assert "{" not in said


@pytest.mark.parametrize("size", ["-1", "0", "nan"])
def test_a_page_has_a_size(capsys, tmp_path, size):
    assert main(["report", str(tmp_path), "--size", size]) == 2
    assert capsys.readouterr().err == f"lossweep: --size is {size} MB; it must be above 0\n"


def test_a_short_sweep_takes_a_second():
    assert [duration(seconds) for seconds in (0.2, 40, 720, 12_600)] == ["1 s", "40 s", "12 min", "3.5 h"]
