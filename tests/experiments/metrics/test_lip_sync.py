"""Lip-sync error: its arithmetic by laws, the experts' networks and inputs, and the metric at its ends."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import pad, pairwise_distance

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.check import check
from lossweep.experiments.clips import load_clips
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.metrics.lip_sync.error import SHIFT, lip_sync_error, mean_distances
from lossweep.experiments.metrics.lip_sync.expert import make
from lossweep.experiments.metrics.lip_sync.faces import lower_face
from lossweep.experiments.metrics.lip_sync.metric import LipSync
from lossweep.experiments.metrics.lip_sync.mfcc import mfcc
from lossweep.experiments.metrics.lip_sync.syncnet_network import FILE, SyncNet
from lossweep.experiments.metrics.lip_sync.syncnet_v2 import crop, smoothed
from lossweep.experiments.metrics.metric import MetricAbsent, MetricError, Picture
from lossweep.experiments.scenario_file import ready_made
from lossweep.experiments.training.lip_sync.dataset import Example
from lossweep.experiments.training.lip_sync.evaluation import Embeddings, shifts_found

RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def clip():
    """The first five seconds of the built-in clip."""
    whole = load_clips("portrait")[0]
    return replace(whole, video=whole.video[:125], speech=whole.speech[: 125 * 640])


@pytest.fixture(scope="module")
def metric():
    return LipSync()


def received(clip, video=None, speech=None, **more):
    video = clip.video if video is None else video
    speech = clip.speech if speech is None else speech
    digests = tuple(Picture.of(picture).digest for picture in video)
    return Playback(Clip("received", list(video), clip.fps, speech), digests=digests, **more)


@settings(max_examples=30, deadline=None)
@given(st.integers(-SHIFT, SHIFT), st.booleans())
def test_sound_that_is_late_by_k_frames_is_found_k_frames_late(k, padded):
    seen = RNG.normal(size=(120, 8)).astype(np.float32)
    error = lip_sync_error(mean_distances(seen, np.roll(seen, k, axis=0), padded))
    assert error.offset == k
    assert error.distance < 1 < error.confidence


def test_the_mean_distances_are_those_of_the_published_program():
    """`calc_pdist` of github.com/joonson/syncnet_python, written out with torch's own distance."""
    seen, heard = (torch.from_numpy(RNG.normal(size=(40, 16))).float() for _ in range(2))
    around = pad(heard, (0, 0, SHIFT, SHIFT))
    wanted = torch.stack(
        [pairwise_distance(seen[i : i + 1].repeat(31, 1), around[i : i + 31]) for i in range(40)]
    ).mean(0)
    found = mean_distances(seen.numpy(), heard.numpy(), padded=True)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    error = lip_sync_error(found)
    assert error.distance == pytest.approx(wanted.min().item(), abs=1e-4)
    assert error.confidence == pytest.approx((wanted.median() - wanted.min()).item(), abs=1e-4)


@pytest.mark.parametrize("samples", [1, 399, 400, 401, 560, 16_000, 16_033])
def test_cepstra_are_those_of_python_speech_features(samples):
    oracle = pytest.importorskip("python_speech_features")
    speech = RNG.normal(0, 0.1, samples).astype(np.float32)
    np.testing.assert_allclose(mfcc(speech), oracle.mfcc(speech * 32768.0, 16_000), atol=2e-3)


def test_cepstra_of_silence_are_numbers():
    assert np.isfinite(mfcc(np.zeros(16_000, np.float32))).all()


def test_the_box_of_a_frozen_picture_does_not_move():
    boxes = np.concatenate(
        [RNG.normal(size=(20, 3)), np.tile([[5.0, 6, 7]], (30, 1)), RNG.normal(size=(20, 3))]
    )
    assert (smoothed(boxes)[26:44] == [5, 6, 7]).all()


