"""PacSC: sizes of the paper, rows that are independent packets, and whole blocks lost."""

import numpy as np
import pytest
import torch
from face_rows import estimate, make

from lossweep.endpoints.syncsc.codes.interleaving import rows_of_packets
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


@pytest.mark.parametrize(("blocks", "packets"), [(1, 8), (4, 8), (12, 8), (3, 16)])
def test_a_packet_has_one_row_of_each_block_and_a_row_is_in_one_packet(blocks, packets):
    places = rows_of_packets(blocks, packets)
    assert places.shape == (blocks, packets)
    assert (np.sort(places) == np.arange(packets)).all()
    assert (places[0] == np.arange(packets)).all()
    assert all(len(set(places[:packets, i])) == min(blocks, packets) for i in range(packets))


def test_a_sequence_longer_than_the_network_codes_as_one_is_cut():
    c = CONFIGS[0.5]
    network = PacSCNetwork(c).eval()
    x = torch.randn(2, 20 * c.frames, 16)
    rows = network.encode(x)
    part = 8 * c.frames
    parts = [network.encode(x[:, first : first + part]) for first in range(0, x.shape[1], part)]
    assert torch.equal(rows, torch.cat(parts, 1))
    assert network.decode(rows).shape == x.shape


@pytest.mark.parametrize("rate", [0.5, 0.25])
def test_blocks_of_a_group_help_each_other(rate):
    """Half of the packets lost: frames of a group that is coded as one are nearer than frames of single blocks."""
    sent = np.float32(np.sin(np.arange(1024)[:, None] / 9 + np.arange(16)))
    rng = np.random.default_rng(1)

    def error(group: int) -> float:
        code = make("pacsc", rate, group)
        arrived = rng.random(1024 // code.layout.frames * code.block.n) >= 0.5
        return float(np.sqrt(np.square(estimate(code, sent, arrived).coefficients - sent).mean()))

    assert error(8 // CONFIGS[rate].frames) < 0.8 * error(1)
