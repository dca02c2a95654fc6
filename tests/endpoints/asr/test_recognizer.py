"""Words from sound: in their place, with the error said, and one line where there are none."""

import shutil
import sys
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossweep.channels.errors import MissingPackage, WeightsError
from lossweep.endpoints.asr.recognizer import recognizer
from lossweep.endpoints.asr.zipformer import join_tokens
from lossweep.endpoints.clip import Clip, ClipError, Playback, Word
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.check import check
from lossweep.experiments.clips import load_clips
from lossweep.experiments.clips.recognized import recognize
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.metrics.metric import METRICS
from lossweep.experiments.metrics.recognition import Recognition, normalize_words

pocketsphinx = pytest.mark.skipif(
    not __import__("importlib.util").util.find_spec("pocketsphinx"), reason="pocketsphinx is not installed"
)


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LOSSWEEP_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def portrait():
    return load_clips("portrait")[0]


@pocketsphinx
def test_the_built_in_clip_is_understood_in_part_and_in_place(portrait):
    beginning = replace(portrait, speech=portrait.speech[: 6 * 16_000])
    heard = recognize(beginning, "pocketsphinx")
    assert heard.source.startswith("recognized by pocketsphinx")
    right = {w.text: w for w in portrait.words} | {"packet": portrait.words[8]}
    alike = [w for w in heard.words if w.text in ("loses", "a", "packet", "when") and w.start_s < 4]
    assert len(alike) >= 2
    for word in alike:
        said = min((w for w in portrait.words), key=lambda w: abs(w.start_s - word.start_s))
        assert abs(said.start_s - word.start_s) < 0.15
        assert normalize_words(said.text) == normalize_words(word.text) or word.text in right
    wer = Recognition().score(heard, Playback(heard), Truth())["recognizer_wer"]
    assert 0 < wer < 1
    assert normalize_words(heard.transcript) == normalize_words(" ".join(w.text for w in portrait.words))
    assert recognize(beginning, "pocketsphinx") == heard  # kept


@pocketsphinx
def test_silence_and_a_clip_without_sound_are_named():
    with pytest.raises(ClipError, match=r"clip quiet: pocketsphinx .* hears no word"):
        recognize(Clip("quiet", speech=np.zeros(16_000, np.float32)), "pocketsphinx")
    with pytest.raises(ClipError, match="clip mute has no sound"):
        recognize(Clip("mute"), "pocketsphinx")


def test_words_are_recognized_where_they_are_sent_and_not_known(monkeypatch):
    asked = []

    def hear(clip, name):
        asked.append(name)
        return replace(clip, words=(Word("hello", 0.0, 0.5),), source="recognized")

    monkeypatch.setattr("lossweep.experiments.clips.recognized.recognize", hear)
    monkeypatch.setattr(
        "lossweep.experiments.clips.load_clips", lambda **_: [Clip("c", speech=np.ones(9, np.float32))]
    )
    network = {"channel": {"name": "bernoulli", "loss_rate": 0}, "metrics": []}
    for endpoint, heard in (
        ("opus", 0),
        ("text", 1),
        ({"name": "system", "speech": "opus", "words": "text"}, 2),
    ):
        (cell,) = check({"name": "s", "endpoint": endpoint, **network}).cells()
        clip = Evaluator([]).encoded(cell)
        assert asked == ["pocketsphinx"] * heard
        assert clip is not None


def test_wer_by_hand_and_where_there_is_none():
    words = tuple(Word(text, i, i + 1) for i, text in enumerate(["hello", "word", "its", "me", "me"]))
    clip = Clip("c", words=words, transcript="Hello, world! It's me.")
    assert Recognition().score(clip, Playback(clip), Truth()) == {"recognizer_wer": 3 / 4}
    assert Recognition().score(replace(clip, transcript=None), Playback(clip), Truth()) == {}
    assert normalize_words("A B-side, 3 o’clock...") == ["a", "b", "side", "3", "o'clock"]


@pytest.mark.parametrize("name", ["sphinx", "no/such/folder"])
def test_an_unknown_recognizer_is_one_line(name):
    with pytest.raises(ScenarioError, match=f"clip: no recognizer '{name}'") as error:
        check(
            {
                "name": "s",
                "clip": {"source": "portrait", "recognizer": name},
                "endpoint": "opus",
                "channel": {"name": "bernoulli", "loss_rate": 0},
                "metrics": [],
            }
        )
    assert len(str(error.value).splitlines()) == 1


