"""Speech metrics against packages, against cases worked out by hand, and at their ends."""

import math
import tracemalloc
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dct

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback, Word
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.clips import load_clips
from lossweep.experiments.metrics.dnsmos import Dnsmos
from lossweep.experiments.metrics.dtw import warping
from lossweep.experiments.metrics.mcd import DECIBEL, Mcd, speech_length
from lossweep.experiments.metrics.mel import cepstrum, log_mel, mel_power
from lossweep.experiments.metrics.mel_similarity import MelSimilarity, cosines, frechet
from lossweep.experiments.metrics.metric import METRICS, MetricAbsent
from lossweep.experiments.metrics.pesq import Pesq
from lossweep.experiments.metrics.plcmos import Plcmos, spectrogram
from lossweep.experiments.metrics.recognized_words import _recognizer
from lossweep.experiments.metrics.speaker_similarity import SpeakerSimilarity, part_starts
from lossweep.experiments.metrics.stoi import Stoi

RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def speech():
    return load_clips("portrait")[0].speech


def score(metric, said, heard):
    return metric().score(Clip("said", speech=said), Playback(Clip("heard", speech=heard)), Truth())


def noisy(speech, snr_db):
    noise = np.random.default_rng(1).standard_normal(len(speech)).astype(np.float32)
    return np.clip(speech + noise * np.std(speech) * 10 ** (-snr_db / 20), -1, 1).astype(np.float32)


PERFECT = {
    "pesq": 4.644, "stoi": 1, "mcd": 0, "mcd_dtw": 0, "mcd_dtw_sl": 0, "mel_ssim": 1, "mfcc_cos": 1, "mfcc_fid": 0
}  # fmt: skip


@pytest.mark.parametrize("metric", [Pesq, Stoi, Mcd, MelSimilarity])
def test_identity_is_perfect_noise_is_worse_and_more_noise_still_worse(metric, speech):
    same, some, much = (
        score(metric, speech, heard) for heard in (speech, noisy(speech, 20), noisy(speech, 5))
    )
    assert set(same) == set(metric.columns)
    for column, value in same.items():
        assert value == pytest.approx(PERFECT[column], abs=1e-3)
        down = metric.higher_is_better == (column in metric.opposite)
        assert (value < some[column] < much[column]) if down else (value > some[column] > much[column])


