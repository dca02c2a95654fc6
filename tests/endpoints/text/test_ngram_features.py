"""Counts, what they say at a gap, and that each gap goes through the network once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lossweep.endpoints.text.ngram_features import (
    CACHES,
    CONTEXTS,
    DISCOUNT,
    FAINT,
    NgramFeatures,
    lecture_followers,
)
from lossweep.endpoints.text.textpc import _spans
from lossweep.endpoints.text.vocabulary import MASK
from lossweep.experiments.training.text.train import count_ngrams

SIZE = 9
FREQUENCY = np.array([0, 0, 0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05])


def lecture(seed: int, words: int = 400) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, SIZE, words)


def said(features) -> dict[tuple[int, int, int], float]:
    keys = zip(features.gap.tolist(), features.feature.tolist(), features.word.tolist(), strict=True)
    return dict(zip(keys, features.value.tolist(), strict=True))


def test_witnesses_say_what_counting_by_hand_gives():
    lectures = [lecture(1), lecture(2)]
    text = lecture(3, 60)
    text[[20, 21, 40]] = MASK
    windows, gaps = np.arange(60) // 6, np.flatnonzero(text == MASK)
    got = said(NgramFeatures(count_ngrams(lectures, []), FREQUENCY).at(text, windows, gaps))
    expected = {}
    for number, (kind, free, places) in enumerate(CONTEXTS):
        if kind.startswith("chemistry"):
            continue
        offsets = {"pairs": (0, 1), "skips": (0, 2), "triples": (0, 1, 2)}[kind]
        for i, gap in enumerate(gaps.tolist()):
            around = [gap + place for place in places]
            if any(text[a] < 2 or windows[a] > windows[gap] for a in around):
                continue
            wanted = text[around].tolist()
            counts = np.zeros(SIZE, int)
            for ids in lectures:
                for at in range(len(ids) - offsets[-1]):
                    gram = [int(ids[at + o]) for o in offsets]
                    word = gram.pop(free)
                    if gram == wanted and word >= 2:
                        counts[word] += 1
            counts[counts < 2] = 0
            for word in np.flatnonzero(counts).tolist():
                mass = DISCOUNT * np.count_nonzero(counts) * FREQUENCY[word]
                expected[i, number, word] = np.log1p((counts[word] - DISCOUNT) / mass)
    for number, (half_life, backed) in enumerate(CACHES, len(CONTEXTS)):
        for i, gap in enumerate(gaps.tolist()):
            end = (windows[gap] + 1) * 6
            weight = np.zeros(SIZE)
            for at in range(end):
                if text[at] >= 2:
                    weight[text[at]] += 0.5 ** ((end - at) / half_life)
            for word in np.flatnonzero(weight > FAINT).tolist():
                expected[i, number, word] = np.log1p(weight[word] / backed / FREQUENCY[word])
    assert got.keys() == expected.keys()
    assert np.allclose([got[k] for k in expected], list(expected.values()), rtol=1e-4)


def test_a_text_learns_from_counts_without_its_own_lecture():
    others, own = [lecture(1), lecture(2)], lecture(3)
    text = own[:60].copy()
    text[::4] = MASK
    windows, gaps = np.arange(60) // 6, np.flatnonzero(text == MASK)
    every, rest = ([*others, own], others)
    left_out = NgramFeatures(count_ngrams([], every), FREQUENCY).at(
        text, windows, gaps, own=lecture_followers(own, SIZE, True)
    )
    never_counted = NgramFeatures(count_ngrams([], rest), FREQUENCY).at(text, windows, gaps)
    assert np.allclose(left_out.known, never_counted.known)
    left, never = said(left_out), said(never_counted)
    assert left.keys() == never.keys()
    assert np.allclose([left[k] for k in never], list(never.values()))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=80), st.integers(0, 3), st.data())
def test_each_gap_goes_through_the_network_once_with_context(sizes, ahead, data):
    windows = np.repeat(np.arange(len(sizes)), sizes)
    missing = np.array(data.draw(st.lists(st.booleans(), min_size=len(windows), max_size=len(windows))))
    gaps = np.flatnonzero(missing)
    filled = np.zeros(len(windows), int)
    for begin, first, end in _spans(windows, gaps, 120, ahead):
        assert begin <= first < end <= begin + 120
        assert first - begin >= min(30, first)
        inside = (windows >= windows[first]) & (np.arange(len(windows)) < end)
        filled += missing & (inside if not ahead else windows == windows[first])
        if ahead:
            assert windows[end - 1] == min(windows[first] + ahead, windows[-1])
    assert (filled[gaps] == 1).all()
