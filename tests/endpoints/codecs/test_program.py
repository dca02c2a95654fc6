"""VVC by the ffmpeg program: a picture per access unit, equal bytes, decoded by PyAV, and errors of one line."""

from dataclasses import replace

import numpy as np
import pytest

from lossweep.channels.errors import MissingPackage
from lossweep.endpoints.codecs.video.codec import H264, H266, EncodeError
from lossweep.endpoints.codecs.video.decode import decode_block
from lossweep.endpoints.codecs.video.encode import encode
from lossweep.experiments.clips import load_clips

FRAMES = 9


@pytest.fixture(scope="module")
def video():
    return load_clips("portrait", seconds=0.4, size=128)[0].video[:FRAMES]


def psnr(codec, video, quantizer):
    coded = encode(codec, video, 25, FRAMES, quantizer, 128)
    shown = decode_block(codec, coded.access_units, b"", 128, 128)
    assert len(shown) == len(coded.access_units) == FRAMES
    error = np.mean([np.mean((np.float64(a.pixels) - b) ** 2) for a, b in zip(shown, video, strict=True)])
    return 10 * np.log10(255**2 / error), sum(map(len, coded.access_units))


def test_it_decodes_and_a_finer_quantizer_is_nearer_to_the_pictures(video):
    fine, coarse = psnr(H266, video, 20), psnr(H266, video, 35)
    assert fine[0] > coarse[0] + 4
    assert fine[1] > 2 * coarse[1]
    assert encode(H266, video, 25, FRAMES, 35, 128) == encode(H266, video, 25, FRAMES, 35, 128)


def test_it_needs_fewer_bytes_than_h264_for_equal_pictures(video):
    points = np.array([psnr(H264, video, q) for q in (24, 28, 32, 36)])
    quality, size = psnr(H266, video, 30)
    assert size < np.exp(np.interp(quality, points[::-1, 0], np.log(points[::-1, 1])))


def test_pictures_after_a_missing_one_are_not_decoded(video):
    units = encode(H266, video, 25, FRAMES, 35, 128).access_units
    full = decode_block(H266, units, b"", 128, 128)
    assert decode_block(H266, units[:4], b"", 128, 128) == full[:4]


def test_what_cannot_be_is_one_line(video):
    with pytest.raises(MissingPackage, match="has no libnothing; name an ffmpeg") as error:
        encode(replace(H266, encoder="libnothing"), video, 25, FRAMES, 35, 128)
    assert "\n" not in str(error.value)
    with pytest.raises(EncodeError, match="does not encode 128x128") as error:
        encode(replace(H266, options=lambda gop, quantizer: {"qp": "900"}), video, 25, FRAMES, 35, 128)
    assert "\n" not in str(error.value)
