"""GRID's sentences and words as training sees them, windows by kind of speech, and what the lips are worth."""

import json

import numpy as np
import pytest

from lossweep.endpoints.clip import Word
from lossweep.endpoints.tts.phonemes import to_phonemes
from lossweep.experiments.training.face.split import GRID_MAN, grid
from lossweep.experiments.training.model_card import ModelCard, Table
from lossweep.experiments.training.tts.corpus import Corpus, Utterance
from lossweep.experiments.training.tts.dataset import Batches, move_words
from lossweep.experiments.training.tts.lips_worth import LIPS, TIMES, LipsWorth, table, write_card
from lossweep.experiments.training.tts.recorded_clips import grid_words
from lossweep.experiments.training.tts.sound_lag import mouth_opening, sound_lag


def test_every_third_grid_sentence_is_left_out_and_every_tenth_of_the_rest_held_out(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "manifest.csv").write_text("file,identity\na.mp4,a\n")
    assert grid(tmp_path) == ()
    (tmp_path / "grid_s1").mkdir()
    for number in range(45):
        (tmp_path / "grid_s1" / f"{number:02}.mp4").touch()
    found = grid(tmp_path)
    assert [p.file for p in found[:3]] == [f"../grid_s1/{n}.mp4" for n in ("00", "01", "03")]
    assert [p.file[-6:-4] for p in found if p.held_out] == ["00", "15", "30"]
    assert (len(found), {p.identity for p in found}) == (30, {GRID_MAN})


def test_grid_words_are_in_seconds_without_pauses(tmp_path):
    path = tmp_path / "a.align"
    path.write_text("0 25000 sil\n25000 30000 set\n30000 31000 sp\n31000 50000 z\n50000 74500 sil\n")
    assert grid_words(path) == (Word("set", 1.0, 1.2), Word("zed", 1.24, 2.0))


def test_the_lag_of_sound_is_found_whatever_some_clips_do():
    rng = np.random.default_rng(1)
    for late in (-2, 0, 1, 5):
        clips = []
        for _ in range(4):
            level = rng.uniform(0, 1, 75)
            speech = np.repeat(level, 640) * rng.standard_normal(75 * 640)
            clips.append((np.roll(level, late) + rng.normal(0, 0.1, 75), speech.astype(np.float32)))
        clips.append((np.zeros(75), clips[0][1]))
        assert sound_lag(clips) == late


def test_mouth_opening_is_in_eye_distances():
    points = np.zeros((2, 478, 3), np.float32)
    points[:, 263, 0] = 80
    points[1, 14, 1] = 20
    assert mouth_opening(points).tolist() == [0, 0.25]


def corpus_of(kinds):
    """Utterances of 3 s whose speech has the level of their number."""
    phonemes = tuple(to_phonemes([Word("hello", 0.5, 1.0)]))
    utterances = tuple(
        Utterance(str(i), str(i), kind, False, 48_000 * i, 48_000, (("hello", 0.5, 1.0),), (), phonemes)
        for i, kind in enumerate(kinds)
    )
    level = np.repeat(np.arange(1, len(kinds) + 1) * 1000, 48_000)
    sound = level * np.sin(0.3 * np.arange(len(level)))
    return Corpus(
        sound.astype(np.int16),
        np.zeros(len(level) // 160, np.float32),
        np.repeat(np.arange(len(kinds)), 75)[:, None].repeat(6, 1).astype(np.float16),
        utterances,
    )


def test_moved_words_are_as_late_as_they_are_said_to_be():
    words = [Word("one", 0.3, 0.6), Word("seven", 0.6, 1.2), Word("money", 1.8, 2.4)]
    said = list(to_phonemes(words))
    moved, errors = move_words(said, 0.3, np.random.default_rng(2))
    assert set(errors) == {p.word for p in said}
    back = sorted((p._replace(start_s=p.start_s - errors[p.word]) for p in moved), key=lambda p: p.start_s)
    assert [p.name for p in back] == [p.name for p in said]
    np.testing.assert_allclose([p.start_s for p in back], [p.start_s for p in said])
    firsts = [p.start_s for i, p in enumerate(moved) if i == 0 or moved[i - 1].word != p.word]
    assert firsts == sorted(firsts)


def test_what_moved_windows_are_late_by_puts_words_back():
    batches = Batches(corpus_of(["grid"]), False)
    inputs, late = batches.draw_moved(np.random.default_rng(0), 60, {"grid": 1.0}, impaired=False)
    words = ~(inputs.absent | inputs.pauses)
    assert bool((late[~words] == 0).all())
    (start_s,) = {p[2] for p in batches.kinds["grid"][0].receiver_phonemes[:1]}
    first = words & (words.cumsum(1) == 1)
    np.testing.assert_allclose((inputs.starts + late)[first], start_s, atol=1e-5)
    assert float(late[first].std()) == pytest.approx(0.15, rel=0.4)


def test_windows_are_drawn_by_the_share_of_their_kind():
    batches = Batches(corpus_of(["espeak", "real", "grid"]), False)
    shares = {"espeak": 0.2, "grid": 0.6, "absent": 0.2}
    inputs, mels, prosody = batches.draw(np.random.default_rng(0), 400, shares, impaired=False)
    assert mels.shape == (400, 80, 300)
    assert prosody.shape == (400, 4, 300)
    drawn = inputs.lips[:, 0, 0].numpy()
    assert set(drawn) == {0.0, 2.0}
    assert (drawn == 2).mean() == pytest.approx(0.75, abs=0.07)


def test_the_gain_of_lips_by_hand(tmp_path):
    errors = {(times, lips): np.ones(4) for times in TIMES for lips in LIPS}
    errors["off by 150 ms", "true"] = np.array([0.8, 0.9, 0.8, 0.9])
    worth = LipsWorth("grid", 0.6, errors)
    assert worth.gain("true") == (0, 0)
    share, half = worth.gain("off by 150 ms")
    assert share == pytest.approx(0.15)
    assert half == pytest.approx(1.96 * 0.05 * (4 / 3) ** 0.5 / 2)
    header, rows = table([("new", worth)])
    assert all(len(row) == len(header) for row in rows)
    card = tmp_path / "card.json"
    ModelCard("Voice", [], [], [], "python", tables=[Table("Other:", ["a"], [[1.0]])]).write(tmp_path, "card")
    for _ in range(2):
        write_card(header, rows, card)
    assert [one["header"] for one in json.loads(card.read_text())["tables"]] == [["a"], header]
    assert "| new | grid, 4 | 0.6 | true | 1 |" in card.with_suffix(".md").read_text()
    assert rows[1][:5] == ["new", "grid, 4", "0.6", "off by 150 ms", pytest.approx(0.85)]
