"""Several media on one network: each arrives as it would alone, they wait for each other, and skew is seen."""

import dataclasses

import numpy as np
import pytest

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.endpoints.clip import Clip, ClipError, Playback, Word
from lossweep.endpoints.endpoint import Truth
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.endpoints.session import from_json, to_json
from lossweep.endpoints.system import SystemEndpoint, SystemParams, SystemSession
from lossweep.experiments.check import check
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.evaluator import play
from lossweep.experiments.metrics.playout_skew import PlayoutSkew
from lossweep.sim.delivery import Delivery
from lossweep.sim.rtp import parse
from lossweep.sim.simulate import simulate
from lossweep.sim.statistics import statistics

VIDEO = {"name": "h264", "quantizer": 40, "gop": 8}
SPEECH = {"name": "opus", "bitrate": 24_000, "block_frames": 8}
WORDS = {"name": "text"}


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LOSSWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def clip():
    rng = np.random.default_rng(2)
    ground = np.kron(rng.integers(60, 190, (16, 16, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    video = np.stack([np.roll(ground, 2 * i, axis=1) for i in range(25)])
    speech = (0.3 * np.sin(np.cumsum(np.linspace(0.02, 0.5, 16_000)))).astype(np.float32)
    words = tuple(
        Word(text, 0.1 * i, 0.1 * i + 0.08)
        for i, text in enumerate(["we", "see", "and", "hear", "it", "all"])
    )
    return Clip("three", video, 25.0, speech, words)


def system(code=None, **parts):
    parts = parts or {"video": VIDEO, "speech": SPEECH, "words": WORDS}
    return SystemEndpoint(SystemParams(**parts), code or NoCode())


def same(a: Playback, b: Playback, *parts: str) -> bool:
    return all(np.array_equal(getattr(a.clip, part), getattr(b.clip, part)) for part in parts)


def members(stream):
    """Source and repair packets of each part, by what they say they are: part -> indices in the stream."""
    ssrc = np.array([parse(packet)[0].ssrc for packet in stream.packets])
    sources = {"video": 0x10557EE9, "speech": 0x1055A0D0, "words": 0x10557E87}
    return {name: np.flatnonzero((ssrc == own) | (ssrc == own + 1)) for name, own in sources.items()}


def part_of(stream, delivery: Delivery, which) -> Delivery:
    rows = (
        "sbn",
        "esi",
        "source",
        "size_bytes",
        "sent_s",
        "arrived_s",
        "lost",
        "late",
        "recovered",
        "usable",
    )
    return dataclasses.replace(delivery, **{name: getattr(delivery, name)[which] for name in rows})


@pytest.mark.parametrize("code", [NoCode(), ReedSolomon(0.5)], ids=lambda code: code.label)
def test_each_part_arrives_as_it_would_alone_with_the_same_losses(clip, code):
    together = system(code)
    encoded = together.encode(clip)
    stream = encoded.stream
    delivery = simulate(
        stream, GilbertElliott.from_params(loss_rate=0.3, mean_burst_length=3), Delay(0.02), seed=4
    )
    received = play(together, encoded, delivery, "cpu")
    assert 0 < np.count_nonzero(delivery.lost) < len(delivery.lost)
    for name, which in members(stream).items():
        alone = together.parts[name].encode(clip)
        assert [stream.packets[i] for i in which] == list(alone.stream.packets)
        assert np.array_equal(stream.available_s[which], alone.stream.available_s)
        shown = play(together.parts[name], alone, part_of(stream, delivery, which), "cpu")
        assert same(received, shown, name)
    assert sum(map(len, members(stream).values())) == len(stream.packets)
    assert [block.sbn for block in stream.blocks] == list(range(len(stream.blocks)))
    sources = {parse(packet)[0].ssrc for packet in stream.packets}
    assert len(sources) == (3 if code.name == "none" else 6)


def test_what_happens_to_one_part_leaves_the_other_whole(clip):
    together = system(video=VIDEO, speech=SPEECH)
    encoded = together.encode(clip)
    delivery = simulate(encoded.stream, Bernoulli(0.0), Delay(0.02), seed=1)
    whole = play(together, encoded, delivery, "cpu")
    for hit, spared in (("video", "speech"), ("speech", "video")):
        arrived = delivery.arrived_s.copy()
        arrived[members(encoded.stream)[hit][3:]] = np.nan
        holed = play(together, encoded, dataclasses.replace(delivery, arrived_s=arrived), "cpu")
        assert same(holed, whole, spared)
        assert not same(holed, whole, hit)


def test_the_faster_part_waits_for_the_slower_and_bursts_hit_both(clip):
    together = system(ReedSolomon(0.5), video=VIDEO, speech=SPEECH)
    stream = together.encode(clip).stream
    alone = {
        name: simulate(part.encode(clip).stream, Bernoulli(0.0), Delay(0.02), seed=1).playout_delay_s
        for name, part in together.parts.items()
    }
    delivery = simulate(stream, Bernoulli(0.0), Delay(0.02), seed=1)
    assert alone["speech"] < alone["video"]
    assert delivery.playout_delay_s == pytest.approx(alone["video"], abs=0.02)  # paced a little otherwise
    bursts = simulate(
        stream, GilbertElliott.from_params(loss_rate=0.3, mean_burst_length=20), Delay(0.02), seed=3
    )
    lost = bursts.lost[np.argsort(bursts.sent_s, kind="stable")]
    ssrc = np.array([parse(stream.packets[i])[0].ssrc for i in np.argsort(bursts.sent_s, kind="stable")])
    hit = [len(set(ssrc[a:b])) for a, b in runs(lost) if b - a > 8]
    assert max(hit) >= 2


def runs(lost):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], lost.astype(int), [0]])))
    return zip(edges[::2], edges[1::2], strict=True)


