"""A scenario is checked whole before anything runs; each mistake is one line that says what to do."""

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from lossweep.experiments.axes import expand
from lossweep.experiments.check import check
from lossweep.experiments.clips.portrait import portrait
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.mp4 import film
from lossweep.experiments.scenario_file import load

GOOD = {
    "name": "t",
    "repetitions": 2,
    "endpoint": {"name": "h264", "quantizer": 40, "gop": [4, 8]},
    "code": ["none", {"name": "rs", "code_rate": [0.5, 0.25]}],
    "channel": {"name": "bernoulli", "loss_rate": [0, 0.5]},
    "metrics": ["ssim"],
}
OBJECT = {"name": "h264", "quantizer": 40, "packetization": "object"}


def _message(change):
    with pytest.raises(ScenarioError) as error:
        check(GOOD | change)
    return str(error.value)


def test_any_list_is_an_axis():
    assert len(list(check(GOOD).cells())) == 2 * 3 * 2 * 2
    assert expand([{"a": [1, 2], "b": 3}, {"a": 4}]) == [{"a": 1, "b": 3}, {"a": 2, "b": 3}, {"a": 4}]
    more = check(
        GOOD | {"seed": [1, 2, 3], "score_every": [1, 2], "clip": {"source": "portrait", "fps": [25, 30]}}
    )
    cells = list(more.cells())
    assert len(cells) == 24 * 3 * 2 * 2
    assert len({cell.id for cell in cells}) == len(cells)
    assert {cell.seed for cell in cells} == {1, 2, 3}


def test_equal_values_on_an_axis_count_once():
    assert (
        len(list(check(GOOD | {"channel": {"name": "bernoulli", "loss_rate": [0.1, 0.1, "10%"]}}).cells()))
        == 12
    )
    endpoints = [{"name": "h264", "quantizer": 40, "gop": g} for g in (4, 8)]
    assert len(list(load(GOOD | {"endpoint": endpoints}, {"endpoint.gop": 12}).cells())) == 12
    assert len(list(check(GOOD | {"seed": [1, 1]}).cells())) == 24


H264 = {"name": "h264", "quantizer": 40, "gop": 4}
HALF = {"name": "rs", "code_rate": 0.5}
KEYS = HALF | {"key_code_rate": 0.25}
GILBERT = {"name": "gilbert_elliott", "p": 0.1, "r": 0.25}
BURSTS = {"name": "gilbert_elliott", "loss_rate": 0.1, "mean_burst_length": 4}


def test_a_delay_longer_than_the_clip_is_refused():
    said = _message({"channel": {"name": "delay", "propagation_delay_s": 50}})
    assert "a delay of 50 s is longer than the clip portrait (8 s)" in said
    assert "\n" not in said
    check(GOOD | {"channel": {"name": "delay", "propagation_delay_s": 5}})


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": H264, "code": [HALF, HALF | {"interleave": 1}, HALF | {"key_code_rate": None}]},
        {"endpoint": [H264 | {"code": HALF}, H264 | {"fec_frames": "gop", "code": HALF | {"interleave": 1}}]},
        {"endpoint": [H264, H264 | {"code": HALF}], "code": HALF | {"interleave": 1}},
        {"endpoint": H264, "code": "none", "channel": [BURSTS, {"elements": [BURSTS]}]},
        {
            "endpoint": H264,
            "code": "none",
            "channel": [
                GILBERT,
                GILBERT | {"one_minus_h": 1},
                {"elements": [GILBERT | {"one_minus_k": 0.0}]},
            ],
        },
    ],
)
def test_what_makes_the_same_counts_once_however_it_is_written(change):
    """An option that is given and one that is the default: two equal rows would count as two loss patterns."""
    cells = list(check(GOOD | {"channel": BURSTS, "repetitions": 1} | change).cells())
    assert len(cells) == 1


def test_one_file_by_two_paths_is_one_clip(tmp_path):
    (tmp_path / "inner").mkdir()
    film(tmp_path / "a.mp4", portrait(25.0, 256).video[:12], 25.0, None)
    clips = ["a.mp4", "./a.mp4", "inner/../a.mp4", str(tmp_path / "a.mp4")]
    assert len(check(GOOD | {"clip": clips}, tmp_path).clip) == 4
    assert len(list(check(GOOD | {"clip": clips}, tmp_path).cells())) == 24


