"""Words are chosen for the sentence, not gap by gap."""

import numpy as np

from lossweep.endpoints.text.mbr_decoding import Chooser, breaks_before, shapes_so_far
from lossweep.endpoints.text.vocabulary import Vocabulary
from lossweep.endpoints.text.word_forms import MARKS, SHAPES

WORDS = Vocabulary(
    ("", "", "the", "of", "and", "electron"), (0, 0, 4000, 3000, 3000, 5), (0, 0, 4000, 3000, 3000, 5)
)
NO_MARK = np.eye(SHAPES, dtype=np.float32)[[0]]


def chosen(p: list[float], windows: int, breaks: bool = False, **constants: float) -> list[str]:
    words = np.tile(np.array([0, 0, *p], np.float32), (6, 1))
    chooser = Chooser(WORDS, **constants)
    shapes, broken = np.repeat(NO_MARK, 6, 0), np.full(6, breaks)
    return [word for _ in range(windows) for word in chooser.window(words, shapes, broken)]


def test_a_word_is_named_about_as_often_as_it_is_expected():
    counts = np.unique(chosen([0.3, 0.25, 0.25, 0.2], 1, content=0.0, exact=1.0), return_counts=True)[1]
    assert sorted(counts) == [1, 1, 2, 2]


def test_each_sentence_begins_the_count_anew():
    words = chosen([0.4, 0.3, 0.2, 0.1], 1, breaks=True, content=0.0)
    assert words == ["the"] * 6


def test_rare_words_are_preferred_where_they_are_worth_more():
    chooser = {"content": 0.0}, {"content": 1.5}
    few, many = (chosen([0.4, 0.3, 0.2, 0.1], 3, **constants).count("electron") for constants in chooser)
    assert few < many < 18


def test_a_certain_word_is_named_whatever_went_before():
    assert set(chosen([0.0, 1.0, 0.0, 0.0], 4, content=4.0)) == {"of"}


def test_a_sentence_gets_about_one_full_stop():
    words = np.tile(np.array([0, 0, 0.4, 0.3, 0.2, 0.1], np.float32), (6, 1))
    shapes = np.zeros((6, SHAPES), np.float32)
    shapes[:, 0], shapes[:, MARKS.index(".")] = 11 / 12, 1 / 12
    chooser = Chooser(WORDS)
    marked = [w for _ in range(200) for w in chooser.window(words, shapes, np.zeros(6, bool)) if w[-1] == "."]
    assert 60 < len(marked) < 200


def test_breaks_are_seen_between_missing_words_only():
    shapes = np.array([0, 2, 0, 0, 0, 2])
    missing = np.array([True, False, True, True, False, False])
    assert breaks_before(shapes, missing).tolist() == [False, True, False]


def test_shapes_are_counted_up_to_the_window_and_no_further():
    shapes = np.array([1, 0, 2, 3, 0, 5])
    missing = np.array([False, True, False, False, True, False])
    windows = np.array([0, 0, 0, 1, 1, 2])
    first, second = shapes_so_far(shapes, missing, windows, 0)
    assert np.allclose(first[:4], [1 / 3, 1 / 3, 1 / 3, 0])
    assert np.allclose(second[:4], 1 / 4)
    assert np.allclose(shapes_so_far(shapes, missing, windows, 1)[1][:6], [1 / 5] * 4 + [0, 1 / 5])
