"""Training is one command that resumes; what it cannot use it names in one line."""

import json

import numpy as np
import pytest

from lossweep.channels.errors import TrainingDataError, WeightsError
from lossweep.endpoints.clip import ClipError
from lossweep.endpoints.text import textpc
from lossweep.endpoints.text.weights import FILES
from lossweep.experiments.clips.transcript import read_transcript
from lossweep.experiments.training.text import train
from lossweep.experiments.training.text.corpus import read_corpus

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefgh", *(f"##{c}" for c in "abcdefgh")]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A made-up `bert-base-uncased` folder, as transformers writes one, with its masked-LM head."""
    from transformers import BertConfig, BertForMaskedLM

    folder = tmp_path_factory.mktemp("bert")
    sizes = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32}
    BertForMaskedLM(BertConfig(vocab_size=len(PIECES), **sizes)).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(PIECES))
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("corpus"), np.random.default_rng(1)
    said = ["bad", "cab", "dad", "fed", "had", "add"]
    for file, titles in (("chemistry_lectures", (1, 2, 10)), ("lectures_0", (4, 5, 6))):
        texts = [f"# course / lecture-{n}-x\n{' '.join(rng.choice(said, 300))}\n" for n in titles]
        (folder / f"{file}.txt").write_text("".join(texts))
    return folder


def test_a_training_on_any_bert_is_written_with_its_card_resumes_and_fills(corpus, bert, tmp_path, capsys):
    command = ["--data", str(corpus), "--start", str(bert), "--out", str(tmp_path), "--cpu-minutes"]
    assert train.main([*command, "0.02"]) == 0
    assert train.main([*command, "0.03"]) == 0
    assert "resumed at step" in capsys.readouterr().out
    card = (tmp_path / "README.md").read_text()
    assert "2 lectures of 600 words" in card
    assert "--cpu-minutes 0.03" in card
    figures = json.loads((tmp_path / "README.json").read_text())
    assert figures["training"]["steps"] > 0
    filled = textpc.TextPC(tmp_path).fill(["bad", None, "cab"], np.zeros(3, int))
    assert filled[::2] == ["bad", "cab"]
    assert filled[1]


@pytest.mark.parametrize("name", FILES[:-1])
def test_a_missing_file_of_the_model_is_named(corpus, bert, tmp_path, name):
    for file in FILES:
        (tmp_path / file).write_bytes((textpc.SHIPPED / file).read_bytes())
    (tmp_path / name).unlink()
    with pytest.raises(WeightsError, match=name):
        textpc.TextPC(tmp_path)


def test_what_is_no_bert_folder_is_named(corpus, bert, tmp_path, capsys):
    def failed(start) -> str:
        assert train.main(["--data", str(corpus), "--out", str(tmp_path / "out"), "--start", str(start)]) == 2
        return capsys.readouterr().err

    assert "config.json is missing" in failed(tmp_path)
    for file in bert.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((bert / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 2}))
    assert "not a BERT with at least 4 layers" in failed(tmp_path)


@pytest.mark.parametrize(("files", "said"), [({}, "holds no .txt"), ({"a.txt": " \n"}, "are empty")])
def test_an_empty_corpus_is_one_clear_line(tmp_path, files, said):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(TrainingDataError, match=said):
        read_corpus(tmp_path)


def test_text_without_times_gets_an_even_pace_and_says_so(tmp_path):
    path = tmp_path / "talk.txt"
    path.write_text("An atom has a nucleus.")
    clip = read_transcript(path)
    assert clip.source == "even pace"
    assert np.allclose(np.diff([w.start_s for w in clip.words]), 0.4)
    path.write_text("# title\n")
    with pytest.raises(ClipError, match="holds no words"):
        read_transcript(path)
