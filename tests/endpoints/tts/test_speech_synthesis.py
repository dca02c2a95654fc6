"""Words and lips to speech: phoneme times, training batches, and the networks that ship."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.clip import ClipError, Word
from lossweep.endpoints.tts import viseme_regression as visemes
from lossweep.endpoints.tts.espeak import speak
from lossweep.endpoints.tts.f0 import median_f0, shift_f0, to_hertz
from lossweep.endpoints.tts.inputs import WINDOW, overlap_add, visual_inputs, window_starts
from lossweep.endpoints.tts.networks import OCTAVE, WIDTH
from lossweep.endpoints.tts.phonemes import PHONEME_ID, TimedPhoneme, to_phonemes
from lossweep.endpoints.tts.phrases import speak_phrases, split_phrases
from lossweep.endpoints.tts.spectrum import mel
from lossweep.endpoints.tts.synthesizer import (
    FRAME,
    SYNTHESIZERS,
    TARGET_LOUDNESS,
    TRAINER,
    loudness,
    normalize_voice,
)
from lossweep.endpoints.tts.visual_network import Aligner, VisualNetwork, retimed
from lossweep.endpoints.weights import load
from lossweep.experiments.training.tts.dataset import attenuate, drop_words, tile_phonemes
from lossweep.experiments.training.tts.tacotron2 import attention_penalty

WORDS = (Word("She", 0.2, 0.5), Word("saw", 0.5, 1.0), Word(None, 1.0, 1.6), Word("fourteen,", 1.6, 2.2))
NOISE = (0.1 * np.random.default_rng(0).normal(size=24_000)).astype(np.float32)


def test_phonemes_lie_in_their_words():
    placed = to_phonemes(WORDS)
    assert [p.name for p in placed if p.word < 2] == ["S", "i:", "s", "O:"]
    assert {p.word for p in placed} == {0, 1, 3}
    for p in placed:
        assert WORDS[p.word].start_s - 1e-6 <= p.start_s < p.end_s <= WORDS[p.word].end_s + 1e-6
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in pairwise(placed))


def test_said_together_words_are_as_in_running_speech():
    together = to_phonemes([Word("a", 0, 0.2), Word("car", 0.2, 0.6)])[0].name
    alone = to_phonemes([Word("a", 0, 0.2)])[0].name
    assert together == "a#"
    assert alone == "eI"


@pytest.mark.parametrize("text", ["мир", "你好"])
def test_what_is_not_english_is_one_line(text):
    with pytest.raises(ClipError, match="English") as error:
        to_phonemes([Word(text, 0, 1)])
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_voices_that_cannot_be_learned_from():
    with pytest.raises(ClipError, match=r"0\.50 s"):
        normalize_voice(NOISE[:8000])
    with pytest.raises(ClipError, match="silent"):
        normalize_voice(np.zeros(32_000, np.float32))
    voice, louder = normalize_voice(NOISE)
    assert loudness(voice) == pytest.approx(TARGET_LOUDNESS, rel=1e-4)
    np.testing.assert_allclose(voice * louder, NOISE, rtol=1e-4)


@settings(deadline=None)
@given(st.integers(1, 400))
def test_windows_join_to_what_they_were_cut_from(frames):
    whole = torch.randn(2, 4 * max(frames, WINDOW), generator=torch.Generator().manual_seed(frames))
    pieces = torch.stack([whole[:, 4 * f : 4 * (f + WINDOW)] for f in window_starts(frames)])
    torch.testing.assert_close(overlap_add(pieces, frames), whole[:, : 4 * frames])


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-0.5, 3.5), st.floats(0.01, 0.6)), max_size=12))
def test_tiles_fill_the_time(spans):
    phonemes = [TimedPhoneme("a", 0, start, start + length, 0) for start, length in sorted(spans)]
    row = tile_phonemes(phonemes, 300)
    assert sum(length for *_, length in row) == 300
    assert all(length > 0 for *_, length in row)
    assert {name for name, *_ in row} <= {PHONEME_ID[""], PHONEME_ID["a"]}


def test_lost_words_are_quiet_in_the_target():
    phonemes = [TimedPhoneme("a", 0, 0.3 * i, 0.3 * i + 0.25, i) for i in range(10)]
    for seed in range(60):
        kept, silent = drop_words(phonemes, np.random.default_rng(seed))
        gone = {p.word for p in phonemes} - {p.word for p in kept}
        expected = np.zeros(300, bool)
        for word in gone:
            expected[30 * word : 30 * word + 25] = True
        np.testing.assert_array_equal(silent, expected)
        if gone:
            break
    else:
        pytest.fail("no word was lost in 60 windows")
    mels = torch.linspace(-8, 0, 300).expand(1, 80, 300)
    assert float(attenuate(mels, torch.from_numpy(expected)[None])[0, 0][expected].max()) <= -7.2 + 1e-3


def test_phrases_begin_with_their_first_word_and_end_with_the_next():
    words = (Word("one", 0.5, 0.8), Word("two", 0.9, 1.0), Word(None, 1.0, 1.2), Word("three", 1.9, 2.2))
    assert [[w.text for w in one] for one in split_phrases(words)] == [["one", "two"], ["three"]]
    speech = speak_phrases(words, 75, torch.zeros(1, 80, 9), lambda _: (torch.ones(100_000), 160))
    assert speech.shape == (75 * FRAME,)
    heard = speech.numpy() > 0
    assert not heard[:8000].any()
    assert heard[8000 : round(1.9 * 16_000) - 160].all()
    assert float(speech[round(1.9 * 16_000) - 1]) < 0.01
    assert heard[round(1.9 * 16_000)]


def test_visemes_find_what_made_the_lips_and_the_offset():
    random = np.random.default_rng(1)
    weights = random.normal(0, 0.3, (len(visemes.RIDGES), 6))
    evidences = [visemes.detrend(random.normal(size=(400, len(visemes.RIDGES)))) for _ in range(6)]
    late = [0, 0, 0, 3, 0, -2]
    noise = [
        0.1 * np.cumsum(random.normal(size=(400, 6)), 0) * 0 + random.normal(0, 0.2, (400, 6)) for _ in late
    ]
    lips = [np.roll(e, k, 0) @ weights + n for e, k, n in zip(evidences, late, noise, strict=True)]
    found, offsets = visemes.fit(evidences, [one.astype(np.float32) for one in lips])
    assert offsets == late
    held = visemes.detrend(random.normal(size=(400, len(visemes.RIDGES))))
    truth, guess = visemes.detrend(held @ weights), found.lips(held)
    assert 1 - np.square(truth - guess).sum() / np.square(truth).sum() > 0.8


def test_chance_of_visemes_is_as_large_and_as_slow_as_that_of_real_lips():
    model = visemes.VisemeRegression.load()
    still = np.zeros((60_000, len(visemes.RIDGES)), np.float32)
    residual = model._residual(len(still), np.random.default_rng(0))
    after = residual[:-1] @ model.transition.T
    new = np.cov((residual[1:] - after).T)
    np.testing.assert_allclose(
        new, model.innovation_covariance, atol=0.05 * model.innovation_covariance.max()
    )
    assert np.abs(residual.mean(0)).max() < 0.2 * residual.std(0).max()


def test_guide_of_attention_is_zero_where_the_phoneme_is():
    lengths = torch.tensor([[30, 60, 210]])
    at = torch.arange(100) * 3 + 1.5
    right = torch.stack([(at < 30), (at >= 30) & (at < 90), at >= 90], 1).float()[None]
    assert attention_penalty(right, lengths).item() == 0
    assert attention_penalty(right.flip(1), lengths).item() > 0.5


def test_a_phoneme_far_from_the_window_changes_nothing():
    network = VisualNetwork().eval()
    lips, known = np.zeros((1, WINDOW, 6), np.float32), np.ones((1, WINDOW), np.float32)
    near = [TimedPhoneme("a", 2, 1.0, 1.2, 0)]
    far = [TimedPhoneme("s", 0, 40.0, 40.2, 1), TimedPhoneme("t", 0, -9.0, -8.8, 2)]
    voice = torch.zeros(1, 80, 100)
    with torch.inference_mode():
        one, two = (network(visual_inputs([p], lips, known, voice))[0] for p in (near, near + far))
        nothing = network(visual_inputs([[]], lips, known, voice))[0]
    torch.testing.assert_close(one, two)
    assert bool(nothing.isfinite().all())


def test_pauses_fill_what_corrected_phonemes_leave():
    lips, known = np.zeros((1, WINDOW, 6), np.float32), np.ones((1, WINDOW), np.float32)
    said = [
        TimedPhoneme("a", 2, 0.5, 0.7, 0),
        TimedPhoneme("s", 0, 0.7, 0.8, 0),
        TimedPhoneme("t", 0, 1.5, 1.6, 1),
    ]
    inputs = visual_inputs([said, []], np.repeat(lips, 2, 0), np.repeat(known, 2, 0), torch.zeros(2, 80, 100))
    assert inputs.pauses.tolist() == [[True, False, False, True, False, True], [True, *[False] * 5]]
    off = torch.tensor([[9.0, 0.1, 0.1, 9.0, -0.2, 9.0], [9.0] * 6])
    starts, ends = retimed(inputs, off)
    torch.testing.assert_close(starts[0], torch.tensor([0, 0.6, 0.8, 0.9, 1.3, 1.4]))
    torch.testing.assert_close(ends[0], torch.tensor([0.6, 0.8, 0.9, 1.3, 1.4, 3.0]))
    assert (float(starts[1, 0]), float(ends[1, 0])) == (0, 3)


def test_attention_is_on_the_phoneme_of_the_time():
    aligner = Aligner()
    torch.nn.init.zeros_(aligner.place.weight)
    torch.nn.init.zeros_(aligner.place.bias)
    content = torch.eye(WIDTH)[None, :3]
    starts, ends = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[1.0, 2.0, 3.0]])
    absent = torch.tensor([[False, False, True]])
    with torch.inference_mode():
        share = aligner(torch.zeros(1, 300, WIDTH), content, starts, ends, absent)[0, :, :3]
    torch.testing.assert_close(share[:90, 0], torch.ones(90), atol=1e-3, rtol=0)
    torch.testing.assert_close(share[110:, 1], torch.ones(190), atol=1e-3, rtol=0)
    assert bool((share[:, 2] == 0).all())


def test_missing_weights_are_one_line(tmp_path):
    with pytest.raises(WeightsError, match=r"visual\.safetensors is missing.*tts\.train visual"):
        load(tmp_path / "visual.safetensors", "visual", VisualNetwork(), TRAINER)


@pytest.mark.parametrize("pulse_hz", [80, 130, 210, 330])
def test_register_of_pulses_through_a_resonance(pulse_hz):
    pulses = (np.diff(np.floor(np.arange(32_001) * pulse_hz / 16_000)) > 0).astype(float)
    speech = lfilter([1], [1, -1.8 * np.cos(0.6), 0.81], pulses)
    assert median_f0(speech.astype(np.float32)) == pytest.approx(pulse_hz, rel=0.02)
    assert median_f0(NOISE) is None


def test_pitch_is_moved_to_the_register_and_voicing_decided():
    voicing = torch.where(torch.arange(41) < 20, -2.0, 2.0)
    told = torch.stack([torch.linspace(-1, 1, 41), voicing, torch.ones(41)])
    heard = to_hertz(shift_f0(120.0, told))
    assert bool((heard[:20] == 0).all())
    assert float(heard[20:].median()) == pytest.approx(120, rel=1e-4)
    intervals = (heard[21:] / heard[20:-1]).log()
    torch.testing.assert_close(intervals, torch.full((20,), 0.05 * OCTAVE), atol=1e-4, rtol=1e-3)


@pytest.fixture(scope="module")
def visual():
    return SYNTHESIZERS.get("visual").load()


@pytest.fixture(scope="module")
def talker():
    speech, words, _ = speak(
        "We have seen many of these before, and you will see them again.", "en-us+f2", 150
    )
    return speech[: len(speech) // FRAME * FRAME], words


def test_visual_speaks_where_the_words_are_and_nowhere_else(visual, talker):
    voice, _ = talker
    words = (Word("seven", 1.0, 1.6), Word(None, 1.6, 2.4), Word("money", 2.4, 3.0))
    speech = visual.speak(words, np.zeros((125, 16), np.float32), 125, voice)
    assert speech.shape == (125 * FRAME,)
    assert speech.dtype == np.float32
    level = np.sqrt(np.square(speech.reshape(125, FRAME)).mean(1))
    said = np.r_[level[26:39], level[62:73]].mean()
    quiet = np.r_[level[:22], level[44:57], level[80:]].mean()
    assert quiet < 0.05 * said
    np.testing.assert_array_equal(speech, visual.speak(words, np.zeros((125, 16), np.float32), 125, voice))
    assert loudness(visual.speak(words, None, 125, 0.25 * voice)) < 0.5 * loudness(speech)


def test_visual_is_understood_as_espeak_is(visual, talker):
    """Mel cepstra of what is said are nearer to the same words than to other words at the same times."""
    speech, words = talker
    said = spoken(visual, words, speech)
    texts = [w.text for w in words]
    other = [Word(t, w.start_s, w.end_s) for t, w in zip([*texts[5:], *texts[:5]], words, strict=True)]
    right, wrong = distance(speech, said), distance(speech, spoken(visual, other, speech))
    assert right < 0.85 * wrong


def spoken(synthesizer, words, voice):
    return synthesizer.speak(words, None, len(voice) // FRAME, voice)


def distance(one, other):
    a, b = (mel(torch.from_numpy(x)).clamp(min=-8) for x in (one, other))
    return float((a - a.mean(0) - (b - b.mean(0))).abs().mean())


@pytest.mark.parametrize("name", ["visual", "fastspeech2", "tacotron2"])
def test_nothing_is_said_without_words(name, talker):
    voice, _ = talker
    synthesizer = SYNTHESIZERS.get(name).load()
    speech = synthesizer.speak((), None, 30, voice)
    assert speech.shape == (30 * FRAME,)
    assert loudness(speech) < 0.05 * loudness(voice)
    assert synthesizer.weights()[f"{name}.safetensors"]


@pytest.mark.parametrize("name", ["visual", "fastspeech2", "tacotron2"])
@pytest.mark.parametrize("look_ahead_s", [0.6, 1.2])
def test_sound_depends_on_nothing_later_than_the_look_ahead(name, look_ahead_s, talker):
    voice, words = talker
    synthesizer, frames = SYNTHESIZERS.get(name).load(), len(voice) // FRAME
    lips = np.random.default_rng(1).normal(size=(frames, 16)).astype(np.float32)
    whole = synthesizer.speak(words, lips, frames, voice, look_ahead_s)
    for at_s in (0.8, 1.5):
        until_s = at_s + look_ahead_s
        other = [w if w.start_s <= until_s else Word("seven", w.start_s, w.end_s) for w in words]
        assert other != list(words)
        moved = lips.copy()
        moved[int(until_s * 25) :] += 3
        changed = synthesizer.speak(other, moved, frames, voice, look_ahead_s)
        same = round(at_s * 25) * FRAME
        np.testing.assert_allclose(changed[:same], whole[:same], atol=1e-5)
        assert np.abs(changed[same:] - whole[same:]).max() > 0.01
