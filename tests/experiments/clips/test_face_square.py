"""The square around the face: found where a face is, the centre square elsewhere, always 256x256."""

import av
import numpy as np
import pytest
from skimage import data
from skimage.transform import resize

from lossweep.endpoints.clip import Clip
from lossweep.experiments.check import check
from lossweep.experiments.clips import load_clips
from lossweep.experiments.clips.face_square import SUBJECT, face_square, square_box
from lossweep.experiments.evaluator import Evaluator

LEFT, TOP, SIDE = 700, 120, 500


@pytest.fixture(scope="module")
def scene():
    """A portrait (its face is at 0.44, 0.24 of it and 0.22 high) off the middle of 1280x720."""
    picture = np.full((720, 1280, 3), 90, np.uint8)
    portrait = resize(data.astronaut(), (SIDE, SIDE), anti_aliasing=True) * 255
    picture[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = portrait.astype(np.uint8)
    return picture


@pytest.fixture(scope="module")
def close_up():
    """The same portrait so near that its face is 302 pixels high, at (850, 380) of 1280x720."""
    side = 1375
    portrait = (resize(data.astronaut(), (side, side), order=1) * 255).astype(np.uint8)
    left, top = round(850 - 0.44 * side), round(380 - 0.24 * side)
    picture = np.full((720, 1280, 3), 90, np.uint8)
    picture[top:, left:] = portrait[: 720 - top, : 1280 - left]
    return picture


def test_the_face_is_inside_the_square_and_fills_half_of_it(scene):
    box, note = square_box([scene])
    x, y, face = LEFT + 0.44 * SIDE, TOP + 0.24 * SIDE, 0.22 * SIDE
    assert box.width == box.height
    assert face / box.height == pytest.approx(0.56, abs=0.08)
    assert (x - box.left) / box.width == pytest.approx(0.5, abs=0.08)
    assert (y - box.top) / box.height == pytest.approx(0.56, abs=0.08)
    assert f"cropped to the face, {box} of 1280x720" == note


def test_a_clip_becomes_256x256_and_says_so(scene):
    clip, note = face_square(Clip("talk", video=np.stack([scene, scene]), fps=30.0))
    assert (clip.video.shape, clip.fps) == ((2, 256, 256, 3), 30.0)
    assert note.startswith("clip talk: cropped to the face")
    assert note.endswith("scaled to 256x256")


def _written(path, scene, frames):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 1280, 720, "yuv420p", 9_000_000
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene)))
        container.mux(stream.encode(None))
    return path


def test_only_endpoints_that_need_it_get_the_square_and_say_so(scene, tmp_path):
    path = _written(tmp_path / "talk.mkv", scene, 4)
    h264 = {"name": "h264", "quantizer": 40, "gop": 4}
    syncsc = {"name": "syncsc", "drawing": "warp"}
    common = {"name": "t", "channel": {"name": "bernoulli", "loss_rate": 0}, "metrics": ["psnr"]}
    scenario = check(common | {"clip": str(path), "endpoint": [h264, syncsc]})
    evaluator = Evaluator(scenario.metrics)
    conventional, semantic = scenario.cells()
    assert [cell.needs_square() for cell in (conventional, semantic)] == [False, True]
    assert evaluator.restore(conventional)[1].clip.video[0].shape == (720, 1280, 3)
    assert evaluator.evaluate(conventional).notes == ()
    result = evaluator.evaluate(semantic)
    (note,) = result.notes
    assert note.startswith("syncsc-warp: clip talk: cropped to the face")
    assert note.endswith("of 1280x720, scaled to 256x256")
    assert result.row["psnr"] > 20
    part = {"name": "system", "video": syncsc, "speech": "opus"}
    (cell,) = check(common | {"endpoint": part}).cells()
    assert cell.needs_square()


def test_a_file_is_cropped_to_a_large_face(close_up, tmp_path):
    path = _written(tmp_path / "talk.mkv", close_up, 2)
    (own,), (square,) = load_clips(str(path)), load_clips(str(path), size=256)
    expected, note = face_square(own)
    assert own.video.shape == (2, 720, 1280, 3)
    assert square.video.shape == (2, 256, 256, 3)
    assert square.notes[0].startswith("cropped to the face")
    assert note.startswith("clip talk: cropped to the face")
    assert np.abs(square.video.astype(int) - expected.video).mean() < 6


def test_a_file_with_a_small_face_is_cropped_to_the_centre(scene, tmp_path):
    path = _written(tmp_path / "walk.mkv", scene, 2)
    (own,), (square,) = load_clips(str(path)), load_clips(str(path), size=256)
    (note,) = square.notes
    assert note.startswith("a face of 1")
    assert note.endswith(
        "less than 40 %: cropped to the centre square, 720x720 at (280, 0) of 1280x720, scaled to 256x256"
    )
    centre = resize(own.video[0][:, 280:1000] / 255, (256, 256), anti_aliasing=True) * 255
    assert np.abs(square.video[0] - centre).mean() < 6


def test_a_face_in_half_of_the_pictures_is_none(close_up):
    empty = np.full_like(close_up, 90)
    assert square_box([close_up, close_up, empty], SUBJECT)[1].startswith("cropped to the face")
    box, note = square_box([close_up, empty], SUBJECT)
    assert str(box) == "720x720 at (280, 0)"
    assert note.startswith("no face found")


def test_without_a_face_the_centre_square_is_taken():
    pictures = np.zeros((2, 90, 160, 3), np.uint8)
    pictures[:, :, 35:125] = 200
    clip, note = face_square(Clip("room", video=pictures))
    assert clip.video.min() > 190
    assert "no face found" in note


def test_256x256_and_sound_alone_are_left_as_they_are():
    square, silent = Clip("a", video=np.zeros((1, 256, 256, 3), np.uint8)), Clip("b")
    assert face_square(square) == (square, "")
    assert face_square(silent) == (silent, "")
