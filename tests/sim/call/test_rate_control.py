"""Congestion controls over a bottleneck: they fill it, keep the queue short, and give way when it narrows."""

import numpy as np
import pytest

from lossweep.channels.capacity import Capacity
from lossweep.channels.delay import Delay
from lossweep.endpoints.fec.none import Uncoded
from lossweep.sim.call.call import Party, calls
from lossweep.sim.call.flow import Flow
from lossweep.sim.call.mechanisms import Mechanisms
from lossweep.sim.call.rate_controls import RATE_CONTROLS
from lossweep.sim.call.sources import CodedFrame, LiveSource
from lossweep.sim.call.statistics import fairness
from lossweep.sim.rtp import RtpHeader

FPS, SSRC = 30.0, 5


class Filler:
    """An encoder whose frames have exactly the size that the rate asks for."""

    fps, width, height = FPS, 256, 256

    def __init__(self, seconds):
        self.frames = round(seconds * FPS)
        self.sent = 0

    def frame(self, i, key, rate_bps):
        left, packets = max(1, round(rate_bps / FPS / 8)), []
        while left > 0:
            header = RtpHeader(96, self.sent % 2**16, round(i / FPS * 90_000) % 2**32, SSRC)
            packets.append(header.serialize() + bytes(min(left, 1200)))
            self.sent += 1
            left -= 1200
        return CodedFrame(tuple(packets), i == 0)

    def protect(self, sbn, source, key, repair):
        return Uncoded(len(source)), []


def run(name, capacity, seconds=40, parties=1):
    mechanisms = Mechanisms(
        rate=lambda: RATE_CONTROLS[name](300e3, 150e3, 1.5e6), transport_feedback_s=0.1, playout_delay_s=0.4
    )
    made = []
    for _ in range(parties):
        flow = Flow("video", SSRC, 96, 90_000)
        made.append(Party([LiveSource(Filler(seconds), flow, 1, 2.5)], [flow], mechanisms))
    return calls(made, (capacity, Delay(0.05)), (Delay(0.05),), seed=1)


def received(result, begin, end):
    """Rate and 95 % queueing delay of what arrived in an interval."""
    forward = result.forward
    inside = (forward.arrived_s >= begin) & (forward.arrived_s < end)
    queue = forward.arrived_s[inside] - forward.sent_s[inside] - 0.05
    return 8 * forward.size_bytes[inside].sum() / (end - begin), np.percentile(queue, 95)


@pytest.mark.parametrize("name", RATE_CONTROLS)
def test_it_uses_the_bottleneck_and_keeps_the_queue_short(name):
    (result,) = run(name, Capacity(capacity_bps=1e6, queue_s=0.3))
    rate, queue = received(result, 25, 40)
    assert 0.6e6 <= rate <= 1.0e6
    assert queue <= 0.15
    assert result.delivery.lost.mean() < 0.01


@pytest.mark.parametrize("name", RATE_CONTROLS)
def test_it_gives_way_when_the_bottleneck_narrows(name, tmp_path):
    trace = tmp_path / "capacity.txt"
    trace.write_text("0 1.2 0 0\n20 0.4 0 0\n40 0.4 0 0\n")
    (result,) = run(name, Capacity(file=str(trace), begin="start", queue_s=0.3))
    before, after = received(result, 10, 20)[0], received(result, 30, 40)
    assert before > 0.55e6
    assert after[0] <= 0.41e6
    assert after[1] <= 0.25


@pytest.mark.parametrize("name", RATE_CONTROLS)
def test_two_calls_share_the_bottleneck(name):
    results = run(name, Capacity(capacity_bps=1.2e6, queue_s=0.3), 60, parties=2)
    assert fairness(results) > 0.85
