"""What the screen shows is decided by what arrived, and by nothing else."""

import dataclasses

import numpy as np
import pytest

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.endpoints.clip import Clip, ClipError
from lossweep.endpoints.codecs.video.codec import CODECS
from lossweep.endpoints.codecs.video.decode import decode_block
from lossweep.endpoints.codecs.video.encode import encode
from lossweep.endpoints.codecs.video.endpoint import AV1Endpoint, H264Endpoint, H265Endpoint, VideoParams
from lossweep.endpoints.codecs.video.rate import meet_rate
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.sim.simulate import simulate

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


def delivered(stream, loss_rate=0.0, seed=1):
    return simulate(stream, Bernoulli(loss_rate), Delay(0.02), seed=seed)


def without(delivery, lost):
    """The delivery with some packets not there."""
    usable = delivery.usable.copy()
    usable[lost] = False
    return dataclasses.replace(delivery, usable=usable)


@pytest.mark.parametrize("codec", ENDPOINTS)
@pytest.mark.parametrize("packetization", ["object", "rtp"])
def test_without_loss_every_frame_is_what_the_decoder_gives(clip, codec, packetization):
    sender = endpoint(codec, packetization)
    stream = sender.encode(clip)
    received = sender.decode(stream, delivered(stream))
    assert set(received.outcome) == {"whole"}
    error = np.stack(received.clip.video).astype(float) - clip.video
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 24


@pytest.mark.parametrize("codec", ENDPOINTS)
def test_a_lost_idr_freezes_its_gop_and_no_other(clip, codec):
    sender = endpoint(codec)
    stream = sender.encode(clip)
    second = stream.blocks[1]
    lost = without(delivered(stream), slice(second.first, second.first + second.code.k))
    received = sender.decode(stream, lost)
    assert received.outcome == ("whole",) * GOP + ("frozen",) * GOP + ("whole",) * GOP
    assert set(received.digests[GOP : 2 * GOP]) == {received.digests[GOP - 1]}


def test_before_the_first_picture_the_screen_is_grey(clip):
    sender = endpoint("h264")
    stream = sender.encode(clip)
    received = sender.decode(stream, without(delivered(stream), slice(None)))
    assert set(received.outcome) == {"grey"}
    assert np.all(np.stack(received.clip.video) == 128)


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
    sender = endpoint("h264", packetization, ReedSolomon(0.25))
    stream = sender.encode(clip)
    clean = sender.decode(stream, delivered(stream))
    lossy = delivered(stream, 0.3, seed=3)
    assert lossy.lost.any()
    assert lossy.recovered.any()
    assert sender.decode(stream, lossy).digests == clean.digests


def test_bytes_are_the_same_each_time(clip):
    for codec in CODECS.values():
        first, second = (encode(codec, clip.video, 25, GOP, 40, 128) for _ in range(2))
        assert first == second


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda c: c.name)
def test_a_target_rate_is_met_or_the_miss_is_said(clip, codec):
    def at(quantizer):
        return encode(codec, clip.video, 25, 24, quantizer, 128)

    middle = at(40).bpp
    coded, note = meet_rate(codec, middle, at)
    assert abs(coded.bpp / middle - 1) <= 0.03 or "nearest" in note
    floor, note = meet_rate(codec, at(codec.quantizers[1]).bpp / 2, at)
    assert floor.quantizer == codec.quantizers[1]
    assert "floor" in note


def test_a_clip_shorter_than_a_gop_is_refused(clip):
    with pytest.raises(ClipError, match="fewer than a GOP"):
        endpoint("h264").encode(Clip("short", clip.video[:3]))
