"""A scenario is checked whole before anything runs, and says what is wrong in one line."""

import pytest
import yaml

from lossweep.experiments.cli import main
from lossweep.experiments.scenario import ScenarioError, check, expand, read, ready_made

GOOD = {
    "name": "t",
    "repetitions": 2,
    "endpoint": {"name": "h264", "quantizer": 40, "gop": [4, 8]},
    "code": ["none", {"name": "rs", "code_rate": [0.5, 0.25]}],
    "channel": {"name": "bernoulli", "loss_rate": [0, 0.5]},
    "metrics": ["ssim"],
}


def test_any_list_is_an_axis():
    assert len(list(check(GOOD).cells())) == 2 * 3 * 2 * 2
    assert expand([{"a": [1, 2], "b": 3}, {"a": 4}]) == [{"a": 1, "b": 3}, {"a": 2, "b": 3}, {"a": 4}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"endpoint": {"name": "h2644", "quantizer": 40}}, "did you mean 'h264'"),
        ({"metrics": ["lpip"]}, "did you mean 'lpips'"),
        ({"code": {"name": "rs", "code_rate": 1.5}}, "code_rate is 1.5"),
        ({"channel": {"name": "gilbert_elliott", "p": 1.5, "r": 0.1}}, "p"),
        ({"channel": {"name": "gilbert_elliott", "loss_rate": 0.9, "mean_burst_length": 2}}, "0.9"),
        ({"endpoint": {"name": "h264"}}, "needs one of bpp and quantizer"),
        ({"repetition": 3}, "repetitions"),
        ({"clip": "/no/such/file.mp4"}, "/no/such/file.mp4"),
        ({"require": ["lpips"]}, "not among the metrics"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(ScenarioError) as error:
        check(GOOD | change)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_overrides_reach_every_member_of_a_list():
    scenario = read("smoke", ["endpoint.gop=16", "channel.loss_rate=0.1", "clip.seconds=1"])
    assert {e["gop"] for e in scenario.endpoint} == {16}
    assert {c["clip"]["seconds"] for c in scenario.cells()} == {1}


def test_ready_made_scenarios_without_private_data_are_sound():
    for name in ("quickstart", "smoke", "erasure_lpips", "burst_lpips"):
        assert name in ready_made()
        assert list(read(name).cells())


def test_bad_input_is_one_line_and_exit_status_2(tmp_path, capsys):
    bad = tmp_path / "bad.yaml"
    bad.write_text(yaml.safe_dump(GOOD | {"metrics": ["nothing"]}))
    assert main(["run", str(bad), "--out", str(tmp_path / "out")]) == 2
    assert main(["run", "quickstrat", "--out", str(tmp_path / "out")]) == 2
    assert main(["plot", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.strip().split("\n")
    assert len(lines) == 3
    assert "quickstart" in lines[1]


@pytest.mark.parametrize(
    ("endpoint", "code", "said"),
    [
        ("{name: h264, bpp: 0.05}", "{name: pacsc, code_rate: 0.5}", "code pacsc is for the endpoint syncsc"),
        (
            "{name: syncsc, coding: integers}",
            "{name: pacsc-s, code_rate: 0.5}",
            "coding integers is for codes that protect packets",
        ),
    ],
)
def test_an_endpoint_with_a_code_it_does_not_take_is_refused_before_anything_runs(endpoint, code, said):
    text = f"{{name: x, endpoint: {endpoint}, code: {code}, channel: {{name: bernoulli, loss_rate: 0}}, metrics: []}}"
    with pytest.raises(ScenarioError, match=said):
        check(yaml.safe_load(text))