def test_unreadable_files_of_a_folder_are_skipped_on_request_and_named(tmp_path, caplog):
    film(tmp_path / "a.mp4", portrait(25.0, 256).video[:12], 25.0, None)
    (tmp_path / "notes.mp4").write_bytes(b"no video")
    with pytest.raises(ScenarioError, match=r"notes\.mp4"):
        check(GOOD | {"clip": str(tmp_path)})
    scenario = check(GOOD | {"clip": {"source": str(tmp_path), "skip_unreadable": True}})
    assert [clip.source for clip in scenario.clip] == [str(tmp_path / "a.mp4")]
    assert "notes.mp4" in caplog.text
    assert "skipped" in caplog.text
    (tmp_path / "a.mp4").unlink()
    with pytest.raises(ScenarioError, match=r"notes\.mp4"):
        check(GOOD | {"clip": {"source": str(tmp_path), "skip_unreadable": True}})


@given(st.lists(st.integers(0, 3) | st.sampled_from(["a", True, 0.5, 1.0])), st.lists(st.integers(0, 2)))
def test_an_axis_has_each_value_once_in_order(first, second):
    def key(value):
        return (isinstance(value, bool), value)

    values = expand(first)
    assert [key(v) for v in values] == list(dict.fromkeys(map(key, first)))
    assert len(expand({"a": first, "b": second})) == len(values) * len(set(second))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"endpoint": {"name": "h2644", "quantizer": 40}}, "did you mean 'h264'"),
        ({"endpoint": {"name": "h264", "bp": 0.1}}, "endpoint.bp: unknown key 'bp'; did you mean 'bpp'?"),
        ({"metrics": ["lpip"]}, "did you mean 'lpips'"),
        ({"metrics": ["ssim", "ssim"]}, "ssim stands twice"),
        ({"metrics": [{"name": "ssim", "sigma": 1}]}, "ssim: got an unexpected keyword argument 'sigma'"),
        ({"code": {"name": "rs", "code_rate": 1.5}}, "code_rate is 1.5"),
        ({"channel": {"name": "gilbert_elliott", "p": 1.5, "r": 0.1}}, "p"),
        ({"channel": {"name": "gilbert_elliott", "loss_rate": 0.9, "mean_burst_length": 2}}, "0.9"),
        ({"channel": {"name": "bernoulli", "loss_rate": 2}}, "did you mean 0.02 or 2 %?"),
        ({"channel": {"name": "bernoulli", "loss_rate": [0, 1]}}, "loss_rate is 1; write 1 % or 100 %"),
        ({"channel": {"name": "bernoulli", "loss_rate": "150 %"}}, "loss_rate is '150 %'"),
        ({"report": {"loss_rate": 30}}, "did you mean 0.3 or 30 %?"),
        ({"endpoint": {"name": "h264"}}, "needs one of bpp, bitrate and quantizer"),
        ({"repetition": 3}, "did you mean 'repetitions'"),
        (
            {"metrics": [{"name": "lpips", "net": "vgg16"}]},
            "lpips: net must be one of squeeze, alex, vgg, not 'vgg16'",
        ),
        ({"endpoint": {"name": "h264", "quantizer": 40, "gop": "1:30"}}, "endpoint.gop: Input should be"),
        ({"endpoint": {"name": "h264", "quantizer": 40, "fec_frames": "x"}}, "or 'gop', not 'x'"),
        ({"repetitions": [1, 2]}, "one number, not a list"),
        ({"seed": 2**63}, "less than or equal to 9223372036854775807"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"clip": "/no/such/file.mp4"}, "/no/such/file.mp4"),
        ({"clip": {"source": "portrait", "second": 1}}, "did you mean 'seconds'"),
        (
            {"clip": {"source": "portrait", "seconds": float("inf")}},
            "clip.seconds: inf is not a finite number",
        ),
        ({"endpoint": {"name": "h264", "bpp": float("inf")}}, "inf is not a finite number"),
        ({"path": {"jitter": 0}}, "did you mean 'jitter_s'"),
        ({"path": {"playout_delay_s": "soon"}}, "'auto' or 0 to 60 seconds"),
        ({"require": ["lpips"]}, "not among the metrics"),
        ({"plot": {"x": "los_rate"}}, "did you mean 'loss_rate'"),
        ({"plot": {"y": ["ssimm"]}}, "did you mean 'ssim'"),
        ({"plot": {"facet": ["gopp"]}}, "did you mean 'gop'"),
        ({"plot": {"facets": ["gop"]}}, "did you mean 'facet'"),
        ({"endpoint": {"name": "h264", "quantizer": 60}}, "quantizer 60 is not within 0 and 51"),
        ({"endpoint": {"name": "h264", "quantizer": 40, "gop": 500}}, "a gop of 500 is longer than the clip"),
        ({"endpoint": {"name": "h264", "quantizer": 40, "resolution": 99}}, "resolution 99 is odd"),
        (
            {"endpoint": {"name": "opus", "block_frames": 255}, "code": {"name": "rs", "code_rate": 0.5}},
            "n=510",
        ),
        (
            {"clip": {"source": "portrait", "size": 128}, "metrics": ["ms_ssim"]},
            "ms_ssim needs pictures of 176x176 or more; the clips are 128 pixels",
        ),
        (
            {"endpoint": {"name": "system", "video": {"name": "h264", "quantiser": 40}, "speech": "opus"}},
            "unknown key 'quantiser'; did you mean 'quantizer'",
        ),
        (
            {
                "endpoint": {
                    "name": "system",
                    "video": {"name": "h264", "quantizer": 40},
                    "words": "text",
                    "voice": {"name": "visual", "referenc_s": 3},
                }
            },
            "did you mean 'reference_s'",
        ),
        ({"endpoint": []}, "an empty list leaves nothing to run"),
        ({"seed": []}, "seed: an empty list leaves nothing to run"),
        ({"score_every": []}, "score_every: an empty list leaves nothing to run"),
        (
            {"clip": {"source": "portrait", "seconds": 0.01}},
            "seconds must leave at least one frame of 0.04 s",
        ),
        ({"metrics": "ssim"}, "metrics: it must be a list, not 'ssim'"),
        ({"plot": None}, "plot: it must be a mapping, not None"),
        ({"clip": None}, "clip: it must be a mapping, not None"),
        ({"name": None}, "name: it must be text, not None"),
        ({"channel": None}, "None has no name"),
        ({"endpoint": 5}, "5 has no name"),
    ],
)
def test_mistakes_are_named(change, message):
    said = _message(change)
    assert message in said
    assert "\n" not in said


