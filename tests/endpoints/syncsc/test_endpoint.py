"""SyncSC on the wire and on the screen, from the built-in clip."""

import dataclasses

import numpy as np
import pytest

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.endpoints.clip import ClipError
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.endpoints.syncsc.codes.family import PacSCFamily
from lossweep.endpoints.syncsc.endpoint import SyncSCEndpoint, SyncSCParams
from lossweep.endpoints.syncsc.extractor import ExtractorTracker
from lossweep.endpoints.syncsc.face_model import CROP, FaceModel
from lossweep.experiments.clips import load_clips
from lossweep.sim.simulate import simulate

FRAMES = 32


@pytest.fixture(scope="module")
def clip():
    (portrait,) = load_clips("portrait", seconds=2.0)
    return dataclasses.replace(portrait, video=portrait.video[:FRAMES])


def endpoint(code=None, **params):
    return SyncSCEndpoint(SyncSCParams(drawing="warp", **params), code or NoCode())


def sent(stream, loss, **options):
    return simulate(stream, Bernoulli(loss), Delay(0.04, 0.005), seed=1, **options)


@pytest.mark.parametrize("code", [NoCode(), ReedSolomon(0.5)])
@pytest.mark.parametrize(("group", "look_ahead"), [(1, 0), (4, 8)])
def test_without_loss_the_numbers_arrive_and_no_packet_is_late(clip, code, group, look_ahead):
    tried = endpoint(code, group=group, look_ahead=look_ahead)
    stream = tried.encode(clip)
    delivery = sent(stream, 0.0)
    received = tried.decode(stream, delivery)
    was, shown = received.semantics
    assert (was == shown).all()
    assert set(received.outcome) == {"whole"}
    assert not delivery.late.any()
    size = group * 2
    assert delivery.playout_delay_s >= (size + look_ahead) / clip.fps
    payload = 8 * sum(len(packet) - 12 for packet in stream.packets)
    assert payload == 16 * 16 * FRAMES / code.code_rate


def test_all_lost_the_reference_stays(clip):
    tried = endpoint()
    stream = tried.encode(clip)
    received = tried.decode(stream, sent(stream, 1.0))
    assert set(received.outcome[1:]) == {"concealed"}
    assert len(set(received.digests)) == 1
    assert np.abs(received.clip.video[5].astype(int) - clip.video[0]).mean() < 1.0


def test_more_loss_is_more_error(clip):
    tried = endpoint()
    stream = tried.encode(clip)
    errors = []
    for loss in (0.0, 0.4, 0.9):
        was, shown = tried.decode(stream, sent(stream, loss)).semantics
        errors.append(np.sqrt(np.mean((was - shown) ** 2)))
    assert errors[0] == 0 < errors[1] < errors[2]


def test_the_face_is_followed_where_it_goes(clip):
    tracker = ExtractorTracker.load()
    picture = clip.video[0]
    moved = [np.roll(picture, (i, -2 * i), (0, 1)) for i in range(6)]
    _, found = tracker.track([*moved, moved[-1]])
    assert (found[-1] - found[0])[CROP][:2] * 256 == pytest.approx([-10, 5], abs=1.5)
    model = FaceModel.load()
    assert np.abs((found[-1] - found[0]) / model.scale)[:6].mean() < 0.5


def test_no_face_or_several_is_one_line(clip):
    tried = endpoint()
    grey = dataclasses.replace(clip, name="fog", video=[np.full((256, 256, 3), 128, np.uint8)] * 3)
    with pytest.raises(ClipError, match=r"clip fog: no face in frame 0") as said:
        tried.encode(grey)
    assert "\n" not in str(said.value)
    half = clip.video[0][::2, ::2]
    pair = np.concatenate([half, half], 1)
    pair = np.concatenate([np.full_like(pair, 90)[:64], pair, np.full_like(pair, 90)[:64]])
    two = dataclasses.replace(clip, name="couple", video=[pair] * 2)
    with pytest.raises(ClipError, match=r"clip couple: several faces in frame 0.*largest"):
        tried.encode(two)
    endpoint(faces="largest").encode(two)


def test_what_it_cannot_send_is_refused(clip):
    with pytest.raises(ClipError, match="no pictures"):
        endpoint().encode(dataclasses.replace(clip, video=None))
    with pytest.raises(ClipError, match=r"128x128.*clip.size"):
        endpoint().encode(dataclasses.replace(clip, video=[p[::2, ::2] for p in clip.video]))
    with pytest.raises(ValueError, match="give it to the endpoint syncsc"):
        PacSCFamily(0.5).make(4)
