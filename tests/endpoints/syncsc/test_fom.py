"""The keypoint baseline: as many numbers as SyncSC, keypoints that follow, and a rendering that stays where they do."""

import numpy as np
import pytest
import torch

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.channels.errors import OptionError
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.receiver import receive
from lossweep.endpoints.syncsc.codes.family import PacSCSFamily
from lossweep.endpoints.syncsc.fom.endpoint import FomEndpoint, FomParams
from lossweep.endpoints.syncsc.fom.renderer import SHIPPED, as_tensor, load_network
from lossweep.experiments.clips import load_clips
from lossweep.sim.simulate import simulate


@pytest.fixture(scope="module")
def clip():
    (portrait,) = load_clips("portrait", seconds=0.64)
    return portrait


def test_sixteen_float16_numbers_per_frame_and_the_reference_where_they_do_not_move(clip):
    tried = FomEndpoint(FomParams(), NoCode())
    encoded = tried.encode(clip)
    assert 8 * sum(len(packet) - 12 for packet in encoded.stream.packets) == 16 * 16 * len(clip.video)
    delivery = simulate(encoded.stream, Bernoulli(0.0), Delay(0.04, 0.005), seed=1)
    got = receive(delivery.arrivals(encoded.stream), encoded.session.streams, delivery.playout_delay_s)
    one = FomEndpoint.decode([packet for packet in got if packet.number == 0], encoded.session)
    assert one.semantics is None
    assert np.abs(one.clip.video[0].astype(int) - clip.video[0]).mean() < 6
    assert set(FomEndpoint.decode([], encoded.session).outcome) == {"grey"}


@torch.inference_mode()
def test_keypoints_follow_a_shifted_picture(clip):
    detector = load_network(SHIPPED).detector
    picture = as_tensor(clip.video[0])
    moved = torch.roll(picture, (8, -8), (2, 3))
    step = (detector(moved) - detector(picture))[0].numpy() * 128
    assert np.median(step, 0) == pytest.approx([-8, 8], abs=3)


def test_it_takes_no_code_that_was_trained_on_faces():
    with pytest.raises(OptionError, match="endpoint fom takes codes that protect packets; pacsc-s"):
        FomEndpoint(FomParams(), PacSCSFamily(0.5))