def test_what_is_heard_is_scored_at_the_time_of_what_was_said(speech):
    """A tail is cut, missing sound is silence, and sound that comes late is not moved back."""
    for metric in (Pesq, Stoi, MelSimilarity):
        longer = np.append(speech, noisy(speech, 0))
        assert score(metric, speech, longer) == score(metric, speech, speech)
        short = speech[: len(speech) // 2]
        assert score(metric, speech, short) == score(metric, speech, np.append(short, 0 * short))
    assert score(Stoi, speech, np.roll(speech, 1600))["stoi"] < 0.5


@pytest.mark.parametrize(
    ("metric", "shortest_s", "unheard"), [(Pesq, 0.25, {"pesq": 1.0}), (Stoi, 0.4, {"stoi": 0.0})]
)
def test_silence_and_too_short_speech(metric, shortest_s, unheard, speech):
    silence = np.zeros_like(speech)
    assert score(metric, speech, silence) == unheard
    loud = speech[np.argmax(np.abs(speech)) :][: int(0.9 * shortest_s * SPEECH_RATE)]
    for said, heard in ((silence, silence), (silence, speech), (loud, loud)):
        assert np.isnan(list(score(metric, said, heard).values())).all()
    assert score(MelSimilarity, silence, silence)["mel_ssim"] == 1
    assert score(MelSimilarity, noisy(speech, 20), silence)["mfcc_cos"] == 0
    assert np.isnan(score(MelSimilarity, loud[:500], loud[:500])["mel_ssim"])


def test_every_speech_metric_is_registered_and_names_a_clip_without_speech(speech):
    for name in ("pesq", "stoi", "mcd", "mel_similarity", "dnsmos", "plcmos"):
        metric = METRICS.get(name)()
        assert (metric.name, metric.needs) == (name, "speech")
        with pytest.raises(ValueError, match="received clip 'mute' has no speech"):
            metric.score(Clip("said", speech=speech), Playback(Clip("mute")), Truth())


def test_mel_power_is_librosas(speech):
    librosa = pytest.importorskip("librosa", reason="librosa is not installed (test extra)")
    for window, hop, bands in ((1024, 256, 80), (321, 160, 120)):
        theirs = librosa.feature.melspectrogram(
            y=speech.astype(np.float64), sr=SPEECH_RATE, n_fft=window, hop_length=hop, n_mels=bands
        )
        np.testing.assert_allclose(mel_power(speech, window, hop, bands), theirs.T, rtol=1e-6, atol=1e-9)


def test_cepstrum_is_the_cosine_transform_and_its_distance_is_in_decibel():
    spectra = RNG.normal(-30, 10, (5, 80))
    theirs = dct(spectra * math.log(10) / 20, axis=1)[:, 1:14] / 80
    np.testing.assert_allclose(cepstrum(spectra), theirs, atol=1e-12)
    ripple = 3 * np.cos(np.pi * 4 * (np.arange(80) + 0.5) / 80)  # peak 3 dB, so 3 / sqrt 2 dB rms
    distance = DECIBEL * np.linalg.norm(cepstrum(spectra + ripple + 6) - cepstrum(spectra), axis=1)
    np.testing.assert_allclose(distance, 3 / math.sqrt(2))


def test_mcd_by_hand(speech):
    assert score(Mcd, speech, speech / 4)["mcd"] < 1  # level does not count, but for the floor
    later = score(Mcd, speech, np.append(np.zeros(16 * 256, np.float32), speech))
    assert later["mcd_dtw"] < 0.1 < 3 < later["mcd"]
    length = speech_length(speech)
    assert later["mcd_dtw_sl"] == pytest.approx((length + 16 * 256) / length * later["mcd_dtw"])


def test_the_length_of_speech_counts_in_mcd_dtw_sl_but_not_silence_until_the_call_ends(speech):
    noise = noisy(speech, 20)
    short = noise[: len(speech) * 3 // 4]
    for heard in (short, np.append(short, np.zeros(len(speech) - len(short), np.float32))):
        row = score(Mcd, speech, heard)
        ratio = speech_length(speech) / speech_length(short)
        assert ratio > 1.2
        assert row["mcd_dtw_sl"] == pytest.approx(ratio * row["mcd_dtw"])
    once, padded = (score(Mcd, speech, np.append(noise, np.zeros(n, np.float32))) for n in (0, 30_000))
    assert once == padded
    nothing = [score(Mcd, speech, np.zeros(n, np.float32)) for n in (0, 100, len(speech) + 5000)]
    assert nothing[0]["mcd_dtw"] == nothing[1]["mcd_dtw"] == nothing[2]["mcd_dtw"] > 3
    assert all(math.isnan(row["mcd_dtw_sl"]) for row in nothing)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_warping_is_the_best_of_all_paths(n, m, seed):
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(0, 4, (length, 1)).astype(float) for length in (n, m))
    cost = np.abs(a - b.T)

    @lru_cache
    def best(i, j):
        if (i, j) == (0, 0):
            return cost[0, 0], 1
        before = [best(x, y) for x, y in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if min(x, y) >= 0]
        return min((c + cost[i, j], length + 1) for c, length in before)

    assert warping(a, b) == best(n - 1, m - 1)


def test_warping_needs_memory_by_the_length_alone():
    peaks = []
    for length in (400, 1600):
        a = np.random.default_rng(0).normal(size=(length, 13))
        tracemalloc.start()
        warping(a, a[::-1])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 5 * peaks[0]


def test_pesq_of_long_speech_is_the_mean_of_pieces(speech):
    """Of 130 s, of which 32 s are speech: in one piece, speech of this length ends the process."""
    from pesq import pesq

    said = np.zeros(130 * SPEECH_RATE, np.float32)
    said[: 32 * SPEECH_RATE] = np.resize(noisy(speech, 60), 32 * SPEECH_RATE)
    heard = noisy(said, 10)
    pieces = zip(np.array_split(said, 9)[:3], np.array_split(heard, 9)[:3], strict=True)
    expected = np.mean([pesq(SPEECH_RATE, *piece, "wb") for piece in pieces])
    assert score(Pesq, said, heard)["pesq"] == pytest.approx(expected)
    assert score(Pesq, said, np.append(said[: 16 * SPEECH_RATE], np.zeros(9)).astype(np.float32))["pesq"] < 4


def test_pesq_of_many_short_utterances(speech):
    """75 in 30 s: in one piece they overrun the package's memory and end the process."""
    t = np.arange(30 * SPEECH_RATE) / SPEECH_RATE
    said = np.where(t % 0.44 < 0.22, RNG.normal(0, 0.2, len(t)), 0).astype(np.float32)
    assert 1 < score(Pesq, said, noisy(said, 20))["pesq"] < 4.6


def test_cosines_and_frechet_by_hand():
    a = np.array([[1.0, 0], [1, 1], [0, 0], [0, 0]])
    b = np.array([[0.0, 2], [3, 3], [0, 0], [1, 0]])
    np.testing.assert_allclose(cosines(a, b), [0, 1, 1, 0], atol=1e-12)
    unit = RNG.standard_normal((200, 3))
    unit = (unit - unit.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(unit, rowvar=False))).T
    # N(0, I) and N((3, 0, 4), diag(4, 1, 9)): 25 + (2 - 1)^2 + 0 + (3 - 1)^2
    assert frechet(unit, unit * [2, 1, 3] + [3, 0, 4]) == pytest.approx(30)
    assert frechet(unit, unit) == pytest.approx(0, abs=1e-6)
    assert math.isnan(frechet(unit[:3], unit))


