"""WebRTC's amount of FEC, interpolated between measured points."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lossweep.sim.call.fec_rule import BlockFacts, NetworkView

LOSSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
POINTS = (
    (9.4, (0.251, 0.251, 0.251, 0.251, 0.251, 0.251)),
    (10.9, (0.251, 0.251, 0.251, 0.251, 0.282, 0.341)),
    (13.8, (0.251, 0.251, 0.251, 0.251, 0.282, 0.341)),
    (15.6, (0.251, 0.251, 0.251, 0.251, 0.365, 0.502)),
    (18.1, (0.251, 0.251, 0.251, 0.251, 0.365, 0.502)),
    (20.8, (0.251, 0.251, 0.251, 0.251, 0.459, 0.667)),
    (21.7, (0.251, 0.251, 0.251, 0.251, 0.459, 0.667)),
    (25.0, (0.251, 0.251, 0.251, 0.294, 0.584, 0.918)),
    (29.0, (0.251, 0.251, 0.251, 0.294, 0.584, 0.918)),
    (31.3, (0.251, 0.251, 0.251, 0.373, 0.710, 0.992)),
    (34.8, (0.251, 0.251, 0.251, 0.373, 0.710, 0.992)),
    (36.2, (0.251, 0.251, 0.251, 0.392, 0.808, 0.992)),
    (39.1, (0.251, 0.251, 0.251, 0.392, 0.808, 0.992)),
    (43.5, (0.251, 0.251, 0.251, 0.400, 0.847, 0.992)),
    (46.1, (0.251, 0.251, 0.251, 0.400, 0.847, 0.992)),
    (46.9, (0.251, 0.251, 0.263, 0.439, 0.945, 0.992)),
    (52.1, (0.251, 0.251, 0.275, 0.518, 0.992, 0.992)),
    (54.3, (0.251, 0.251, 0.275, 0.518, 0.992, 0.992)),
    (55.3, (0.251, 0.251, 0.263, 0.584, 0.992, 0.992)),
    (57.6, (0.251, 0.251, 0.263, 0.584, 0.992, 0.992)),
    (62.5, (0.251, 0.251, 0.251, 0.592, 0.992, 0.992)),
    (69.1, (0.251, 0.251, 0.251, 0.592, 0.992, 0.992)),
    (72.5, (0.251, 0.251, 0.282, 0.635, 0.992, 0.992)),
    (78.2, (0.251, 0.251, 0.349, 0.710, 0.992, 0.992)),
    (86.9, (0.251, 0.251, 0.400, 0.918, 0.992, 0.992)),
    (93.8, (0.251, 0.251, 0.400, 0.992, 0.992, 0.992)),
    (103.7, (0.251, 0.251, 0.482, 0.992, 0.992, 0.992)),
    (115.2, (0.251, 0.251, 0.510, 0.992, 0.992, 0.992)),
    (130.4, (0.251, 0.251, 0.616, 0.945, 0.992, 0.992)),
    (138.2, (0.251, 0.251, 0.604, 0.918, 0.992, 0.992)),
    (172.8, (0.251, 0.294, 0.467, 0.835, 0.992, 0.992)),
    (207.3, (0.251, 0.271, 0.565, 0.992, 0.992, 0.992)),
)
"""Measured FEC packets per source packet of delta frames, by kbit per frame / (pixels / (704 x 576))^0.3 and loss.

They are outputs that were measured (`anchors/webrtc_delta_fec_per_source_packet.csv`, round trip 100 ms), not WebRTC's
table; between them the rule interpolates, where WebRTC has steps.
"""
LEAST = 0.251
SINGLE, SINGLE_FROM_LOSS = 0.18, 0.2
NO_FEC_BELOW_RTT_S, SMALL_FRAMES_BELOW_RTT_S = 0.02, 0.2
LEAST_BYTES = ((352 * 288, 400), (640 * 480, 700), (1 << 62, 1000))
PAYLOAD_BYTES = 1200
_INDEX = np.array([point[0] for point in POINTS])
_RATES = np.array([point[1] for point in POINTS])


def fec_per_source_packet(
    kbit_per_frame: float, width: int, height: int, loss: float, rtt_s: float, packets: float
) -> float:
    """WebRTC's FEC packets per source packet of delta frames.

    Args:
        kbit_per_frame: mean coded size of a frame.
        loss: the worst of the last 10 s, a fraction.
        rtt_s: round trip.
        packets: mean packets per frame, rounded up.
    Returns:
        0 to 1.
    Source: WebRTC, media_opt_util.cc (rules), measured outputs (rates).
    """
    frame_bytes = kbit_per_frame * 125
    least = next(bytes_ for pixels, bytes_ in LEAST_BYTES if width * height <= pixels)
    too_small = frame_bytes < least and rtt_s < SMALL_FRAMES_BELOW_RTT_S
    if loss <= 0.0 or rtt_s < NO_FEC_BELOW_RTT_S or too_small:
        return 0.0
    if packets <= 1:
        return SINGLE if loss >= SINGLE_FROM_LOSS else 0.0
    index = kbit_per_frame / (width * height / (704 * 576)) ** 0.3
    rates = [float(np.interp(index, _INDEX, _RATES[:, column])) for column in range(len(LOSSES))]
    return max(LEAST, float(np.interp(loss, LOSSES, rates)))


class WebRtcFec:
    """WebRTC's rule: by the worst reported loss of the last 10 s and the size of frames; twice for key frames."""

    name: ClassVar[str] = "webrtc"
    needs_reports: ClassVar[bool] = True

    def __init__(self) -> None:
        self._frame_bytes: float | None = None

    def repair_packets(self, block: BlockFacts, network: NetworkView) -> int:
        """Repair packets for a block: (k f + 128) >> 8 with f in 1/255, at least one where f is not 0."""
        size = block.size_bytes / block.frames
        if not block.key or self._frame_bytes is None:
            before = size if self._frame_bytes is None else self._frame_bytes
            self._frame_bytes = before + (size - before) / 16
        rate = fec_per_source_packet(
            self._frame_bytes / 125,
            block.width,
            block.height,
            network.worst_loss,
            network.rtt_s or 0.0,
            -(-self._frame_bytes // PAYLOAD_BYTES),
        )
        factor = min(255, round(255 * rate * (2 if block.key else 1)))
        return max(1, block.k * factor + 128 >> 8) if factor else 0

    def copies(self, waited_s: float, network: NetworkView) -> int:
        """1: a retransmission is sent once."""
        return 1
