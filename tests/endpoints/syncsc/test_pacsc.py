"""PacSC: sizes of the paper, rows that are independent packets, and whole blocks lost."""

import numpy as np
import pytest
import torch
from face_rows import estimate, make

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
    code = make("pacsc", rate, 1)
    arrived = np.ones(64 // code.layout.frames * code.block.n, bool)
    shown, exact = estimate(code, sent, arrived)
    assert np.sqrt(np.square(shown - sent).mean()) < 0.2
    assert exact.all()
    kept = 3 * code.layout.frames
    arrived[3 * code.block.n :] = False
    held = estimate(code, sent, arrived).coefficients
    assert (held[:kept] == shown[:kept]).all()
    assert (held[kept:] == held[kept - 1]).all()
    assert (estimate(code, sent, arrived & False, sent[5]).coefficients == sent[5]).all()


@pytest.mark.parametrize("rate", [0.5, 0.25])
def test_no_row_that_is_sent_is_clamped(rate):
    network = PacSCNetwork(CONFIGS[rate])
    torch.nn.init.normal_(network.encoder_norm.weight)
    torch.nn.init.normal_(network.encoder_norm.bias)
    rows = network.encode(torch.randn(500, CONFIGS[rate].frames, 16) * 8)
    assert (rows.abs() <= network.largest_row() + 1e-5).all()
