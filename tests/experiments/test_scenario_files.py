"""Scenarios as files and on the command line: YAML, changed values, clips beside them; mistakes are one line."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lossweep.experiments.cli import main
from lossweep.experiments.clips.portrait import portrait
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.mp4 import film
from lossweep.experiments.scenario_file import read
from lossweep.experiments.yaml_reader import read_yaml

SMOKE = {
    "name": "t",
    "endpoint": {"name": "h264", "quantizer": 40, "gop": 8},
    "code": {"name": "rs", "code_rate": 0.5},
    "channel": {"name": "bernoulli", "loss_rate": [0, 0.5]},
    "metrics": ["ssim"],
}


def test_yaml_is_that_of_version_1_2():
    data = read_yaml(
        "{a: 1e-3, b: 010, c: 1:30, d: yes, e: 0x1F, f: 0o10, g: -.5, h: true, i: null, j: ~}", "x"
    )
    assert list(data.values()) == [0.001, 10, "1:30", "yes", 31, 8, -0.5, True, None, None]
    assert read_yaml("a: &x {k: 1}\nb: {<<: *x, z: 2}", "x")["b"] == {"k": 1, "z": 2}
    with pytest.raises(ScenarioError, match=r"x.yaml, line 2: .*'a' stands twice"):
        read_yaml("a: 1\na: 2", "x.yaml")


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**12), 10**12))
def test_yaml_numbers_are_numbers(value):
    assert read_yaml(f"a: {value!r}", "x") == {"a": value}


@given(st.text(max_size=40))
def test_any_text_is_data_or_one_error(text):
    try:
        read_yaml(text, "x")
    except ScenarioError as error:
        lines = str(error).count("\n")
    else:
        lines = 0
    assert lines == 0


def test_overrides_reach_every_member_of_a_list():
    scenario = read("smoke", ["endpoint.gop=16", "channel.loss_rate=0.1", "clip.seconds=1"])
    assert {way.endpoint.gop for way in scenario.endpoint} == {16}
    assert {cell.clip.seconds for cell in scenario.cells()} == {1}


@pytest.mark.parametrize(
    "override", ["gop", "=3", "a..b=3", "name.x=1", "endpoint.gop=[1", "endpoint.gop=a: b: c"]
)
def test_malformed_overrides_are_one_line(override, capsys):
    assert main(["check", "smoke", "--set", override]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_scenario_is_a_file_and_clips_are_relative_to_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "smoke").mkdir()
    assert read("smoke").name == "smoke"
    (tmp_path / "mine").mkdir()
    clip = portrait()
    film(tmp_path / "mine" / "talk.mp4", clip.video[:16], clip.fps, clip.speech)
    (tmp_path / "mine" / "s.yaml").write_text(yaml.safe_dump(SMOKE | {"clip": "talk.mp4"}))
    assert read("mine/s.yaml").clip[0].source == str(tmp_path / "mine" / "talk.mp4")
    (tmp_path / "here.mp4").write_bytes((tmp_path / "mine" / "talk.mp4").read_bytes())
    assert read("mine/s.yaml", ["clip=here.mp4"]).clip[0].source == str(tmp_path / "here.mp4")
    with pytest.raises(ScenarioError, match=r"a gop of 32 is longer than the clip talk.mp4 \(16 frames\)"):
        read("mine/s.yaml", ["endpoint.gop=32"])


def test_ready_made_scenarios_without_private_data_are_sound():
    for name in ("quickstart", "smoke", "erasure_lpips", "burst_lpips", "av_loss", "av_burst", "speech_loss"):
        cells = list(read(name).cells())
        assert len({cell.id for cell in cells}) == len(cells) > 0


def test_bad_input_is_one_line_and_exit_status_2(tmp_path, capsys):
    bad = tmp_path / "bad.yaml"
    bad.write_text(yaml.safe_dump(SMOKE | {"metrics": ["nothing"]}))
    assert main(["run", str(bad), "--out", str(tmp_path / "out")]) == 2
    assert main(["run", "quickstrat", "--out", str(tmp_path / "out")]) == 2
    assert main(["plot", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.strip().split("\n")
    assert len(lines) == 3
    assert "quickstart" in lines[1]


def test_a_clip_of_the_command_line_is_looked_for_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioError, match=f"no such clip: {re.escape(str(tmp_path))}/nosuch.mp4"):
        read("smoke", ["clip=nosuch.mp4"])


@pytest.mark.parametrize("text", ["a: &b [*b]", "a: &b {c: *b}", "&a {a: *a}"])
def test_a_value_inside_itself_is_refused_in_one_line(text):
    with pytest.raises(ScenarioError, match="a value holds itself") as caught:
        read_yaml(text, "s.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", ["a{}: &a{} [{}]", "a{}: &a{} {{<<: [{}]}}", "a{}: &a{} {{x: [{}]}}"])
def test_aliases_that_expand_without_end_are_refused_in_one_line(line, tmp_path, capsys):
    bomb = ["a0: &a0 {k: 1}"]
    bomb += [line.format(n, n, ", ".join([f"*a{n - 1}"] * 10)) for n in range(1, 30)]
    file = tmp_path / "bomb.yaml"
    file.write_text("\n".join(bomb))
    assert main(["check", str(file)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"lossweep: {file}: its aliases (*NAME) stand for more than 100,000 further values; "
        "write the values that are needed"
    ]


def test_an_alias_that_is_used_twice_is_read():
    assert read_yaml("a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}", "s") == {
        "a": {"b": 1},
        "c": {"b": 1},
        "d": {"b": 1, "e": 2},
    }


def test_a_folder_is_no_scenario(tmp_path):
    with pytest.raises(ScenarioError, match="is a folder; name a scenario file"):
        read(str(tmp_path))