def test_a_zipformer_folder_that_lacks_a_file_is_named(tmp_path):
    pytest.importorskip("sherpa_onnx", reason="sherpa-onnx is not installed (extra recognizer)")
    for name in (
        "encoder-epoch-1.int8.onnx",
        "encoder-epoch-1.onnx",
        "decoder.onnx",
        "joiner.onnx",
        "tokens.txt",
    ):
        with pytest.raises(WeightsError, match=r"holds no (encoder|decoder|joiner|tokens)") as error:
            recognizer(str(tmp_path))
        assert len(str(error.value).splitlines()) == 1
        (tmp_path / name).write_bytes(b"x")
    found = recognizer(str(tmp_path))
    assert found.label.startswith(f"zipformer {tmp_path.name} ")
    assert found._files["encoder"].name == "encoder-epoch-1.onnx"


@pytest.fixture
def whisper_folder(tmp_path):
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_a_whisper_folder_without_its_package_or_a_file_is_one_line(whisper_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    monkeypatch.setattr("lossweep.endpoints.asr.whisper.find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=r"pip install lossweep\[whisper\]") as error:
        recognizer(str(whisper_folder))
    assert len(str(error.value).splitlines()) == 1
    monkeypatch.setattr("lossweep.endpoints.asr.whisper.find_spec", lambda name: name)
    (whisper_folder / "tokenizer.json").unlink()
    with pytest.raises(WeightsError, match=r"holds no tokenizer\.json"):
        recognizer(str(whisper_folder))


def test_whisper_words_are_lower_case_in_order_and_without_marks(whisper_folder, monkeypatch):
    """With a model that says what it was asked, in place of faster-whisper's."""
    asked = []

    class Model:
        def __init__(self, folder, **options):
            asked.append((folder, options))

        def transcribe(self, speech, **options):
            asked.append((speech, options))
            said = [(" Hello,", 0.1, 0.5), (" world!", 0.45, 0.7), (" -", 0.7, 0.8), (" It's", 0.6, 9.0)]
            words = [SimpleNamespace(word=word, start=start, end=end) for word, start, end in said]
            return iter([SimpleNamespace(words=words[:2]), SimpleNamespace(words=words[2:])]), None

    monkeypatch.setattr("lossweep.endpoints.asr.whisper.find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "faster_whisper", SimpleNamespace(WhisperModel=Model))
    found = recognizer(str(whisper_folder))
    assert found.label == f"whisper {whisper_folder.name} 2d711642"  # sha256 of b"x"
    assert found.words(np.zeros(16_000, np.float32)) == ()
    assert asked == []
    speech = np.full(16_000, 0.1, np.float32)
    assert found.words(speech) == (
        Word("hello", 0.1, 0.5),
        Word("world", 0.45, 0.7),
        Word("it's", 0.6, 1.0),
    )
    (folder, options), (heard, said) = asked
    assert (folder, options["local_files_only"]) == (str(whisper_folder), True)
    assert np.array_equal(heard, speech)
    assert (said["language"], said["word_timestamps"]) == ("en", True)
    clip = Clip("c", speech=speech, transcript="Hello world, it is")
    metric = METRICS.get("heard")(recognizer=str(whisper_folder))
    assert metric.score(clip, Playback(clip), Truth()) == {"heard_wer": 2 / 4, "heard_wer_clean": 2 / 4}


def test_tokens_become_words_by_hand():
    words = join_tokens(["▁HE", "LL", "O", " WOR", "LD", "▁"], [0.4, 0.44, 0.6, 1.52, 1.6, 2.0], 5.0)
    assert words == (Word("hello", 0.4, 0.6 + 0.3), Word("world", 1.52, 1.6 + 0.3))
    assert join_tokens([], [], 1.0) == ()


@given(st.lists(st.sampled_from(["▁A", "B", " ", "▁", "C"]), max_size=12))
def test_words_are_in_order_and_none_is_empty(tokens):
    words = join_tokens(tokens, [0.04 * i for i in range(len(tokens))], 1.0)
    assert all(word.text and word.start_s <= word.end_s for word in words)
    assert all(a.end_s <= b.start_s for a, b in pairwise(words))


def test_a_transcript_beside_the_video_is_read(tmp_path):
    import os

    if "LOSSWEEP_DATA" not in os.environ:
        pytest.skip("LOSSWEEP_DATA is not set")
    source = os.path.join(os.environ["LOSSWEEP_DATA"], "clips", "025_LipNet_grid_brbk7n.mp4")
    shutil.copy(source, tmp_path / "grid.mp4")
    (tmp_path / "grid.txt").write_text("bin red by k seven now\n")
    (clip,) = load_clips(str(tmp_path / "grid.mp4"), seconds=0.2)
    assert clip.words is None
    assert clip.transcript == "bin red by k seven now\n"
