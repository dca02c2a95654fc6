"""SyncSC on the wire and on the screen, from the built-in clip."""

import dataclasses
from functools import lru_cache

import numpy as np
import pytest

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.channels.errors import OptionError
from lossweep.endpoints.clip import ClipError
from lossweep.endpoints.fec.code import CODES
from lossweep.endpoints.receiver import receive
from lossweep.endpoints.session import from_json, to_json
from lossweep.endpoints.syncsc import face_endpoint, packets
from lossweep.endpoints.syncsc.codes.family import PacSCFamily, PacSCSFamily
from lossweep.endpoints.syncsc.endpoint import SyncSCEndpoint, SyncSCParams
from lossweep.endpoints.syncsc.extractor import ExtractorTracker
from lossweep.endpoints.syncsc.face_model import CROP, FaceModel
from lossweep.endpoints.syncsc.session import FaceSession
from lossweep.endpoints.syncsc.tracker import Tracked
from lossweep.experiments.clips import load_clips
from lossweep.sim.simulate import simulate

FRAMES = 32


@pytest.fixture(scope="module")
def clip():
    (portrait,) = load_clips("portrait", seconds=2.0)
    return dataclasses.replace(portrait, video=portrait.video[:FRAMES])


@pytest.fixture
def talk(clip, monkeypatch):
    """The clip, read by a tracker that costs nothing: a smooth walk about the mean face."""

    def track(self, pictures):
        model, random = FaceModel.load(), np.random.default_rng(0)
        steps = random.normal(0, 0.1, (len(pictures), 16)).cumsum(0)
        return Tracked(np.zeros(80, np.float32), np.float32(model.centre + model.scale * steps))

    monkeypatch.setattr(SyncSCEndpoint, "_track", track)
    monkeypatch.setattr(face_endpoint, "_found", {})
    return clip


@lru_cache
def family(name):
    return CODES.get(name).from_params(**({} if name == "none" else {"code_rate": 0.5}))


def endpoint(code="none", **params):
    return SyncSCEndpoint(SyncSCParams(drawing="warp", **params), family(code))


def deliver(encoded, loss, seed=1, **options):
    return simulate(encoded.stream, Bernoulli(loss), Delay(0.04, 0.005), seed=seed, **options)


def received(encoded, delivery):
    arrivals = delivery.arrivals(encoded.stream)
    return receive(arrivals, encoded.session.streams, delivery.playout_delay_s)


def shown(encoded, loss, **options):
    return SyncSCEndpoint.decode(received(encoded, deliver(encoded, loss, **options)), encoded.session)


@pytest.mark.parametrize("code", ["none", "rs", "repetition", "pacsc-s"])
@pytest.mark.parametrize(("group", "look_ahead"), [(2, 0), (4, 8)])
def test_without_loss_the_coefficients_arrive_and_no_packet_is_late(talk, code, group, look_ahead):
    tried = endpoint(code, group=group, look_ahead=look_ahead)
    encoded = tried.encode(talk)
    delivery = deliver(encoded, 0.0)
    playback = SyncSCEndpoint.decode(received(encoded, delivery), encoded.session)
    assert (playback.semantics == encoded.truth.semantics).all()
    assert set(playback.outcome) == {"whole"}
    assert not delivery.late.any()
    assert delivery.playout_delay_s >= (group * 2 + look_ahead) / talk.fps
    payload = 8 * sum(len(packet) - 12 for packet in encoded.stream.packets)
    assert payload == 16 * 16 * FRAMES / tried.code.code_rate


def test_a_receiver_of_nothing_has_a_grey_screen(talk):
    playback = shown(endpoint("rs").encode(talk), 1.0)
    assert set(playback.outcome) == {"grey"}
    assert all((picture == 128).all() for picture in playback.clip.video)


def test_the_screen_is_grey_before_the_first_packet_and_keeps_the_last_block(talk):
    encoded = endpoint().encode(talk)
    delivery = deliver(encoded, 0.0)
    some = [packet for packet in received(encoded, delivery) if packet.number == 10]
    playback = SyncSCEndpoint.decode(some, encoded.session)
    seen = tuple("whole" if i in (18, 22) else "concealed" for i in range(8, 24))
    assert playback.outcome == ("grey",) * 8 + seen, "frames 8 to 15 look ahead to the block that arrived"
    assert (playback.clip.video[7] == 128).all()
    assert playback.digests[0] == playback.digests[7] != playback.digests[8]
    whole = SyncSCEndpoint.decode(received(encoded, delivery), encoded.session)
    assert playback.digests[18] == whole.digests[18]
    assert playback.outcomes(FRAMES)[24:] == ("frozen",) * (FRAMES - 24)


