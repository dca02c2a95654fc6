"""Text metrics against sacrebleu itself, identity, and what placeholders do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU

from lossweep.endpoints.clip import Clip, ClipError, Playback, Word
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.clips.transcript import read_transcript
from lossweep.experiments.metrics.alignment import align_words
from lossweep.experiments.metrics.bleu import Bleu
from lossweep.experiments.metrics.metric import MetricError
from lossweep.experiments.metrics.semantic_similarity import SemanticSimilarity
from lossweep.experiments.metrics.sentences import PLACEHOLDER, sentences
from lossweep.experiments.metrics.word_recovery import WordRecovery, edit_distance

SENT = """The energy of the atom depends on one number.
We call it n, the principal quantum number.""".split()  # noqa: SIM905


def clip(words) -> Clip:
    return Clip("x", words=tuple(Word(w, i, i + 1) for i, w in enumerate(words)))


def test_bleu_is_sacrebleus():
    shown = [w if i % 4 else None for i, w in enumerate(SENT)]
    row = Bleu().score(clip(SENT), Playback(clip(shown)), Truth())
    reference = [" ".join(SENT[:9]), " ".join(SENT[9:])]
    text = [" ".join(w or PLACEHOLDER for w in part) for part in (shown[:9], shown[9:])]
    for n in range(1, 5):
        oracle = BLEU(max_ngram_order=n).corpus_score(text, [reference]).score / 100
        assert row[f"bleu_{n}"] == pytest.approx(oracle)
    assert row["bleu"] == row["bleu_4"]
    assert row["bleu_1_dropped"] < 1


@pytest.mark.parametrize(
    ("text", "orders"), [("Yes. No. Maybe.", 2), ("I see. So be it.", 4), ("Yes we do. Well!", 4), ("hm", 1)]
)
def test_words_received_whole_score_1_however_short_the_sentences_are(text, orders):
    """Without a sentence of four tokens sacrebleu gives 0; here the orders that are not defined are left out."""
    words = text.split()
    row = Bleu().score(clip(words), Playback(clip(words)), Truth())
    assert [row[column] for column in Bleu.columns] == pytest.approx([1.0] * 10)
    wrong = ["x", *words[1:]]
    parts = sentences(clip(words), Playback(clip(wrong)))
    row = Bleu().score(clip(words), Playback(clip(wrong)), Truth())
    oracle = BLEU(max_ngram_order=orders).corpus_score(parts[1], [parts[0]]).score / 100
    assert row["bleu"] == pytest.approx(oracle)
    assert row["bleu"] < 1


def test_lost_words_do_not_shorten_the_orders():
    """Fewer than four tokens are left of a sentence of nine: BLEU of order four stays that of order four."""
    kept = [word if i < 2 else None for i, word in enumerate(SENT)]
    row = Bleu().score(clip(SENT), Playback(clip(kept)), Truth())
    parts = sentences(clip(SENT), Playback(clip(kept)))
    assert row["bleu_4_dropped"] == pytest.approx(BLEU().corpus_score(parts[2], [parts[0]]).score / 100)


def at(*words: tuple[str | None, float]) -> Clip:
    return Clip("x", words=tuple(Word(text, start, start + 0.2) for text, start in words))


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 2**32 - 1))
def test_a_lost_word_is_missing_whether_the_receiver_knows_of_it_or_not(arrived, seed):
    times = np.cumsum(np.random.default_rng(seed).uniform(0.1, 1.0, len(arrived)))
    sent = at(*((f"w{i}", t) for i, t in enumerate(times)))
    known = at(
        *((f"w{i}" if there else None, t) for i, (there, t) in enumerate(zip(arrived, times, strict=True)))
    )
    shorter = at(*((w.text, w.start_s + 0.01) for w in known.words if w.text is not None))
    expected = [f"w{i}" if there else None for i, there in enumerate(arrived)]
    assert align_words(sent, Playback(known)) == align_words(sent, Playback(shorter)) == expected


def test_words_are_placed_by_time_and_strange_ones_are_not_lost():
    sent = at(("a", 0), ("b", 1), ("c", 2), ("d", 9))
    assert align_words(sent, Playback(at(("A", 0.1), ("C", 1.8)))) == ["A", None, "C", None]
    guess = at(("a", 0), ("guess", 0.4), ("c", 2))
    assert align_words(sent, Playback(guess)) == ["a", "guess", "c", None]
    assert align_words(sent, Playback(at(("a", 0), ("d", 9), ("x", 60)))) == ["a", None, None, "d x"]
    assert align_words(sent, Playback(at())) == [None] * 4
    with pytest.raises(MetricError, match="received clip 'x' has no words"):
        align_words(sent, Playback(Clip("x")))


def test_a_guess_in_a_long_pause_has_the_place_between_the_words_that_arrived():
    sent = at(("a", 0), ("b", 1), ("c", 9), ("d", 10), ("e", 11))
    guess = at(("a", 0), ("guess", 4.5), ("c", 9))
    assert align_words(sent, Playback(guess)) == ["a", "guess", "c", None, None]


@pytest.mark.parametrize("metric", [Bleu, SemanticSimilarity, WordRecovery])
def test_what_was_sent_is_perfect(metric):
    metric = metric()
    row = metric.score(clip(SENT), Playback(clip(SENT)), Truth())
    assert set(metric.columns) <= set(row)
    for column in metric.columns:
        assert row[column] == pytest.approx(0 if column == "wer" else 1, abs=1e-5)


def test_losing_words_loses_meaning():
    metric = SemanticSimilarity()
    some = metric.score(
        clip(SENT), Playback(clip([w if i % 4 else None for i, w in enumerate(SENT)])), Truth()
    )
    none = metric.score(clip(SENT), Playback(clip([None] * len(SENT))), Truth())
    assert none["semantic_similarity"] < some["semantic_similarity"] < 1
    assert none["semantic_similarity_dropped"] == 0


@given(st.lists(st.sampled_from("abc"), max_size=6), st.lists(st.sampled_from("abc"), max_size=6))
def test_edit_distance_is_a_metric(a, b):
    d = edit_distance(a, b)
    assert d == edit_distance(b, a)
    assert abs(len(a) - len(b)) <= d <= max(len(a), len(b))
    assert (d == 0) == (a == b)


def test_transcripts(tmp_path):
    timed = tmp_path / "t.tsv"
    timed.write_text("## one\n100\tHello there\n900\tworld.\n## two\n50\tBye.\n")
    words = read_transcript(timed, "one").words
    assert [w.text for w in words] == ["Hello", "there", "world."]
    assert words[1].start_s == pytest.approx(0.5)
    plain = tmp_path / "t.txt"
    plain.write_text("# heading\nHello\n")
    assert read_transcript(plain).source == "even pace"
    for text, said in (("", "no words"), ("## one\nx\ty\n", "line 2")):
        timed.write_text(text)
        with pytest.raises(ClipError, match=said):
            read_transcript(timed)
