"""Words are chosen for the sentence, not gap by gap."""

import numpy as np

from lossweep.endpoints.text.mbr_decoding import MbrDecoder, breaks_before, casing_punct_so_far
from lossweep.endpoints.text.vocabulary import Vocabulary
from lossweep.endpoints.text.word_forms import CASING_PUNCT_CLASSES, MARKS

WORDS = Vocabulary(
    ("", "", "the", "of", "and", "electron"), (0, 0, 4000, 3000, 3000, 5), (0, 0, 4000, 3000, 3000, 5)
)
NO_MARK = np.eye(CASING_PUNCT_CLASSES, dtype=np.float32)[[0]]


def chosen(p: list[float], windows: int, breaks: bool = False, **constants: float) -> list[str]:
    words = np.tile(np.array([0, 0, *p], np.float32), (6, 1))
    decoder = MbrDecoder(WORDS, **constants)
    casing_punct, broken = np.repeat(NO_MARK, 6, 0), np.full(6, breaks)
    return [word for _ in range(windows) for word in decoder.decode(words, casing_punct, broken)]


def test_a_word_is_named_about_as_often_as_it_is_expected():
    counts = np.unique(
        chosen([0.3, 0.25, 0.25, 0.2], 1, word_weight=0.0, position_weight=1.0), return_counts=True
    )[1]
    assert sorted(counts) == [1, 1, 2, 2]


def test_each_sentence_begins_the_count_anew():
    words = chosen([0.4, 0.3, 0.2, 0.1], 1, breaks=True, word_weight=0.0)
    assert words == ["the"] * 6


def test_rare_words_are_preferred_where_they_are_worth_more():
    decoder = {"word_weight": 0.0}, {"word_weight": 1.5}
    few, many = (chosen([0.4, 0.3, 0.2, 0.1], 3, **constants).count("electron") for constants in decoder)
    assert few < many < 18


def test_a_certain_word_is_named_whatever_went_before():
    assert set(chosen([0.0, 1.0, 0.0, 0.0], 4, word_weight=4.0)) == {"of"}


def test_a_sentence_gets_about_one_full_stop():
    words = np.tile(np.array([0, 0, 0.4, 0.3, 0.2, 0.1], np.float32), (6, 1))
    casing_punct = np.zeros((6, CASING_PUNCT_CLASSES), np.float32)
    casing_punct[:, 0], casing_punct[:, MARKS.index(".")] = 11 / 12, 1 / 12
    decoder = MbrDecoder(WORDS)
    marked = [
        w for _ in range(200) for w in decoder.decode(words, casing_punct, np.zeros(6, bool)) if w[-1] == "."
    ]
    assert 60 < len(marked) < 200


def test_breaks_are_seen_between_missing_words_only():
    casing_punct = np.array([0, 2, 0, 0, 0, 2])
    missing = np.array([True, False, True, True, False, False])
    assert breaks_before(casing_punct, missing).tolist() == [False, True, False]


def test_shapes_are_counted_up_to_the_window_and_no_further():
    casing_punct = np.array([1, 0, 2, 3, 0, 5])
    missing = np.array([False, True, False, False, True, False])
    windows = np.array([0, 0, 0, 1, 1, 2])
    first, second = casing_punct_so_far(casing_punct, missing, windows, 0)
    assert np.allclose(first[:4], [1 / 3, 1 / 3, 1 / 3, 0])
    assert np.allclose(second[:4], 1 / 4)
    assert np.allclose(
        casing_punct_so_far(casing_punct, missing, windows, 1)[1][:6], [1 / 5] * 4 + [0, 1 / 5]
    )
