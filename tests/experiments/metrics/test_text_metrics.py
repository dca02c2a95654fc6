"""Text metrics against sacrebleu itself, identity, and what placeholders do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU

from lossweep.endpoints.clip import Clip, ClipError, Playback, Word
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.clips.transcript import read_transcript
from lossweep.experiments.metrics.bleu import Bleu
from lossweep.experiments.metrics.semantic_similarity import SemanticSimilarity
from lossweep.experiments.metrics.sentences import PLACEHOLDER
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