def test_an_endpoint_whose_part_the_clip_lacks_is_refused(tmp_path):
    soundfile.write(tmp_path / "talk.wav", np.zeros(16_000), 16_000)
    film(tmp_path / "silent.mp4", np.zeros((16, 64, 96, 3), np.uint8), 25.0, None)
    system = {"name": "system", "video": {"name": "h264", "quantizer": 40}, "speech": "opus"}

    def refused(name, endpoint):
        return _message({"clip": str(tmp_path / name), "endpoint": endpoint, "metrics": []})

    assert "h264: the clip talk.wav has no pictures" in refused("talk.wav", GOOD["endpoint"])
    assert "h264: the clip talk.wav has no pictures" in refused("talk.wav", system)
    assert "opus: the clip silent.mp4 has no sound" in refused("silent.mp4", "opus")
    assert "text: the clip silent.mp4 has no captions and no sound" in refused("silent.mp4", "text")
    (tmp_path / "damaged.mp4").write_bytes(b"no film" * 99)
    assert "damaged.mp4: not a video or sound file" in refused("damaged.mp4", "opus")
    (tmp_path / "silent.srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nhello\n")
    check(GOOD | {"clip": str(tmp_path / "silent.mp4"), "endpoint": "text", "metrics": []})


@pytest.mark.parametrize(
    "code", ["none", {"name": "repetition", "code_rate": 0.5}, {"name": "rs", "code_rate": 0.99}]
)
def test_a_code_with_a_packetization_runs_or_is_refused_by_check(code):
    from lossweep.endpoints.fec.code import CODES
    from lossweep.experiments.evaluator import Evaluator

    if not isinstance(code, str) and code["name"] not in CODES.names():
        code = {**code, "name": "red"}
    short = {"clip": {"source": "portrait", "seconds": 0.32}, "endpoint": OBJECT | {"gop": 8}, "code": code}
    try:
        scenario = check(GOOD | short)
    except ScenarioError:
        return
    Evaluator([]).evaluate(next(scenario.cells()))