def test_more_loss_is_more_error(talk):
    encoded = endpoint().encode(talk)
    sent, errors = encoded.truth.semantics, []
    for loss in (0.0, 0.4, 0.9):
        found = shown(encoded, loss).semantics
        held = found[np.minimum(np.arange(FRAMES), len(found) - 1)]
        errors.append(np.sqrt(np.mean((sent - held) ** 2)))
    assert errors[0] == 0 < errors[1] < errors[2]


@pytest.mark.parametrize("code", ["none", "rs", "repetition", "pacsc-s", "pacsc"])
@pytest.mark.parametrize("look_ahead", [0, 5])
@pytest.mark.parametrize("late_s", [0.0, 0.03, 0.2])
def test_the_receiver_has_what_the_pattern_says(talk, code, look_ahead, late_s):
    """Rows that count, and frames that are whole, against the simulator's arrival pattern alone."""
    odd = dataclasses.replace(talk, video=talk.video[:29], fps=29.97)
    encoded = endpoint(code, look_ahead=look_ahead).encode(odd)
    code_of_rows = endpoint(code, look_ahead=look_ahead).face_code
    usual = deliver(encoded, 0.0).playout_delay_s
    for seed in range(3):
        delivery = deliver(encoded, 0.4, seed, playout_delay_s=usual - late_s)
        got = received(encoded, delivery)
        rows = packets.rows(got, code_of_rows, odd.fps)
        there = {(b, i) for b, block in enumerate(rows) for i, row in enumerate(block) if row is not None}
        in_time = np.flatnonzero(~delivery.lost & ~delivery.late)
        assert there == {(int(delivery.sbn[i]), int(delivery.esi[i])) for i in in_time}
        assert all(rows[b][i] == encoded.stream.packets[b * code_of_rows.block.n + i][12:] for b, i in there)
        if code in ("rs", "repetition", "none"):
            outcome = SyncSCEndpoint.decode(got, encoded.session).outcome
            for sbn, recovered in enumerate(_recovered(encoded.stream, delivery)[: len(rows)]):
                expected = [bool(recovered[frame % 4]) for frame in range(8)]
                assert [o == "whole" for o in outcome[8 * sbn : 8 * sbn + 8]] == expected


def _recovered(stream, delivery):
    in_time = ~delivery.lost & ~delivery.late
    return [block.code.recovers(in_time[block.packets]) for block in stream.blocks]


@pytest.mark.parametrize("code", ["rs", "pacsc-s", "pacsc"])
def test_damaged_packets_give_a_playback(talk, code):
    encoded = endpoint(code, look_ahead=2).encode(talk)
    delivery = deliver(encoded, 0.3)
    arrivals, random = list(delivery.arrivals(encoded.stream)), np.random.default_rng(0)
    for _ in range(20):
        damaged = list(arrivals)
        for i in random.integers(len(damaged), size=4):
            data = bytearray(damaged[i].data)
            data[random.integers(len(data))] ^= int(random.integers(1, 256))
            damaged[i] = dataclasses.replace(
                damaged[i], data=bytes(data[: random.integers(1, len(data) + 1)])
            )
        got = receive(damaged, encoded.session.streams, delivery.playout_delay_s)
        playback = SyncSCEndpoint.decode(got, encoded.session)
        assert (np.abs(playback.semantics) <= 16).all()
        assert len(playback.outcome) == len(playback.digests) == len(playback.clip.video) <= FRAMES


def test_the_session_is_json_and_all_that_a_receiver_needs(talk):
    encoded = endpoint("pacsc-s").encode(talk)
    session = from_json(to_json(encoded.session), FaceSession)
    assert session == encoded.session
    got = received(encoded, deliver(encoded, 0.4))
    here, there = (SyncSCEndpoint.decode(got, s) for s in (encoded.session, session))
    assert here.digests == there.digests
    assert (session.references[0].picture() == talk.video[0]).all()
    longer = dataclasses.replace(talk, video=[*talk.video, *talk.video[:8]])
    assert endpoint("pacsc-s").encode(longer).session == session


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
    with pytest.raises(OptionError, match="coding integers is for codes that protect packets"):
        SyncSCEndpoint(SyncSCParams(coding="integers"), PacSCSFamily(0.5))
