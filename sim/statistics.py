"""What the network did, in figures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.sim.delivery import Delivery
from lossweep.sim.rtp import IP_UDP_HEADER_BYTES, RTP_HEADER_BYTES
from lossweep.sim.stream import Stream


def statistics(stream: Stream, delivery: Delivery) -> dict[str, float]:
    """Network statistics of a delivery; sent = received + lost, and late packets are among the received.

    Args:
        stream: what was sent.
        delivery: what became of it.
    Returns:
        packets_sent, packets_received, packets_lost, packets_late (source and repair), packets_repaired
            (source packets that repair had ready in time and the path did not): counts.
        realised_loss: packets lost by the path / packets sent, repair packets among them.
        realised_mean_burst_length: mean packets in a run of losses, in order of departure; runs that the
            stream's ends cut count as they are. nan where nothing was lost.
        discard_rate: packets that arrived too late / packets sent (RFC 3611).
        post_repair_loss: source packets not usable at playout / source packets; lateness counts as loss.
        source_bps, repair_bps: bits after the 12-byte RTP header of source and of repair packets, per second of media.
        payload_bps: bits after the 12-byte RTP header, of all packets with repair, per second of media.
            Payload headers (FU-A, repair FEC payload ID) are payload.
        wire_bps: bits with RTP, UDP and IPv4 headers (40 bytes per packet), per second of media.
        end_to_end_delay_s: from capture to display: the playout delay, since the jitter buffer is fixed.
    """
    sent = len(delivery.lost)
    lost = int(np.count_nonzero(delivery.lost))
    late = int(np.count_nonzero(delivery.late))
    size = int(delivery.size_bytes.sum())
    duration_s = stream.duration_s
    return {
        "packets_sent": sent,
        "packets_received": int(np.count_nonzero(~np.isnan(delivery.arrived_s))),
        "packets_lost": lost,
        "packets_late": late,
        "packets_repaired": int(np.count_nonzero(delivery.recovered)),
        "realised_loss": lost / sent,
        "realised_mean_burst_length": mean_loss_run(delivery),
        "discard_rate": late / sent,
        "post_repair_loss": float(np.mean(~delivery.usable[delivery.source])),
        "source_bps": _rate(_payload_bytes(delivery, delivery.source), duration_s),
        "repair_bps": _rate(_payload_bytes(delivery, ~delivery.source), duration_s),
        "payload_bps": _rate(size - RTP_HEADER_BYTES * sent, duration_s),
        "wire_bps": _rate(size + IP_UDP_HEADER_BYTES * sent, duration_s),
        "end_to_end_delay_s": delivery.playout_delay_s,
    }


def _payload_bytes(delivery: Delivery, which: NDArray[np.bool_]) -> int:
    sizes = delivery.size_bytes[which]
    return int(sizes.sum()) - RTP_HEADER_BYTES * len(sizes)


def mean_loss_run(delivery: Delivery) -> float:
    """Mean number of packets in a run of losses, in order of departure; nan where nothing was lost."""
    lost = delivery.lost[np.argsort(delivery.sent_s, kind="stable")]
    runs = np.count_nonzero(lost[1:] & ~lost[:-1]) + int(lost[0])
    return np.count_nonzero(lost) / runs if runs else float("nan")


def _rate(size_bytes: int, duration_s: float) -> float:
    return 8.0 * size_bytes / duration_s if duration_s > 0.0 else float("nan")
