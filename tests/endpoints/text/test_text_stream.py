"""The text stream: bits come back, what arrived is not changed, and filling is causal."""

from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.channels.errors import WeightsError
from lossweep.endpoints.clip import Clip, ClipError, Word
from lossweep.endpoints.fec.code import CODES
from lossweep.endpoints.receiver import ReceivedPacket, receive
from lossweep.endpoints.text import huffman, weights
from lossweep.endpoints.text.concealment import concealment
from lossweep.endpoints.text.endpoint import PAUSE_S, TextEndpoint, TextParams, window_ends
from lossweep.endpoints.text.interleaving import order
from lossweep.endpoints.text.payload import (
    LONGEST_S,
    SHORTEST_S,
    WordError,
    WordPayload,
    depacketize,
    field_bits,
    packetize,
)
from lossweep.endpoints.text.received_words import in_order
from lossweep.endpoints.text.word_forms import MARKS, analyse, compose
from lossweep.experiments.evaluator import play
from lossweep.experiments.training.text.loss_masks import draw_masks
from lossweep.sim.delivery import Delivery
from lossweep.sim.simulate import simulate
from lossweep.sim.stream import Stream

SENTENCE = """So today we are going to talk about the periodic table, and why the energy of an electron in a
hydrogen atom depends on n. If you have a question, ask it now.""".split()  # noqa: SIM905


def clip(words: list[str]) -> Clip:
    return Clip("lecture", words=tuple(Word(w, 0.4 * i, 0.4 * (i + 1)) for i, w in enumerate(words)))


def endpoint(name: str = "none", code: str = "rs-0.5", **options: int) -> TextEndpoint:
    family, _, rate = code.partition("-")
    code = CODES.get(family).from_params(**({"code_rate": float(rate)} if rate else {}))
    return TextEndpoint(TextParams(concealment=name, **options), code)


def received(words: list[str], loss: float, name: str = "none", code: str = "rs-0.5") -> list[str | None]:
    """What the receiver shows, with None for words at the end of which it knows nothing."""
    sender = endpoint(name, code)
    encoded = sender.encode(clip(words))
    delay = Delay(propagation_delay_s=0.04, jitter_s=0.005)
    shown = play(sender, encoded, simulate(encoded.stream, Bernoulli(loss), delay, seed=3), "cpu").clip.words
    return [w.text for w in shown] + [None] * (len(words) - len(shown))


def losing(stream: Stream, lost: list[int]) -> Delivery:
    """Everything arrives but these packets."""
    delivery = simulate(stream, Bernoulli(0.0), Delay(0.02), seed=1)
    delivery.arrived_s[lost] = np.nan
    return delivery


@given(st.text(max_size=40), st.floats(SHORTEST_S, LONGEST_S), st.integers(1, 10), st.data())
def test_any_word_and_place_come_back(text, duration_s, windows, data):
    code, field = huffman.load(), field_bits(6 * windows)
    k = data.draw(st.integers(1, 6 * windows))
    word = WordPayload(text, duration_s, data.draw(st.integers(0, k - 1)), k)
    payload = packetize(code, word, field)
    got = depacketize(code, payload, field)
    assert (got.text, got.esi, got.k) == (text, word.esi, k)
    assert abs(np.log(got.duration_s / duration_s)) <= np.log(LONGEST_S / SHORTEST_S) / 15 / 2 + 1e-9
    assert 8 * (len(payload) - 1) < 2 * field + 4 + code.bits(text)[1] <= 8 * len(payload)


@given(st.binary(max_size=20), st.integers(1, 10))
def test_any_bytes_are_a_word_in_its_block_or_raise_the_formats_own_error(data, windows):
    with suppress(WordError):
        word = depacketize(huffman.load(), data, field_bits(6 * windows))
        assert 0 <= word.esi < word.k
        assert packetize(huffman.load(), word, field_bits(6 * windows)) == data


def test_a_surrogate_is_not_sent():
    with pytest.raises(huffman.HuffmanError, match="no Unicode text"):
        huffman.load().bits("\ud800")


def test_huffman_is_complete_and_within_a_bit_of_entropy():
    words = ["a"] * 50 + ["b"] * 25 + ["c"] * 13 + ["d"] * 12
    code = huffman.train(words)
    assert sum(2.0**-n for n in code.lengths.values()) == 1
    p = np.array([50, 25, 13, 12]) / 100
    mean = sum(p * [code.lengths[w] for w in "abcd"])
    assert -(p * np.log2(p)).sum() <= mean < 1 - (p * np.log2(p)).sum()