def test_rates_add_up_and_columns_of_equal_name_are_kept_apart(clip):
    together = system(ReedSolomon(0.5))
    encoded = together.encode(clip)
    stream, row = encoded.stream, encoded.columns
    delivery = simulate(stream, Bernoulli(0.1), Delay(0.02), seed=1)
    bits = sum(
        row[f"{name}_wire_bps"] * part.encode(clip).stream.duration_s for name, part in together.parts.items()
    )
    assert bits == pytest.approx(statistics(stream, delivery)["wire_bps"] * stream.duration_s)
    assert row["codec"] == "h264+opus-24000+text"
    assert (row["video_codec"], row["speech_codec"], row["words_codec"]) == ("h264", "opus-24000", "huffman")
    assert together.label == "h264+opus-24000+text-rs-0.5"
    own = system(NoCode(), video=VIDEO, words=WORDS | {"code": {"name": "rs", "code_rate": 0.25}})
    assert own.label == "h264+text-rs-0.25-none"
    assert {block.code.n for block in own.encode(clip).stream.blocks if block.code.n != block.code.k} == {24}


def test_options_and_session_survive_as_mapping_and_json(clip):
    params = SystemParams(
        video=VIDEO, speech="opus", words=WORDS | {"code": {"name": "rs", "code_rate": 0.25}}
    )
    assert params.model_dump()["words"]["code"] == {"name": "rs", "code_rate": 0.25}
    assert "code" not in params.model_dump()["speech"]
    assert SystemParams.model_validate(params.model_dump()) == params
    session = SystemEndpoint(params, NoCode()).encode(clip).session
    assert from_json(to_json(session), SystemSession) == session
    assert [stream.name for stream in session.streams] == ["video", "speech", "words"]


def test_the_parts_are_joined_by_the_timestamp_of_the_clips_start(clip):
    """The picture and the sound stay with their captions; a start that is told 60 ms later moves the sound by that."""
    score = PlayoutSkew().score
    for speech in (SPEECH, {"name": "aac"}):
        together = system(video=VIDEO, speech=speech)
        encoded = together.encode(clip)
        delivery = simulate(encoded.stream, Bernoulli(0.0), Delay(0.02), seed=1)
        whole = play(together, encoded, delivery, "cpu")
        assert score(clip, whole, Truth())["playout_skew_max_ms"] == 0
        video, sound = encoded.session.parts
        (line,) = sound.session.streams
        later = dataclasses.replace(
            line, first_timestamp=line.first_timestamp + round(0.06 * line.clock_rate)
        )
        sound = dataclasses.replace(sound, session=dataclasses.replace(sound.session, streams=(later,)))
        drifted = dataclasses.replace(encoded, session=SystemSession((video, sound)))
        delivery = dataclasses.replace(delivery, playout_delay_s=delivery.playout_delay_s + 0.06)
        moved = play(together, drifted, delivery, "cpu").clip.speech
        np.testing.assert_array_equal(moved, whole.clip.speech[960:])


@pytest.mark.parametrize(
    ("outcome", "mean", "greatest", "in_sync"),
    [
        ("www", 0, 0, 1),
        ("wff", 40, 80, 2 / 3),
        ("gwf", 20, 40, 2 / 3),
        ("gcw", 0, 0, 2 / 3),
        ("ggg", np.nan, np.nan, 0),
    ],
)
def test_skew_by_hand(outcome, mean, greatest, in_sync):
    names = {"w": "whole", "c": "concealed", "f": "frozen", "g": "grey"}
    seen = Clip("c", [None] * 3, 25.0, np.zeros(1920, np.float32))
    row = PlayoutSkew().score(seen, Playback(seen, tuple(names[letter] for letter in outcome)), Truth())
    expected = {"playout_skew_ms": mean, "playout_skew_max_ms": greatest, "playout_in_sync": in_sync}
    assert row == pytest.approx(expected, nan_ok=True)
    for late_s, unnoticed in ((0.12, 1), (0.13, 0), (-0.04, 1), (-0.05, 0)):
        heard = Playback(seen, ("whole",) * 3, sound_late_s=late_s)
        assert PlayoutSkew().score(seen, heard, Truth())["playout_in_sync"] == unnoticed
    mute = dataclasses.replace(seen, speech=None)
    assert PlayoutSkew().score(seen, Playback(mute, ("whole",) * 3), Truth()) == {}


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({"video": VIDEO}, "a system has two or three of video, speech and words"),
        ({"video": SPEECH, "words": WORDS}, "video: endpoint opus sends speech, not video"),
        ({"video": VIDEO, "speech": {"name": "opsu"}}, "speech: .*did you mean.*opus"),
        (
            {"video": VIDEO, "speech": {"name": "opus", "bitrate": 1}},
            "speech: bitrate: 1 bit/s; did you mean 1k",
        ),
        ({"video": VIDEO, "words": WORDS | {"code": "rsx"}}, "words: .*rsx"),
        ({"video": VIDEO, "sound": SPEECH}, "unknown key 'sound'"),
    ],
)
def test_mistakes_in_a_system_are_one_line_each(parts, line):
    scenario = {
        "name": "s",
        "endpoint": {"name": "system", **parts},
        "channel": {"name": "bernoulli", "loss_rate": 0},
    }
    with pytest.raises(ScenarioError, match=line) as error:
        check(scenario | {"metrics": []})
    assert len(str(error.value).splitlines()) <= 2


def test_a_clip_that_lacks_a_part_is_named(clip):
    with pytest.raises(ClipError, match="clip three has no sound, which opus sends"):
        system().encode(dataclasses.replace(clip, speech=None))
