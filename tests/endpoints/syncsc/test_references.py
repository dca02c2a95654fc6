"""Reference pictures: which are shared, and from which a frame is drawn."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.receiver import receive
from lossweep.endpoints.session import from_json, to_json
from lossweep.endpoints.syncsc import face_endpoint
from lossweep.endpoints.syncsc.endpoint import SyncSCEndpoint, SyncSCParams
from lossweep.endpoints.syncsc.face_model import CROP, EXPRESSION, EYES, ROTATION, FaceModel
from lossweep.endpoints.syncsc.generator.renderer import BareWarp
from lossweep.endpoints.syncsc.references import BLEND, FAR, choose, looks, shares, turned_away, turns
from lossweep.endpoints.syncsc.session import FaceSession
from lossweep.endpoints.syncsc.tracker import Tracked
from lossweep.experiments.clips import load_clips
from lossweep.sim.simulate import simulate

FRAMES = 24
IDENTITY = np.zeros(80)


@pytest.fixture(scope="module")
def clip():
    (portrait,) = load_clips("portrait", seconds=2.0)
    return dataclasses.replace(portrait, video=portrait.video[:FRAMES])


@pytest.fixture
def turning(clip, monkeypatch):
    """The clip, read by a tracker that sees a head turn from -0.5 to 0.5 rad."""

    def track(self, pictures):
        rows = np.repeat(FaceModel.load().centre[None], len(pictures), 0)
        rows[:, ROTATION] = 0
        rows[:, ROTATION.start + 1] = np.linspace(-0.5, 0.5, FRAMES)[: len(pictures)]
        return Tracked(np.zeros(80, np.float32), rows)

    monkeypatch.setattr(SyncSCEndpoint, "_track", track)
    monkeypatch.setattr(face_endpoint, "_found", {})
    return clip


def encode(clip, **options):
    return SyncSCEndpoint(SyncSCParams(drawing="warp", **options), NoCode()).encode(clip)


def shown(encoded, session=None, loss=0.0):
    delivery = simulate(encoded.stream, Bernoulli(loss), Delay(0.04), seed=1)
    got = receive(delivery.arrivals(encoded.stream), encoded.session.streams, delivery.playout_delay_s)
    return SyncSCEndpoint.decode(got, session or encoded.session)


def coefficients(**parts):
    row = FaceModel.load().centre.astype(float).copy()
    for part, value in parts.items():
        row[{"turn": ROTATION, "place": CROP, "eyes": EYES, "expression": EXPRESSION}[part]] = value
    return row


@given(
    st.lists(st.tuples(*[st.integers(-3, 3)] * 2), min_size=1, max_size=12),
    st.integers(1, 4),
)
def test_farthest_first(points, count):
    rows = np.array(points, float)
    chosen = choose(rows, count)
    assert chosen[0] == 0
    assert len(chosen) == min(count, len({tuple(p) for p in points}))
    assert len({tuple(rows[i]) for i in chosen}) == len(chosen), "no picture twice"
    for step in range(1, len(chosen)):
        away = np.linalg.norm(rows[:, None] - rows[chosen[:step]][None], axis=-1).min(1)
        assert away[chosen[step]] == away.max()
        assert chosen[step] == away.argmax(), "the earliest of equals"


def test_a_frame_is_drawn_from_what_looks_like_it():
    rows = np.stack([coefficients(turn=(0, angle, 0)) for angle in (-0.5, 0.0, 0.5)])
    assert (shares(IDENTITY, rows, rows) == np.eye(3)).all()
    assert (shares(IDENTITY, rows[:1], rows) == 1).all()
    half = coefficients(turn=(0, 0.25, 0))[None]
    assert shares(IDENTITY, rows, half)[0] == pytest.approx([0, 0.5, 0.5], abs=1e-4)
    assert shares(IDENTITY, rows[[2, 0, 2]], rows[2:])[0].tolist() == [0.5, 0, 0.5]


def test_shares_do_not_jump_and_the_nearest_has_most():
    random = np.random.default_rng(0)
    rows = np.stack([coefficients(turn=turn) for turn in random.uniform(-0.2, 0.2, (4, 3))])
    ends = random.uniform(-0.3, 0.3, (2, 3))
    steps = 2000
    path = np.stack([coefficients(turn=turn) for turn in np.linspace(*ends, steps)])
    parts = shares(IDENTITY, rows, path)
    assert parts.sum(1) == pytest.approx(1)
    assert ((parts > 0) & (parts < 1)).any()
    longest = np.linalg.norm(ends[1] - ends[0]) / steps
    assert np.abs(np.diff(parts, axis=0)).max() <= 4 * longest / BLEND
    away = np.linalg.norm(looks(IDENTITY, path)[:, None] - looks(IDENTITY, rows)[None], axis=-1)
    assert (parts.argmax(1) == away.argmin(1)).all()
    assert (parts[away > away.min(1, keepdims=True) + BLEND] == 0).all()


@given(st.floats(-0.8, 0.8), st.floats(-0.8, 0.8), st.floats(-0.3, 0.3), st.floats(0, 0.5))
def test_the_distance_is_what_the_page_says(first, second, shift, eyes):
    here = coefficients(turn=(0, first, 0), place=(0, 0, -1), eyes=0.2)
    there = coefficients(turn=(0, second, 0), place=(shift, 0, -1), eyes=eyes)
    a, b = looks(IDENTITY, np.stack([here, there]))
    (turn,) = turns(there[None], here)
    assert turn == pytest.approx(np.degrees(abs(first - second)), abs=1e-3)
    chord = 2 * np.sin(abs(first - second) / 2)
    expected = np.sqrt(chord**2 + (2 * shift) ** 2 + ((eyes - 0.2) / 4) ** 2)
    opening = abs(a[5] - b[5])  # the lids carry the lips a little
    assert np.linalg.norm(a - b) == pytest.approx(np.hypot(expected, opening), abs=1e-6)


def test_an_open_mouth_is_far_from_a_closed_one_and_a_tilted_head_is_no_turn():
    still = coefficients(turn=(0, 0, 0))
    spoken = [coefficients(turn=(0, 0, 0), expression=3 * np.eye(6)[i]) for i in range(6)]
    away = np.linalg.norm(looks(IDENTITY, np.stack(spoken)) - looks(IDENTITY, still[None]), axis=1)
    assert away.max() > 0.05
    assert turns(coefficients(turn=(0, 0, 0.7))[None], still) == pytest.approx([0], abs=1e-4)


def test_one_reference_is_the_first_frame_and_every_picture_is_drawn_from_it(turning):
    encoded = encode(turning)
    (only,) = encoded.session.references
    assert (only.picture() == turning.video[0]).all()
    assert encoded.columns["reference_bytes"] == len(only.png)
    assert SyncSCEndpoint(SyncSCParams(drawing="warp"), NoCode()).label == "syncsc-warp-none"
    playback = shown(encoded)
    wanted = SyncSCEndpoint.scaling().coefficients(playback.semantics)
    drawn = BareWarp().draw(turning.video[0], wanted[0], np.zeros(80), wanted)
    assert all((a == b).all() for a, b in zip(playback.clip.video, drawn, strict=True))


def test_more_references_are_the_far_ends_and_each_frame_is_drawn_from_the_nearest(turning):
    encoded = encode(turning, references=3)
    pictures = [one.picture() for one in encoded.session.references]
    assert (pictures[0] == turning.video[0]).all()
    assert (pictures[1] == turning.video[-1]).all()
    middle = [i for i in (FRAMES // 2 - 1, FRAMES // 2) if (pictures[2] == turning.video[i]).all()]
    assert middle
    assert encoded.columns["reference_bytes"] == sum(len(one.png) for one in encoded.session.references)
    assert SyncSCEndpoint(SyncSCParams(references=3), NoCode()).label == "syncsc-r3-none"
    playback = shown(encoded)
    for i in (0, FRAMES - 1, middle[0]):
        assert np.abs(playback.clip.video[i].astype(int) - turning.video[i]).max() <= 1
    same = shown(encode(turning))
    for i in range(4):
        assert (playback.clip.video[i] == same.clip.video[i]).all(), "near the first frame nothing changes"
    assert (playback.clip.video[FRAMES - 1] != same.clip.video[FRAMES - 1]).any()
    assert (playback.semantics == same.semantics).all()
    assert [bytes(p) for p in encoded.stream.packets] == [bytes(p) for p in encode(turning).stream.packets]


def test_the_receiver_needs_the_session_alone(turning):
    encoded = encode(turning, references=4)
    session = from_json(to_json(encoded.session), FaceSession)
    assert session == encoded.session
    for loss in (0.0, 0.3, 1.0):
        assert shown(encoded, session, loss).digests == shown(encoded, None, loss).digests


def test_a_short_or_still_clip_has_fewer_references(turning, monkeypatch):
    short = dataclasses.replace(turning, video=turning.video[:2])
    assert len(encode(short, references=4).session.references) == 2

    def still(self, pictures):
        return Tracked(np.zeros(80, np.float32), np.repeat(FaceModel.load().centre[None], len(pictures), 0))

    monkeypatch.setattr(SyncSCEndpoint, "_track", still)
    monkeypatch.setattr(face_endpoint, "_found", {})
    encoded = encode(turning, references=4)
    assert len(encoded.session.references) == 1
    assert encoded.columns["head_turn"] == 0
    assert encoded.columns["reference_note"] is None


def test_a_head_that_turns_far_away_is_named_with_what_to_do(turning):
    encoded = encode(turning)
    assert encoded.columns["head_turn"] == pytest.approx(np.degrees(1), abs=0.5)
    assert "references: 3" in encoded.columns["reference_note"]
    more = encode(turning, references=3)
    assert more.columns["head_turn"] < np.degrees(0.28)
    assert turned_away(FAR - 1, 1) is None
    assert "references: 3" not in turned_away(FAR + 1, 3)


@pytest.mark.parametrize("count", [0, 5, 1.5])
def test_other_numbers_are_refused(count):
    with pytest.raises(ValidationError, match="references"):
        SyncSCParams(references=count)


def test_between_two_references_the_picture_is_their_mean(turning):
    encoded = encode(turning, references=2)
    i = FRAMES // 2
    playback = shown(encoded)
    wanted = SyncSCEndpoint.scaling().coefficients(playback.semantics)
    known = wanted[[0, FRAMES - 1]]
    (part,) = shares(IDENTITY, known, wanted[[i]])
    assert 0 < part.min() < 0.5
    drawn = [BareWarp().draw(turning.video[j], wanted[j], IDENTITY, wanted[[i]])[0] for j in (0, FRAMES - 1)]
    mean = part[0] * drawn[0].astype(float) + part[1] * drawn[1]
    assert np.abs(playback.clip.video[i] - mean).max() <= 0.51
