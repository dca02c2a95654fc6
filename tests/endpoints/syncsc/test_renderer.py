"""Renderers: points go where they are told to, and each picture depends on its own coefficients alone."""

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.syncsc.face_model import FaceModel
from lossweep.endpoints.syncsc.generator import generator
from lossweep.endpoints.syncsc.generator.conditioning import REACH, signed_distance
from lossweep.endpoints.syncsc.generator.generator import Generator
from lossweep.endpoints.syncsc.generator.renderer import BareWarp
from lossweep.endpoints.syncsc.generator.warp import LEADING, SIDE, motion, warp
from lossweep.endpoints.syncsc.lazy_frames import Reference, RenderedFrames


@pytest.fixture(scope="module")
def face():
    model = FaceModel.load()
    rng = np.random.default_rng(1)
    identity = rng.normal(0, 0.5, 80)
    coefficients = np.float32(model.centre + 0.5 * model.scale * rng.normal(size=(4, 16)))
    smooth = np.kron(rng.integers(0, 255, (16, 16, 3)), np.ones((16, 16, 1)))
    return np.uint8(smooth), identity, coefficients


def test_points_that_stay_leave_the_picture(face):
    picture, identity, coefficients = face
    points = FaceModel.load().landmarks(identity, coefficients[0])
    assert np.abs(warp(picture, points, points[None])[0].astype(int) - picture).max() <= 1


def test_the_field_takes_each_leading_point_back_to_where_it_was(face):
    _, identity, coefficients = face
    model = FaceModel.load()
    start, end = model.landmarks(identity, coefficients[:2])
    field = motion(start, end[None], grid=SIDE)[0]
    at = np.round(end[list(LEADING), :2] - 0.5).astype(int).clip(0, SIDE - 1)
    back = end[list(LEADING), :2] + field[:, at[:, 1], at[:, 0]].T
    assert np.median(np.linalg.norm(back - start[list(LEADING), :2], axis=1)) < 1.0
    assert np.abs(field[:, 0]).max() < 2.0


def test_distance_from_an_outline_against_a_dense_polygon():
    rng = np.random.default_rng(2)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 12))
    outline = 128 + np.column_stack([np.cos(angle), np.sin(angle)]) * rng.uniform(20, 60, (12, 1))
    line = (np.arange(64) + 0.5) * 4
    cells = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    share = np.linspace(0, 1, 400)[:, None, None]
    dense = (outline * (1 - share) + np.roll(outline, -1, 0) * share).reshape(-1, 2)
    distance = np.linalg.norm(cells[:, None] - dense, axis=-1).min(1)
    inside = Outline(outline).contains_points(cells)
    expected = np.where(inside, distance, -distance).reshape(64, 64)
    found = signed_distance(outline)
    near = np.abs(expected) < REACH
    assert np.abs(found - expected)[near].max() < 0.2
    assert (found[expected < -REACH] <= -REACH + 0.2).all()


def test_a_picture_is_the_same_in_any_company(face):
    picture, identity, coefficients = face
    drawing = Generator.load()
    together = drawing.draw(picture, coefficients[0], identity, coefficients)
    for i in (3, 1):
        alone = drawing.draw(picture, coefficients[0], identity, coefficients[i])
        assert (alone[0] == together[i]).all()


def test_pictures_are_drawn_when_asked_for_and_once(face):
    picture, identity, coefficients = face
    drawn = []

    class Counting(BareWarp):
        def draw(self, reference, here, who, wanted):
            drawn.append(len(wanted))
            return super().draw(reference, here, who, wanted)

    known = Reference(picture, identity, coefficients[0])
    rows = coefficients[[1, 2, 1, 3]]
    pictures = RenderedFrames(Counting(), "counting", [known], rows, np.ones((4, 1)))
    assert drawn == []
    pictures.draw([0, 2])
    assert drawn == [1]
    assert (pictures[0] == pictures[2]).all()
    again = RenderedFrames(Counting(), "counting", [known], rows, np.ones((4, 1)))
    assert len(list(again)) == 4
    assert drawn == [1, 2]
    assert pictures.digests[0] == pictures.digests[2] != pictures.digests[1]


def test_weights_that_are_missing_or_broken_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"missing.*train generator"):
        generator.load_network(tmp_path / "no.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not weights")
    with pytest.raises(WeightsError, match=r"broken.safetensors is broken"):
        generator.load_network(broken)
