"""PacSC: sizes of the paper, rows that are independent packets, and whole blocks lost."""

import numpy as np
import pytest
import torch

from lossweep.endpoints.syncsc.codes.code import code_of
from lossweep.endpoints.syncsc.codes.pacsc_network import CONFIGS, PacSCNetwork


@pytest.mark.parametrize(("rate", "rows", "row", "frames"), [(0.5, 8, 8, 2), (0.25, 16, 16, 4)])
def test_sizes_are_the_papers(rate, rows, row, frames):
    network = PacSCNetwork(CONFIGS[rate])
    assert 0.165e6 < sum(p.numel() for p in network.parameters()) < 0.195e6
    coded = network.encode(torch.zeros(3, frames, 16))
    assert coded.shape == (3, rows, row)
    assert frames * 16 / (rows * row) == rate
    assert network.decode(coded).shape == (3, frames, 16)


@pytest.mark.parametrize("rate", [0.5, 0.25])
def test_patches_are_put_back_where_they_were_cut(rate):
    """With layers that hand the patch through, the block comes back."""
    c = CONFIGS[rate]
    network, x = PacSCNetwork(c), torch.randn(2, c.frames, 16)
    cut = torch.nn.functional.unfold(x.reshape(-1, 1, c.symbols, c.width), 2, stride=2).transpose(1, 2)
    network.widen = network.decoder_norm = network.out = torch.nn.Identity()
    network.decoder, network.decoder_position = torch.nn.ModuleList(), torch.nn.Parameter(torch.zeros(1))
    assert torch.equal(network.decode(cut), x)


@pytest.mark.parametrize("rate", [0.5, 0.25])
def test_close_without_loss_and_the_last_frame_held_where_nothing_came(rate):
    sent = np.float32(np.sin(np.arange(64)[:, None] / 9 + np.arange(16)))
    code = code_of("pacsc", rate, 1)
    payloads = [p.payload for p in code.packets(sent)]
    whole = code.decode(payloads, 64, sent[0])
    assert np.sqrt(np.square(whole - sent).mean()) < 0.2
    gone = 3 * code.block_packets
    held = code.decode([*payloads[:gone], *[None] * (len(payloads) - gone)], 64, sent[0])
    assert (held[: 3 * code.block_frames] == whole[: 3 * code.block_frames]).all()
    assert (held[3 * code.block_frames :] == held[3 * code.block_frames - 1]).all()
    assert (code.decode([None] * len(payloads), 64, sent[5]) == sent[5]).all()