@given(st.integers(0, 10**6), st.integers(1, 60))
def test_interleaving_is_a_permutation_that_the_number_alone_gives(first, words):
    assert sorted(order(first, words)) == list(range(words))
    assert (order(first, words) == order(first, words)).all()


@given(st.sampled_from(["atom", "the", "energy", "n"]), st.integers(0, 2 * len(MARKS) - 1))
def test_a_word_taken_apart_is_put_together_again(norm, shape):
    form = analyse(compose(norm, shape))
    assert (form.norm, form.casing_punct) == (norm, shape)


@pytest.mark.parametrize("name", ["none", "unigram", "ngram", "textpc"])
def test_nothing_is_changed_where_nothing_is_lost(name):
    assert received(SENTENCE, 0.0, name) == SENTENCE


@pytest.mark.parametrize("name", ["unigram", "ngram", "textpc"])
def test_only_missing_words_are_filled_and_all_that_are_known_to_be(name):
    bare = received(SENTENCE * 8, 0.6, code="none")
    filled = received(SENTENCE * 8, 0.6, name, code="none")
    last = max(i for i, word in enumerate(bare) if word is not None)
    known = last // 6 * 6 + 6  # of the last window of which a word arrived
    assert None in bare[:known]
    assert None not in filled[:known]
    assert set(filled[known:]) <= {None}
    assert all(a is None or a == b for a, b in zip(bare, filled, strict=True))


@pytest.mark.parametrize("ahead", [0, 2])
@pytest.mark.parametrize("name", ["ngram", "textpc"])
def test_what_comes_after_the_windows_waited_for_never_changes_a_window(name, ahead):
    words = [w if i % 3 else None for i, w in enumerate(SENTENCE * 6)]
    windows = np.arange(len(words)) // 6
    seen = (9 + 1 + ahead) * 6
    changed = [*words[:seen], *(["hydrogen", None] * len(words))[: len(words) - seen]]
    fill = concealment(name).fill
    first = fill(words, windows, ahead)[:60]
    assert first == fill(changed, windows, ahead)[:60] == fill(words[:seen], windows[:seen], ahead)[:60]


@pytest.mark.parametrize("name", ["ngram", "textpc"])
def test_the_window_waited_for_is_looked_at(name):
    words = [*SENTENCE[:11], None, "of", "course", *SENTENCE[:4]]
    changed = [*SENTENCE[:11], None, "energy", "levels", *SENTENCE[:4]]
    windows = np.arange(len(words)) // 6
    filler = concealment(name)
    assert filler.fill(words, windows)[11] == filler.fill(changed, windows)[11]
    assert filler.fill(words, windows, 1)[11] != filler.fill(changed, windows, 1)[11]


def test_a_window_is_whole_exactly_when_six_packets_arrived():
    words = SENTENCE[:30] * 40
    got = received(words, 0.5)
    whole = [None not in got[i : i + 6] for i in range(0, len(got), 6)]
    exact = 0.6128  # P(Binomial(12, 1/2) >= 6)
    assert abs(np.mean(whole) - exact) < 4 * np.sqrt(exact * (1 - exact) / len(whole))


def test_a_copy_in_time_is_enough_and_nothing_else_helps():
    got = received(SENTENCE[:30] * 40, 0.5, code="repetition-0.25")
    missing = np.mean([word is None for word in got])
    assert abs(missing - 0.5**4) < 4 * np.sqrt(0.0625 * 0.9375 / len(got))


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 1)), min_size=1, max_size=60))
def test_windows_close_after_six_words_or_at_a_pause_and_only_there(paces):
    starts = np.cumsum([wait for wait, _ in paces])
    ends = starts + [length for _, length in paces]
    cuts = [0, *window_ends(starts, ends)]
    assert cuts[-1] == len(paces)
    for begin, end in pairwise(cuts):
        inside = starts[begin + 1 : end] - ends[begin : end - 1]
        assert 1 <= end - begin <= 6
        assert (inside <= PAUSE_S).all()
        assert end - begin == 6 or end == len(paces) or starts[end] - ends[end - 1] > PAUSE_S


def test_a_long_pause_does_not_make_the_playout_delay_long():
    words = tuple(Word(w, t := 0.4 * i + 60 * (i > 8), t + 0.4) for i, w in enumerate(SENTENCE[:18]))
    stream = endpoint().encode(Clip("lecture", words=words)).stream
    delivery = simulate(stream, Bernoulli(0.0), Delay(propagation_delay_s=0.04, jitter_s=0.005), seed=3)
    assert delivery.playout_delay_s < 6 * 0.4 * (1 + 1 / 2.5) + 0.2