def test_the_published_crop_puts_the_box_where_the_published_program_puts_it():
    picture = np.zeros((256, 256, 3), np.uint8)
    picture[118:138, 98:118] = (255, 0, 0)
    shown = crop(picture, np.array([108.0, 100.0, 40.0]))
    assert shown.shape == (3, 224, 224)
    assert shown[2, 120:152, 96:128].min() > 250  # red is the last channel
    assert shown[:2].max() < 111
    # the crop shows 112 pixels twice as large; its middle row is 100 + 0.4 x 40 = 116
    rows, columns = torch.nonzero(shown[2] > 200, as_tuple=True)
    assert columns.float().mean().item() == pytest.approx(111.5, abs=1)
    assert rows.float().mean().item() == pytest.approx(111.5 + (128 - 116) * 224 / 112, abs=1)
    beyond = crop(picture, np.array([0.0, 0.0, 40.0]))
    assert (beyond[:, 0, 0] == 110).all()


def test_the_lower_face_turns_and_moves_with_the_head():
    from lossweep.endpoints.syncsc.face_model import FaceModel

    points = FaceModel.load().mean[None] * 50 + 128
    window = lower_face(points, 70.0)
    turn = 0.3
    turned = points.copy()
    matrix = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    turned[..., :2] = (points[..., :2] - 128) @ matrix.T + 128 + [7, -4]
    moved = lower_face(turned, 70.0)
    assert float(moved.turn - window.turn) == pytest.approx(turn, abs=1e-3)
    expected = (window.middle.numpy() - 128) @ matrix.T + 128 + [7, -4]
    np.testing.assert_allclose(moved.middle, expected, atol=0.1)
    assert window.middle[0, 1] > points[0, :, 1].mean()


def made_up(folder):
    torch.manual_seed(1)
    network = SyncNet().eval()
    torch.save(network.state_dict(), folder / FILE)
    return network


def test_syncnet_has_the_published_shapes_and_a_checkpoint_gives_the_same_numbers(tmp_path, clip):
    network = made_up(tmp_path)
    keys = set(network.state_dict())
    assert {"netcnnaud.18.weight", "netcnnlip.18.weight", "netfcaud.3.bias", "netfclip.3.weight"} <= keys
    assert network.netcnnlip[18].weight.shape == (512, 256, 1, 6, 6)
    assert network.netcnnaud[18].weight.shape == (512, 256, 5, 4)
    for expert in (tmp_path, tmp_path / FILE):
        published = make(str(expert), "cpu")
        assert published.label.startswith("SyncNet v2 ")
    speech, pictures = clip.speech[: 13 * 640], list(clip.video[:13])
    usual = published.usual_points(pictures)
    seen, heard = (
        published.embed_pictures(pictures, tuple("0123456789abc"), usual),
        published.embed_speech(speech),
    )
    assert seen.shape == heard.shape == (8, 1024)
    with torch.inference_mode():
        cepstra = torch.from_numpy(mfcc(speech))[8:28].T[None, None]
        np.testing.assert_allclose(heard[2], network.sound(cepstra)[0], atol=1e-4)


def test_an_expert_that_is_missing_broken_or_unknown_is_one_line(tmp_path):
    for expert, said in ((tmp_path, "is missing; get"), (tmp_path / "x.model", "is missing; get")):
        with pytest.raises(MetricAbsent, match=said):
            LipSync(expert=str(expert))
    (tmp_path / FILE).write_bytes(b"no weights")
    with pytest.raises(MetricAbsent, match="is not SyncNet v2") as error:
        LipSync(expert=str(tmp_path))
    assert "\n" not in str(error.value)
    scenario = yaml.safe_load(ready_made()["quickstart"].read_text())
    for options, said in (
        ({"expert": "synnet"}, "no expert 'synnet'; it is own, or"),
        ({"expart": 1}, "expart"),
    ):
        with pytest.raises(ScenarioError, match=said) as error:
            check({**scenario, "metrics": [{"name": "lip_sync", **options}]})
        assert "\n" not in str(error.value)


def test_sound_that_is_moved_is_found_moved_and_other_sound_is_worse(metric, clip):
    clean = metric.score(clip, received(clip), Truth())
    assert set(clean) == set(metric.columns)
    assert (clean["lse_d"], clean["lse_c"]) == (clean["lse_d_clean"], clean["lse_c_clean"])
    assert clean["lse_expert"].startswith("lossweep-sync ")
    for late in (-6, 4):
        speech = np.roll(clip.speech, late * 640)
        moved = metric.score(clip, received(clip, speech=speech), Truth())
        assert moved["lse_offset"] - clean["lse_offset"] == pytest.approx(late, abs=1)
        by_clock = metric.score(clip, received(clip, sound_late_s=late / 25), Truth())
        assert by_clock["lse_offset"] - clean["lse_offset"] == pytest.approx(late, abs=1)
        assert moved["lse_c_clean"] == clean["lse_c"]
    backwards = metric.score(clip, received(clip, speech=clip.speech[::-1].copy()), Truth())
    assert backwards["lse_d"] > clean["lse_d"]
    assert backwards["lse_c"] < clean["lse_c"]