def test_fractions_are_read_as_people_write_them():
    scenario = check(
        GOOD
        | {
            "channel": {"name": "bernoulli", "loss_rate": ["2%", "1/4"]},
            "code": {"name": "rs", "code_rate": "2/3"},
        }
    )
    assert [c.options["loss_rate"] for c in scenario.channel] == [0.02, 0.25]
    assert scenario.code[0].make().code_rate == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": {"name": "opus"}, "code": KEYS},
        {
            "endpoint": {"name": "system", "video": H264, "speech": {"name": "opus", "code": KEYS}},
            "code": "none",
        },
        {
            "endpoint": {"name": "system", "video": {"name": "syncsc", "code": KEYS}, "speech": "opus"},
            "code": "none",
        },
        {"endpoint": {"name": "system", "video": "syncsc", "speech": "opus"}, "code": KEYS},
        {"endpoint": {"name": "system", "speech": "opus", "words": "text"}, "code": KEYS},
    ],
)
def test_a_code_rate_of_key_frames_is_of_video_alone(change):
    said = _message(change)
    assert "key_code_rate is for key frames" in said
    assert "\n" not in said


def test_a_system_passes_its_code_of_key_frames_to_the_video():
    check(GOOD | {"endpoint": {"name": "system", "video": H264, "speech": "opus"}, "code": KEYS})


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            {"video": OBJECT | {"code": KEYS}, "speech": "opus"},
            "h264 with code rs: key_code_rate and interleave",
        ),
        (
            {"video": H264, "speech": {"name": "opus", "block_frames": 200, "code": HALF}},
            "opus with code rs: Reed-Solomon over GF(2^8) has at most 255 packets per block; k=200 would need n=400",
        ),
        ({"video": H264, "words": {"name": "text", "code": {"name": "pacsc", "code_rate": 0.5}}}, "pacsc"),
    ],
)
def test_a_part_of_a_system_has_a_code_that_it_takes(part, said):
    message = _message({"endpoint": {"name": "system", **part}, "code": "none"})
    assert said in message
    assert "\n" not in message


def test_an_endpoint_with_a_code_it_does_not_take_is_refused():
    said = _message({"endpoint": {"name": "h264", "bpp": 0.05}, "code": {"name": "pacsc", "code_rate": 0.5}})
    assert "pacsc" in said
    assert "\n" not in said


def test_ids_change_with_content_and_not_with_defaults_or_folders(tmp_path):
    def first(**change):
        return next(check(GOOD | change).cells()).id

    plain = first(endpoint={"name": "h264", "quantizer": 40})
    assert plain == first(endpoint={"name": "h264", "quantizer": 40.0, "gop": 32, "packetization": "rtp"})
    assert plain == first(endpoint={"name": "h264", "quantizer": 40}, clip={"source": "portrait", "fps": 25})
    assert plain != first(endpoint={"name": "h264", "quantizer": 41})
    ids = []
    for folder, tint in (("a", 0), ("b", 0), ("c", 9)):
        (tmp_path / folder).mkdir()
        film(tmp_path / folder / "v.mp4", np.full((8, 64, 64, 3), tint, np.uint8), 25.0)
        ids.append(first(clip=str(tmp_path / folder / "v.mp4")))
    assert ids[0] == ids[1] != ids[2]
    (tmp_path / "a" / "v.en.VTT").write_text("WEBVTT\n\n00:00.000 --> 00:00.300\nhello\n")
    assert first(clip=str(tmp_path / "a" / "v.mp4")) != ids[0]


def test_pictures_too_small_for_a_codec_are_refused_before_the_first_cell(tmp_path):
    film(tmp_path / "small.mp4", np.zeros((12, 48, 96, 3), np.uint8), 25.0, None)
    with pytest.raises(ScenarioError, match=r"h264: the clip small\.mp4 is 48 pixels high"):
        check(GOOD | {"clip": str(tmp_path / "small.mp4")})
    with pytest.raises(ScenarioError, match="greater than or equal to 64"):
        check(GOOD | {"endpoint": {"name": "h264", "quantizer": 40, "resolution": 32}})
