"""The network of `anchors/nack_residual.txt`: a packet every 10 ms, and a gap that is always seen 10 ms later."""

from dataclasses import dataclass

import numpy as np

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.bursts_in_time import BurstsInTime
from lossweep.channels.delay import Delay
from lossweep.channels.element import Element, Kind, LossStage
from lossweep.endpoints.fec.none import Uncoded
from lossweep.sim.call.call import call
from lossweep.sim.call.flow import Flow
from lossweep.sim.call.mechanisms import Mechanisms
from lossweep.sim.call.nack import NackRule
from lossweep.sim.call.sources import StreamSource
from lossweep.sim.rtp import RtpHeader
from lossweep.sim.stream import Block, Stream

LOSS, SPACING_S = 0.05, 0.02
SSRC, PAYLOAD_TYPE, CLOCK_RATE = 7, 96, 1000
MEASURED_BYTES = 100
TIE_S = 0.001
"""A retransmission that arrives at the end of the slack is in time, though its round trip is known to 15 us only."""


@dataclass(frozen=True)
class MeasuredOnly(Element):
    """A loss model that spares the packets between the measured ones, so that each gap is seen 10 ms later."""

    of: Element
    kind = Kind.LOSS
    name = "measured_only"

    def start(self, chance, end_s):
        return MeasuredOnlyStage(self.of.start(chance, end_s))


class MeasuredOnlyStage(LossStage):
    def __init__(self, of):
        self.of = of

    def lost(self, packets):
        raise NotImplementedError

    def lost_one(self, packet, now):
        lost = self.of.lost_one(packet, now)
        return lost and packet.size_bytes > MEASURED_BYTES


def loss_model(mean_burst_s):
    return BurstsInTime(loss_rate=LOSS, mean_burst_s=mean_burst_s) if mean_burst_s else Bernoulli(LOSS)


def stream(measured):
    """Measured packets every 20 ms, and a small one 10 ms after each."""
    packets = []
    for i in range(2 * measured):
        header = RtpHeader(PAYLOAD_TYPE, i % 2**16, 10 * i, SSRC)
        packets.append(header.serialize() + bytes(MEASURED_BYTES if i % 2 == 0 else 1))
    times = np.arange(2 * measured) * SPACING_S / 2
    blocks = tuple(Block(i, i, Uncoded(1), float(t), SPACING_S / 2) for i, t in enumerate(times))
    return Stream(tuple(packets), times, times, blocks)


def residuals(rtt_s, slacks_s, mean_burst_s, measured, seed=1):
    """Share of the measured packets that are not there so long after they would have arrived, for each slack."""
    sent = stream(measured)
    flow = Flow("packets", SSRC, PAYLOAD_TYPE, CLOCK_RATE)
    mechanisms = Mechanisms(nack=NackRule(), playout_delay_s=rtt_s / 2 + max(slacks_s))
    path = (MeasuredOnly(loss_model(mean_burst_s)), Delay(rtt_s / 2))
    result = call([StreamSource(sent, [flow], 1.0)], [flow], path, (Delay(rtt_s / 2),), mechanisms, seed=seed)
    late_s = np.array([one.known_s - one.sent_s - rtt_s / 2 for one in result.packets[::2]])
    return [float(np.mean(late_s > slack_s + TIE_S)) for slack_s in slacks_s]


def residual(rtt_s, slack_s, mean_burst_s, measured):
    """The share for one slack."""
    return residuals(rtt_s, [slack_s], mean_burst_s, measured)[0]