def test_a_frozen_or_grey_screen_has_no_confidence_and_pictures_are_looked_at_once(metric, clip, monkeypatch):
    clean = metric.score(clip, received(clip), Truth())
    looks = []
    find = metric._expert._finder._find
    monkeypatch.setattr(metric._expert._finder, "_find", lambda *picture: looks.append(1) or find(*picture))
    frozen = metric.score(clip, received(clip, video=[clip.video[7]] * len(clip.video)), Truth())
    assert not looks
    assert frozen["lse_c"] < clean["lse_c"] / 2
    grey = metric.score(
        clip, received(clip, video=[np.full_like(clip.video[0], 128)] * len(clip.video)), Truth()
    )
    assert len(looks) == 1
    assert grey["lse_c"] < clean["lse_c"] / 2


def test_silence_and_short_clips_have_no_score_and_clips_without_sound_or_pictures_no_columns(metric, clip):
    silent = metric.score(clip, received(clip, speech=np.zeros_like(clip.speech)), Truth())
    assert math.isnan(silent["lse_d"])
    assert math.isnan(silent["lse_c"])
    assert silent["lse_c_clean"] > 0
    short = Clip("short", clip.video[:30], clip.fps, clip.speech[: 30 * 640])
    assert math.isnan(metric.score(short, received(short), Truth())["lse_d"])
    for part in ("video", "speech"):
        without = Clip("part", **{"video": clip.video, "speech": clip.speech, part: None})
        assert metric.score(clip, Playback(without), Truth()) == {}
    grey = Clip("grey", [np.full_like(clip.video[0], 128)] * 60, clip.fps, clip.speech)
    with pytest.raises(MetricError, match="clip grey: no face in frame 0"):
        metric.score(grey, received(grey), Truth())


def test_a_clip_of_another_frame_rate_is_scored_by_the_clock(metric, clip):
    clean = metric.score(clip, received(clip), Truth())
    twice = Clip("twice", np.repeat(clip.video, 2, axis=0), 2 * clip.fps, clip.speech)
    digests = tuple(Picture.of(picture).digest for picture in twice.video)
    score = metric.score(twice, Playback(twice, digests=digests), Truth())
    assert score["lse_d"] == pytest.approx(clean["lse_d"], abs=0.02)


def test_what_the_expert_learned_from_is_not_what_the_built_in_clip_says():
    from lossweep.experiments.clips.portrait import _VOICE, TEXT
    from lossweep.experiments.training.lip_sync.dataset import SENTENCES

    for voice, text in SENTENCES:
        assert voice != _VOICE
        assert not set(re.findall(r"\w+ \w+ \w+", TEXT.lower())) & set(
            re.findall(r"\w+ \w+ \w+", text.lower())
        )


def test_an_example_is_aligned_by_its_offset():
    seen, heard = np.zeros((1, 20, 1), np.float32), np.zeros((1, 20, 1), np.float32)
    seen[0, 8], heard[0, 11] = 1, 1
    right = Example("a", "b", False, seen, heard).shifted(3)
    assert len(right) == 17
    assert right.faces.argmax() == right.speech.argmax() == 8
    right = Example("a", "b", False, heard, seen).shifted(-3)
    assert right.faces.argmax() == right.speech.argmax()


def test_shifts_are_found_in_matching_embeddings_even_if_the_clip_is_off():
    numbers = RNG.normal(size=(220, 8)).astype(np.float32)
    off = Embeddings("off", "x", numbers[6:], numbers[:-6])
    assert shifts_found(off, from_own_offset=True).all()
    assert shifts_found(off, from_own_offset=False).mean() < 0.15
    chance = Embeddings("chance", "x", numbers, RNG.normal(size=(220, 8)).astype(np.float32))
    assert shifts_found(chance, from_own_offset=False).mean() < 0.4
