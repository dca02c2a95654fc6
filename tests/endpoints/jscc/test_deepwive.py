"""DeepWiVe: allocations and how they are told, the energy of a frame's share, scale-space flow."""

import numpy as np
import pytest
import torch

from lossweep.channels.awgn import Awgn
from lossweep.channels.physical import generator
from lossweep.endpoints.jscc.allocation import (
    CHUNKS,
    HEADER,
    UNIFORM,
    AllocationNetwork,
    allocations,
    header,
    number_of,
    read_header,
)
from lossweep.endpoints.jscc.contract import SymbolError
from lossweep.endpoints.jscc.deepwive_coder import Sender, allowed, budget, interpolate
from lossweep.endpoints.jscc.interpolation_network import InterpolationNetwork
from lossweep.endpoints.jscc.key_frame_network import KeyFrameNetwork
from lossweep.endpoints.jscc.scale_space import LEVELS, scale_space_warp


def test_there_are_1771_allocations_and_each_gives_all_chunks():
    found = allocations()
    assert len(np.unique(found, axis=0)) == len(found) == 1771
    assert (found.sum(1) == CHUNKS).all()
    assert found.min() == 0
    assert tuple(found[number_of(UNIFORM)]) == UNIFORM


@pytest.mark.parametrize("snr_db", [-5.0, 5.0])
def test_the_receiver_reads_the_allocation_out_of_noise(snr_db):
    allowed_all = np.ones(1771, bool)
    for number in range(0, 1771, 7):
        received, noise = Awgn(snr_db).transmit(header(number), generator(3, number, 0)).equalized()
        assert read_header(received, 1 / noise, allowed_all) == number
    only = np.zeros(1771, bool)
    only[5] = True
    assert read_header(header(9), np.ones(HEADER, np.float32), only) == 5


@pytest.mark.parametrize("shares", [UNIFORM, (20, 0, 0, 0), (0, 10, 5, 5), (17, 1, 1, 1)])
def test_a_frame_with_u_chunks_has_u_twentieths_of_the_energy(shares):
    """Of each transmission, not of a batch: the second clip is much brighter than the first."""
    torch.manual_seed(0)
    pictures = [torch.rand(2, 3, 128, 128) * torch.tensor([0.02, 1.0]).view(2, 1, 1, 1) for _ in range(4)]
    sender = Sender(KeyFrameNetwork().eval(), InterpolationNetwork().eval(), torch.zeros(2))
    chunk = 170
    with torch.inference_mode():
        parts, _ = sender.group(pictures[3], pictures, tuple(chunk * u for u in shares))
    for part, share in zip(parts, shares, strict=True):
        sent = chunk * share
        assert part.shape == (2, sent)
        energy = part.abs().square().sum(1)
        torch.testing.assert_close(energy, torch.full((2,), float(sent)), rtol=1e-3, atol=1e-3)


def test_a_budget_keeps_to_the_bandwidth_ratio():
    for rho in (1 / 16, 1 / 32, 1 / 48):
        for frames in (9, 10, 101, 102):
            symbols = budget(rho, frames, 256, 256)
            groups = -(-(frames - 1) // 4)
            used = symbols.first + groups * (HEADER + CHUNKS * symbols.chunk)
            assert used <= rho * 3 * 256 * 256 * frames + 1
            assert used > 0.9 * rho * 3 * 256 * 256 * frames
    with pytest.raises(SymbolError, match="at least 160"):
        budget(1 / 1000, 9, 128, 128)


def test_no_frame_is_given_more_symbols_than_it_has_features():
    fits = allowed(budget(1 / 16, 9, 128, 128).chunk, 128, 128)
    assert fits[number_of(UNIFORM)]
    assert not fits[number_of((20, 0, 0, 0))]


def test_scale_space_flow_moves_and_blurs():
    random = torch.Generator().manual_seed(1)
    picture = torch.rand(1, 3, 32, 48, generator=random)
    flow = torch.zeros(1, 3, 32, 48)
    torch.testing.assert_close(scale_space_warp(picture, flow), picture)
    flow[:, 0], flow[:, 1] = 3, -2
    torch.testing.assert_close(
        scale_space_warp(picture, flow)[..., 2:, :-3], picture[..., :-2, 3:], rtol=1e-4, atol=1e-4
    )
    spreads = []
    for degree in range(LEVELS):
        flow = torch.zeros(1, 3, 32, 48)
        flow[:, 2] = degree
        spreads.append(float(scale_space_warp(picture, flow).std()))
    assert spreads == sorted(spreads, reverse=True)
    half = torch.zeros(1, 3, 32, 48)
    half[:, 2] = 0.5
    one = torch.zeros(1, 3, 32, 48)
    one[:, 2] = 1
    torch.testing.assert_close(
        scale_space_warp(picture, half), (picture + scale_space_warp(picture, one)) / 2
    )


def test_a_frame_without_symbols_depends_on_its_references_alone():
    torch.manual_seed(0)
    network = InterpolationNetwork().eval()
    references = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    nothing = torch.zeros(1, 0, dtype=torch.complex64)
    with torch.inference_mode():
        shown = interpolate(network, nothing, torch.ones(1), torch.zeros(1), references)
        other = interpolate(network, nothing, torch.ones(1), torch.zeros(1), references[::-1])
    assert shown.shape == (1, 3, 64, 64)
    assert float(shown.min()) >= -1
    assert float(shown.max()) <= 1
    assert not torch.equal(shown, other)


def test_the_value_of_an_allocation_is_the_sum_of_its_frames_values():
    torch.manual_seed(0)
    network = AllocationNetwork().eval()
    with torch.inference_mode():
        values = network(torch.rand(1, 69, 32, 32), torch.zeros(1))[0]
    a, b = number_of((10, 4, 3, 3)), number_of((8, 6, 3, 3))
    c, d = number_of((10, 4, 2, 4)), number_of((8, 6, 2, 4))
    assert float(values[a] - values[b]) == pytest.approx(float(values[c] - values[d]), abs=1e-5)
