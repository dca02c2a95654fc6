"""The training loop stops at its CPU time, resumes to the same place, and its card has its figures."""

import json

import numpy as np
import torch

from lossweep.experiments.training.model_card import ModelCard, Table, render, training_of
from lossweep.experiments.training.trainer import STEPS_PER_CHECKPOINT, TrainConfig, fit
from lossweep.experiments.training.tts.validation import validation


def config_in(folder, minutes):
    return TrainConfig(folder, folder, folder, folder / "one.pt", minutes, threads=1)


def regression(config, seen):
    torch.manual_seed(config.seed)
    network = torch.nn.Linear(3, 1)

    def loss(rng, used):
        seen.append(used)
        x = torch.from_numpy(rng.normal(size=(8, 3)).astype(np.float32))
        value = (network(x) - x.sum(1, keepdim=True)).square().mean()
        return value, {"squares": value.item()}

    return fit(config, network, 1e-2, loss, lambda average: "")


def test_a_training_uses_its_cpu_time_and_resumes(tmp_path, capsys):
    seen = []
    first = regression(config_in(tmp_path, 0.01), seen)
    assert first.cpu_seconds >= 0.6
    assert len(seen) == first.step
    assert seen == sorted(seen)
    assert "left" in capsys.readouterr().out
    again = regression(config_in(tmp_path, 0.01), seen)
    assert (again.step, again.cpu_seconds) == (first.step, first.cpu_seconds)
    assert all(torch.equal(again.average[name], value) for name, value in first.average.items())
    more = regression(config_in(tmp_path, 0.02), seen)
    assert more.step > first.step
    assert f"resumed at step {first.step}" in capsys.readouterr().out


def test_the_average_converges_with_the_weights(tmp_path):
    trained = regression(config_in(tmp_path, 0.02), [])
    assert trained.step > STEPS_PER_CHECKPOINT
    assert torch.allclose(trained.average["weight"], torch.ones(1, 3), atol=0.2)


def test_a_card_has_the_figures_of_its_json(tmp_path):
    trained = regression(config_in(tmp_path, 0.01), [])
    table = Table("Held out:", ["person", "error"], [["a", 1.23456], ["b", None]])
    card = ModelCard(
        "Net",
        ["net.safetensors"],
        ["It adds."],
        ["Numbers."],
        "python -m x",
        training_of(config_in(tmp_path, 0.01), trained),
        [table],
        ["It only adds."],
    )
    card.write(tmp_path, "net")
    figures = json.loads((tmp_path / "net.json").read_text())
    assert figures["training"]["steps"] == trained.step
    assert figures["tables"][0]["rows"][0] == ["a", 1.23456]
    page = (tmp_path / "net.md").read_text()
    assert "| a | 1.23 |" in page
    assert "| b | - |" in page
    assert render(tmp_path / "net.json").read_text() == page


def test_a_validation_writes_the_weights_and_names_each_kind(tmp_path):
    kept = {"espeak": (torch.ones(2, 3),), "real": (torch.zeros(2, 3),)}

    def figures_of(network, batch):
        return {"mean": float(network(batch[0]).mean())}

    validate = validation(config_in(tmp_path, 0), "judged", lambda: torch.nn.Linear(3, 1), kept, figures_of)
    said = validate({"weight": torch.full((1, 3), 0.5), "bias": torch.full((1,), 0.25)})
    assert said == "espeak mean 1.750; real mean 0.250"
    assert (tmp_path / "judged.safetensors").exists()