def test_the_wait_for_later_windows_is_in_the_table():
    sender = endpoint(code="none", look_ahead_windows=2)
    assert sender.encode(clip(SENTENCE)).columns["look_ahead_delay_s"] == pytest.approx(2 * 6 * 0.4)
    assert sender.label == "text-none-ahead2"


def test_a_receiver_knows_what_is_missing_between_packets_and_nothing_behind_them():
    """40 words, windows of 6; windows 2 and 3 are lost whole, of the others the first packet and the last words."""
    sender, words = endpoint(code="none"), [f"w{i}" for i in range(40)]
    encoded = sender.encode(clip(words))
    lost = [0, *range(12, 24), *range(36, 40)]
    shown = play(sender, encoded, losing(encoded.stream, lost), "cpu").clip.words
    missing = {int(order(0, 6)[0]), *range(12, 24)}
    assert [word.text for word in shown] == [None if i in missing else w for i, w in enumerate(words[:36])]
    starts = np.array([word.start_s for word in shown])
    there = [i for i, word in enumerate(shown) if word.text is not None]
    np.testing.assert_allclose(starts[there], 0.4 * np.array(there), atol=1 / 16_000)
    np.testing.assert_allclose(starts[12:24], 0.4 * np.arange(12, 24), atol=1e-3)  # an even pace


@pytest.mark.parametrize("windows", [1, 3])
def test_a_window_lost_whole_is_a_window_to_concealment(windows):
    sender = endpoint(code="none", windows_interleaved=windows)
    encoded = sender.encode(clip([f"w{i}" for i in range(36 * windows)]))
    size = 6 * windows
    there = [0, 5 * size - 1, 5 * size]  # of windows 0, 4 and 5
    lost = sorted(set(range(36 * windows)) - set(there))
    received = receive(losing(encoded.stream, lost).arrivals(encoded.stream), encoded.session.streams, 10.0)
    words = in_order(received, huffman.load(), 6 * windows)
    assert words.windows.tolist() == np.repeat(np.arange(6), size).tolist()
    assert sum(text is not None for text in words.texts) == 3


def test_blocks_that_contradict_each_other_are_settled_by_the_number_of_their_packets():
    code, field = huffman.load(), field_bits(6)

    def packet(number, esi, k):
        payload = packetize(code, WordPayload(f"w{number}", 0.3, esi, k), field)
        return ReceivedPacket("words", number, 6400 * number, 0.4 * number, False, payload, 1.0)

    block = [packet(i, i, 6) for i in range(6)]
    damaged = [*block[:3], packet(3, 0, 5), *block[4:]]
    words = in_order(damaged, code, 6)
    assert len(words.texts) == 6
    assert words.texts[int(order(0, 6)[3])] is None
    assert sum(text is None for text in words.texts) == 1


def test_the_receiver_knows_durations_of_words_that_arrived_and_guesses_the_others():
    sender, words = endpoint("unigram", code="none"), [f"w{i}" for i in range(12)]
    said = tuple(Word(w, 0.4 * i, 0.4 * i + 0.1 + 0.02 * i) for i, w in enumerate(words))
    encoded = sender.encode(Clip("c", words=said))
    shown = play(sender, encoded, losing(encoded.stream, [3]), "cpu").clip.words
    missing = int(order(0, 6)[3])
    for i, (word, was) in enumerate(zip(shown, said, strict=True)):
        if i == missing:
            assert word.end_s == pytest.approx(
                min(word.start_s + 0.2 + 0.05 * len(word.text), said[i + 1].start_s)
            )
        else:
            assert word.end_s - word.start_s == pytest.approx(was.end_s - was.start_s, rel=0.11)


def test_the_weights_are_named_with_their_hashes():
    assert {len(value) for value in TextEndpoint.weights().values()} == {64}


def test_masks_leave_windows_whole_or_partly_missing():
    missing = draw_masks(64, 20, np.random.default_rng(0)).reshape(64, 20, 6)
    assert missing.any((1, 2)).all()
    assert 0.2 < missing.mean() < 0.8
    assert (~missing.any(2)).any()


@pytest.mark.parametrize(("words", "said"), [([], "no words")])
def test_a_clip_without_words_is_one_clear_line(words, said):
    with pytest.raises(ClipError, match=said):
        received(words, 0.1)


def test_one_word_is_sent():
    assert received(["Chemistry."], 0.0) == ["Chemistry."]


def test_a_missing_weight_file_is_named(tmp_path: Path):
    with pytest.raises(WeightsError, match=weights.NETWORK_FILE):
        weights.load(tmp_path)