def test_opinions_are_those_of_the_package(speech):
    pytest.importorskip("speechmos", reason="speechmos is not installed")
    pytest.importorskip("librosa", reason="librosa is not installed (test extra)")
    from speechmos import dnsmos, plcmos

    tail = speech[-9 * SPEECH_RATE // 2 - 3000 :]  # doubled it makes one window
    theirs = dnsmos.run(tail, SPEECH_RATE)
    ours = score(Dnsmos, tail, tail)
    names = {
        "dnsmos": "ovrl_mos",
        "dnsmos_sig": "sig_mos",
        "dnsmos_bak": "bak_mos",
        "dnsmos_p808": "p808_mos",
    }
    assert ours == pytest.approx({ours: theirs[name] for ours, name in names.items()}, abs=1e-4)
    np.testing.assert_allclose(spectrogram(tail), plcmos.PLCMOS().stft_transform(tail), atol=1e-5)


def test_plcmos_hears_gaps_and_is_the_same_each_time(speech):
    holed = speech.copy()
    for start in range(4000, len(speech), 6000):
        holed[start : start + 1500] = 0
    whole = score(Plcmos, speech, speech)["plcmos"]
    assert score(Plcmos, speech, holed)["plcmos"] < whole - 0.3
    assert score(Plcmos, speech, speech)["plcmos"] == whole
    assert math.isnan(score(Plcmos, speech, 0 * speech)["plcmos"])


def test_log_mel_has_a_floor():
    silence = np.zeros(2560, np.float32)
    np.testing.assert_allclose(log_mel(silence, silence), np.full((11, 80), -100.0))
    loud = np.sin(np.arange(2560)).astype(np.float32)
    assert log_mel(loud, loud).max() - log_mel(loud / 1e6, loud).min() == pytest.approx(80)


def test_utmos_runs_the_users_copy_or_is_absent(speech, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MetricAbsent, match=r"tarepan_SpeechMOS_v1\.2\.0"):
        METRICS.get("utmos")()
    code = tmp_path / "hub" / "tarepan_SpeechMOS_v1.2.0"
    code.mkdir(parents=True)
    (code / "hubconf.py").write_text(
        "import torch\n"
        "class Loudest(torch.nn.Module):\n"
        "    def forward(self, wave, sr):\n"
        "        assert wave.ndim == 2 and sr == 16000\n"
        "        return wave.abs().amax(1)\n"
        "def utmos22_strong():\n"
        "    return Loudest()\n"
    )
    with pytest.raises(MetricAbsent, match=r"utmos22_strong_step7459_v1\.pt is missing"):
        METRICS.get("utmos")()
    (tmp_path / "hub" / "checkpoints").mkdir()
    (tmp_path / "hub" / "checkpoints" / "utmos22_strong_step7459_v1.pt").write_bytes(b"weights")
    assert score(METRICS.get("utmos"), speech, speech / 2)["utmos"] == pytest.approx(np.abs(speech).max() / 2)
    assert np.isnan(score(METRICS.get("utmos"), speech, np.zeros(100, np.float32))["utmos"])


def test_heard_is_the_recognizers_edits_on_what_arrived_beside_those_on_the_clip(speech, monkeypatch):
    class Ears:
        def words(self, heard):
            loud = [np.abs(part).max() > 0 for part in np.array_split(heard, 3)]
            return [Word(text, 0, 1) for text, there in zip(("a", "b", "x"), loud, strict=True) if there]

    monkeypatch.setattr("lossweep.experiments.metrics.recognized_words.recognizer", lambda name: Ears())
    _recognizer.cache_clear()
    said = Clip("said", speech=speech, words=tuple(Word(t, 0, 1) for t in ("a", "b", "c", "d")))
    gap = speech.copy()
    gap[: len(gap) // 3 + 1] = 0
    row = METRICS.get("heard")().score(said, Playback(Clip("heard", speech=gap)), Truth())
    assert row == {"heard_wer": 3 / 4, "heard_wer_clean": 2 / 4}
    _recognizer.cache_clear()


@pytest.fixture
def speaker_encoder(tmp_path, monkeypatch):
    """A package resemblyzer with random weights instead of the installed one, if any."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    layers = {"lstm": torch.nn.LSTM(40, 256, 3, batch_first=True), "linear": torch.nn.Linear(256, 256)}
    state = {
        f"{name}.{key}": value for name, layer in layers.items() for key, value in layer.state_dict().items()
    }
    (tmp_path / "resemblyzer").mkdir()
    (tmp_path / "resemblyzer" / "__init__.py").write_text("raise ImportError('it is not imported')")
    torch.save(
        {"model_state": state | {"similarity_weight": torch.ones(1)}},
        tmp_path / "resemblyzer" / "pretrained.pt",
    )
    monkeypatch.syspath_prepend(tmp_path)
    return layers


def test_speaker_similarity_is_the_cosine_of_ge2e_embeddings(speech, speaker_encoder):
    torch = pytest.importorskip("torch")
    librosa = pytest.importorskip("librosa", reason="librosa is not installed (test extra)")

    def embedding(sound):
        mels = librosa.feature.melspectrogram(y=sound, sr=SPEECH_RATE, n_fft=400, hop_length=160, n_mels=40).T
        parts = torch.from_numpy(np.stack([mels[first : first + 160] for first in (0, 77, 154)]))
        hidden = speaker_encoder["lstm"](parts.float())[1][0][-1]
        found = torch.relu(speaker_encoder["linear"](hidden))
        mean = (found / found.norm(dim=1, keepdim=True)).mean(0)
        return mean / mean.norm()

    said = speech[16_000 : 16_000 + 314 * 160 - 1]
    heard = noisy(speech[40_000:][: len(said)], 20)
    assert min(np.sqrt(np.mean(sound**2)) for sound in (said, heard)) > 10 ** (-30 / 20)
    with torch.no_grad():
        expected = float(embedding(said) @ embedding(heard))
    assert expected < 0.9999
    found = score(SpeakerSimilarity, said, heard)["speaker_similarity"]
    assert found == pytest.approx(expected, abs=1e-4)
    assert score(SpeakerSimilarity, said, said / 2)["speaker_similarity"] != 1
    quiet = said / 100
    assert score(SpeakerSimilarity, quiet, quiet / 2)["speaker_similarity"] == pytest.approx(1)
    assert math.isnan(score(SpeakerSimilarity, said, 0 * said)["speaker_similarity"])
    assert score(SpeakerSimilarity, said[:500], said[:500])["speaker_similarity"] == pytest.approx(1)


def test_parts_of_an_utterance_by_hand():
    assert part_starts(1) == part_starts(160 * 160) == [0]
    assert part_starts(160 * (77 + 120)) == [0, 77]
    assert part_starts(160 * (77 + 119)) == [0]


def test_without_resemblyzer_speaker_similarity_is_absent(monkeypatch):
    monkeypatch.setattr("lossweep.experiments.metrics.speaker_similarity.find_spec", lambda name: None)
    with pytest.raises(MetricAbsent, match="pip install --no-deps Resemblyzer") as error:
        METRICS.get("speaker_similarity")()
    assert "\n" not in str(error.value)
