"""What the screen shows is decided by what arrived, and by nothing else."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.endpoints.clip import Clip, ClipError
from lossweep.endpoints.codecs.audio.opus import OpusParams
from lossweep.endpoints.codecs.video.codec import CODECS
from lossweep.endpoints.codecs.video.decode import decode_block
from lossweep.endpoints.codecs.video.encode import encode
from lossweep.endpoints.codecs.video.endpoint import AV1Endpoint, H264Endpoint, H265Endpoint, VideoParams
from lossweep.endpoints.codecs.video.rate import Target, meet_rate
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.endpoints.receiver import receive
from lossweep.sim.simulate import simulate
from lossweep.sim.statistics import statistics

ENDPOINTS = {"h264": H264Endpoint, "h265": H265Endpoint, "av1": AV1Endpoint}
GOP = 8


@pytest.fixture(scope="module")
def clip():
    """A textured square that moves over a texture, 128x128, 24 frames."""
    rng = np.random.default_rng(1)
    ground = np.kron(rng.integers(60, 190, (16, 16, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    patch = np.kron(rng.integers(0, 255, (8, 8, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    video = np.stack([ground] * 24)
    for i, picture in enumerate(video):
        picture[40:72, 10 + 3 * i : 42 + 3 * i] = patch
    return Clip("square", video)


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LOSSWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def endpoint(codec, packetization="object", code=None):
    params = VideoParams(name=codec, quantizer=35, gop=GOP, packetization=packetization, max_payload_size=200)
    return ENDPOINTS[codec](params, code or NoCode())


def delivered(encoded, loss_rate=0.0, seed=1):
    return simulate(encoded.stream, Bernoulli(loss_rate), Delay(0.02), seed=seed)


def shown(encoded, delivery, codec="h264", lost=()):
    """What the receiver shows where the packets `lost` do not arrive either."""
    arrivals = [
        a
        for a in delivery.arrivals(encoded.stream)
        if a.data not in {encoded.stream.packets[i] for i in lost}
    ]
    received = receive(arrivals, encoded.session.streams, delivery.playout_delay_s)
    return ENDPOINTS[codec].decode(received, encoded.session)


@pytest.mark.parametrize("codec", ENDPOINTS)
@pytest.mark.parametrize("packetization", ["object", "rtp"])
def test_without_loss_every_frame_is_what_the_decoder_gives(clip, codec, packetization):
    encoded = endpoint(codec, packetization).encode(clip)
    playback = shown(encoded, delivered(encoded), codec)
    assert playback.outcome == ("whole",) * len(clip.video)
    error = np.stack(playback.clip.video).astype(float) - clip.video
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 24


@pytest.mark.parametrize("codec", ENDPOINTS)
@pytest.mark.parametrize("packetization", ["object", "rtp"])
def test_a_lost_idr_freezes_its_gop_and_no_other(clip, codec, packetization):
    encoded = endpoint(codec, packetization).encode(clip)
    second = encoded.stream.blocks[1]
    lost = range(second.first, second.first + (second.code.k if packetization == "object" else 1))
    playback = shown(encoded, delivered(encoded), codec, lost)
    assert playback.outcome == ("whole",) * GOP + ("frozen",) * GOP + ("whole",) * GOP
    assert set(playback.digests[GOP : 2 * GOP]) == {playback.digests[GOP - 1]}


@pytest.mark.parametrize("codec", ENDPOINTS)
def test_a_lost_last_packet_of_a_gop_does_not_cost_the_next_key_frame(clip, codec):
    encoded = endpoint(codec, "rtp").encode(clip)
    last = encoded.stream.blocks[1].first - 1
    playback = shown(encoded, delivered(encoded), codec, [last])
    assert set(playback.outcome[: GOP - 1]) == {"whole"}
    assert playback.outcome[GOP - 1] in ("frozen", "concealed")
    assert set(playback.outcome[GOP:]) == {"whole"}


def test_a_lost_first_packet_of_a_frame_damages_that_frame_and_not_the_one_before(clip):
    encoded = endpoint("h264", "rtp").encode(clip)
    times = encoded.stream.media_time_s
    first = int(np.flatnonzero(np.isclose(times, 3 / 25))[0])
    playback = shown(encoded, delivered(encoded), lost=[first])
    assert playback.outcome[:4] == ("whole", "whole", "whole", "frozen")


def test_before_the_first_picture_the_screen_is_grey(clip):
    encoded = endpoint("h264").encode(clip)
    playback = shown(encoded, delivered(encoded), lost=range(len(encoded.stream.packets)))
    assert set(playback.outcomes(24)) == {"grey"}
    assert np.all(np.stack(playback.pictures(range(24))) == 128)


def test_repair_packets_of_short_blocks_come_with_their_frame(clip):
    params = VideoParams(
        name="h264", quantizer=35, gop=GOP, packetization="rtp", max_payload_size=200, fec_frames=1
    )
    encoded = H264Endpoint(params, ReedSolomon(0.5)).encode(clip)
    assert len(encoded.stream.blocks) == len(clip.video)
    assert np.allclose(encoded.stream.available_s, encoded.stream.media_time_s)
    whole = H264Endpoint(params.model_copy(update={"fec_frames": "gop"}), ReedSolomon(0.5)).encode(clip)
    assert delivered(encoded).playout_delay_s < delivered(whole).playout_delay_s - 0.2
    assert set(shown(encoded, delivered(encoded, 0.1)).outcome) == {"whole"}


def test_blocks_with_a_key_frame_have_a_code_rate_of_their_own(clip):
    params = VideoParams(
        name="h264", quantizer=35, gop=GOP, packetization="rtp", max_payload_size=200, fec_frames=2
    )
    encoded = H264Endpoint(params, ReedSolomon(0.8, key_code_rate=0.4)).encode(clip)
    for place, block in enumerate(encoded.stream.blocks):
        rate = 0.4 if place % (GOP // 2) == 0 else 0.8
        assert block.code.n == math.ceil(block.code.k / rate - 1e-9)
    delivery = delivered(encoded, 0.3, seed=2)
    received = receive(delivery.arrivals(encoded.stream), encoded.session.streams, delivery.playout_delay_s)
    assert len(received) == np.count_nonzero(delivery.usable & delivery.source)


def test_interleaved_blocks_are_rebuilt_from_bytes_as_the_pattern_says(clip):
    params = VideoParams(name="h264", quantizer=35, gop=GOP, packetization="rtp", max_payload_size=100)
    encoded = H264Endpoint(params, ReedSolomon(0.6, interleave=3)).encode(clip)
    for seed in range(4):
        delivery = delivered(encoded, 0.35, seed=seed)
        assert delivery.recovered.any()
        received = receive(
            delivery.arrivals(encoded.stream), encoded.session.streams, delivery.playout_delay_s
        )
        assert len(received) == np.count_nonzero(delivery.usable & delivery.source)


@pytest.mark.parametrize("codec", ENDPOINTS)
def test_pictures_before_a_loss_do_not_depend_on_it(clip, codec):
    units = encode(CODECS[codec], clip.video, 25, GOP, 35, 128).access_units[:GOP]
    full = decode_block(CODECS[codec], units, b"", 128, 128)
    for count in range(1, GOP):
        part = decode_block(CODECS[codec], units[:count], b"", 128, 128)
        assert [p.digest for p in part] == [p.digest for p in full[:count]]


def test_concealment_is_the_same_whatever_was_decoded_before(clip):
    codec = CODECS["h264"]
    units = encode(codec, clip.video, 25, GOP, 25, 128).access_units
    cut = units[2][: len(units[2]) // 2]
    seen = set()
    for _ in range(4):
        decode_block.cache_clear()
        decode_block(codec, units[GOP : 2 * GOP], b"", 128, 128)
        pictures = decode_block(codec, units[:2], cut, 128, 128)
        seen.add(tuple(p.digest for p in pictures))
        assert [p.concealed for p in pictures] == [False, False, True]
    assert len(seen) == 1


@pytest.mark.parametrize("packetization", ["object", "rtp"])
def test_repaired_blocks_show_what_was_sent(clip, packetization):
    encoded = endpoint("h264", packetization, ReedSolomon(0.25)).encode(clip)
    clean = shown(encoded, delivered(encoded))
    lossy = delivered(encoded, 0.3, seed=3)
    assert lossy.lost.any()
    assert lossy.recovered.any()
    assert shown(encoded, lossy).digests == clean.digests


def test_bytes_are_the_same_each_time(clip):
    for codec in CODECS.values():
        first, second = (encode(codec, clip.video, 25, GOP, 40, 128) for _ in range(2))
        assert first == second


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda c: c.name)
def test_a_target_rate_is_met_or_the_miss_is_said(clip, codec):
    def at(quantizer):
        return encode(codec, clip.video, 25, 24, quantizer, 128)

    middle = at(40).bpp
    coded, note = meet_rate(codec, Target(middle), at)
    assert abs(coded.bpp / middle - 1) <= 0.03 or "nearest" in note
    floor, note = meet_rate(codec, Target(at(codec.quantizers[1]).bpp / 2), at)
    assert floor.quantizer == codec.quantizers[1]
    assert "floor" in note


@pytest.mark.parametrize(
    ("codec", "packetization", "code", "wanted"),
    [
        ("h264", "rtp", NoCode(), 60),
        ("h264", "object", ReedSolomon(0.5), 150),
        ("h265", "rtp", ReedSolomon(0.5), 250),
        ("av1", "rtp", ReedSolomon(2 / 3), 120),
    ],
)
def test_a_budget_of_the_wire_covers_headers_and_repair(clip, codec, packetization, code, wanted):
    def sent(bitrate, budget):
        params = VideoParams(
            name=codec, bitrate=f"{bitrate}k", budget=budget, gop=GOP, packetization=packetization
        )
        encoded = ENDPOINTS[codec](params, code).encode(clip)
        return encoded, statistics(encoded.stream, delivered(encoded))["wire_bps"]

    _, wire_bps = sent(wanted, "wire")
    assert wire_bps == pytest.approx(1000 * wanted, rel=0.05)
    encoded, more_bps = sent(40, "source")
    assert encoded.columns["bpp"] * 128 * 128 * clip.fps == pytest.approx(40_000, rel=0.05)
    assert more_bps > 44_000


@pytest.mark.parametrize(
    ("text", "bits"), [("500k", 500_000), ("1.5M", 1_500_000), ("64 kbit/s", 64_000), (9000, 9000)]
)
def test_bitrates_are_read_as_people_write_them(text, bits):
    assert VideoParams(name="h264", bitrate=text).bitrate == bits
    assert OpusParams(bitrate="16k").bitrate == 16_000


@pytest.mark.parametrize(
    "options",
    [
        {"bitrate": 500},
        {"bitrate": "0k"},
        {"bitrate": "5q"},
        {"quantizer": 40, "budget": "wire"},
        {"bpp": 0.1, "bitrate": "9k"},
    ],
)
def test_bitrates_that_mean_nothing_are_refused(options):
    with pytest.raises(ValidationError):
        VideoParams(name="h264", **options)


def test_a_clip_shorter_than_a_gop_is_refused(clip):
    with pytest.raises(ClipError, match="fewer than a GOP"):
        endpoint("h264").encode(Clip("short", clip.video[:3]))
