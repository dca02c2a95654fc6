"""Weights on disk: float16, and embedding tables as int8 with a scale per row."""

import os

import numpy as np
import pytest
import torch
from torch import nn

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.weights import load, load_checkpoint, save


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(50, 8), nn.Linear(8, 3))


def test_weights_come_back_as_float16_has_them(tmp_path):
    one, other = network(), nn.Sequential(nn.Embedding(50, 8), nn.Linear(8, 3))
    save(tmp_path / "net.safetensors", one.state_dict())
    load(tmp_path / "net.safetensors", "net", other)
    for name, value in one.state_dict().items():
        assert torch.equal(other.state_dict()[name], value.half().float())


def test_a_table_comes_back_to_half_a_step_of_its_rows_scale(tmp_path):
    one, other = network(), network()
    save(tmp_path / "net.safetensors", one.state_dict(), tables=["0.weight"])
    load(tmp_path / "net.safetensors", "net", other)
    table, got = one.state_dict()["0.weight"], other.state_dict()["0.weight"]
    step = table.abs().amax(1, keepdim=True) / 127
    assert ((got - table).abs() <= 0.51 * step + 1e-3 * table.abs()).all()
    whole = tmp_path / "whole.safetensors"
    save(whole, one.state_dict())
    assert (tmp_path / "net.safetensors").stat().st_size < whole.stat().st_size


def test_a_file_of_another_network_is_one_line(tmp_path):
    save(tmp_path / "net.safetensors", {"other": torch.from_numpy(np.zeros(3, np.float32))})
    with pytest.raises(WeightsError, match="is broken") as error:
        load(tmp_path / "net.safetensors", "net", network())
    assert "\n" not in str(error.value)


class Crafted:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return (os.mkdir, (self.folder,))


def test_a_checkpoint_gives_its_tensors_and_runs_nothing(tmp_path):
    torch.save({"net": {"a": torch.ones(3)}}, tmp_path / "good.pth")
    assert load_checkpoint(tmp_path / "good.pth")["net"]["a"].tolist() == [1, 1, 1]
    torch.save({"net": Crafted(str(tmp_path / "ran"))}, tmp_path / "bad.pth")
    (tmp_path / "noise.pth").write_bytes(bytes(range(256)))
    for name in ("bad.pth", "noise.pth", "missing.pth"):
        with pytest.raises(WeightsError, match=name) as error:
            load_checkpoint(tmp_path / name)
        assert "\n" not in str(error.value)
        assert "weights_only" not in str(error.value)
    assert not (tmp_path / "ran").exists()
