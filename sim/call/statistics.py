"""What a call did, in figures: counters by their names in W3C webrtc-stats, rates by kind of packet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lossweep.sim.call.record import Kind
from lossweep.sim.call.result import CallResult
from lossweep.sim.jitter_buffer import CLOCK_RESOLUTION_S
from lossweep.sim.rtp import IP_UDP_HEADER_BYTES
from lossweep.sim.statistics import statistics


def call_statistics(result: CallResult) -> dict[str, float | None]:
    """Network statistics of a call: those of `lossweep.sim.statistics.statistics`, and what reacted.

    `packets_sent`, `packets_lost` and so on count first transmissions. `payload_bps` and `wire_bps` count
    retransmissions as well; RTCP is in `feedback_wire_bps`, both ways together.

    Returns beside those:
        retransmitted_packets_sent, retransmitted_packets_received, nack_count, pli_count, fec_packets_sent,
            fec_packets_received: counts.
        key_frames_encoded: frames without a reference; None where the packets were known beforehand.
        repaired_by_fec, repaired_by_rtx: source packets that were not there in time themselves and came in time by
            FEC, or by retransmission; each counts once, by what came first.
        repaired_late: source packets that came by repair, after their playout.
        unrepaired: source packets that never came.
        repair_unused: repair packets (FEC and retransmissions) that arrived and gave no source packet.
        source_wire_bps, fec_wire_bps, rtx_wire_bps, feedback_wire_bps: with IP, UDP and RTP headers.
        queue_delay_p95_s: of the packets that arrived, above the shortest one-way delay.
    """
    row: dict[str, float | None] = dict(statistics(result.stream, result.delivery))
    forward, duration_s = result.forward, result.stream.duration_s
    source = [packet for packet in result.packets if packet.number >= 0]
    by_fec = by_rtx = late = unrepaired = 0
    for packet in source:
        repair_s = min(packet.repaired_s, packet.retransmitted_s)
        until_s = packet.media_time_s + float(result.playout.at(packet.media_time_s)) + CLOCK_RESOLUTION_S
        if packet.known_s == np.inf:
            unrepaired += 1
        elif packet.arrived_s > until_s and repair_s < packet.arrived_s:
            if repair_s > until_s:
                late += 1
            elif packet.repaired_s <= packet.retransmitted_s:
                by_fec += 1
            else:
                by_rtx += 1
    rates = {
        name: 8 * float(forward.size_bytes[forward.of(kind)].sum()) / duration_s
        for name, kind in (("source", Kind.SOURCE), ("fec", Kind.FEC), ("rtx", Kind.RTX))
    }
    control = float(forward.size_bytes[forward.of(Kind.FEEDBACK)].sum() + result.reverse.size_bytes.sum())
    media = forward.of(Kind.SOURCE, Kind.FEC, Kind.RTX)
    came = np.isfinite(forward.arrived_s)
    delays = (forward.arrived_s - forward.sent_s)[came & media]
    repair_came = int(np.count_nonzero(came & forward.of(Kind.FEC, Kind.RTX)))
    used = sum(1 for packet in source if min(packet.repaired_s, packet.retransmitted_s) < packet.arrived_s)
    row |= {
        "retransmitted_packets_sent": result.retransmissions,
        "retransmitted_packets_received": result.counts.retransmitted_packets_received,
        "nack_count": result.counts.nack_count,
        "pli_count": result.counts.pli_count,
        "fec_packets_sent": int(np.count_nonzero(forward.of(Kind.FEC))),
        "fec_packets_received": result.counts.fec_packets_received,
        "key_frames_encoded": result.key_frames,
        "repaired_by_fec": by_fec,
        "repaired_by_rtx": by_rtx,
        "repaired_late": late,
        "unrepaired": unrepaired,
        "repair_unused": max(0, repair_came - used),
        **{f"{name}_wire_bps": rate for name, rate in rates.items()},
        "feedback_wire_bps": 8 * control / duration_s,
        "wire_bps": sum(rates.values()),
        "payload_bps": sum(rates.values())
        - 8 * int(np.count_nonzero(media)) * (IP_UDP_HEADER_BYTES + 12) / duration_s,
        "queue_delay_p95_s": float(np.percentile(delays - delays.min(), 95)) if len(delays) else None,
    }
    if result.rates:
        row["target_bitrate_mean"] = float(np.mean([rate for _, rate in result.rates]))
    return row


def fairness(results: Sequence[CallResult]) -> float:
    """Jain's index of the rates at which several calls received, while all of them ran; 1 is fair.

    Source: Jain, Chiu, Hawe (1984): (sum x)^2 / (n sum x^2).
    """
    begin_s = max(float(result.forward.sent_s[0]) for result in results)
    end_s = min(float(result.forward.sent_s[-1]) for result in results)
    rates = []
    for result in results:
        arrived_s = result.forward.arrived_s
        inside = (arrived_s >= begin_s) & (arrived_s <= end_s)
        rates.append(float(result.forward.size_bytes[inside].sum()))
    square = sum(rate**2 for rate in rates)
    return sum(rates) ** 2 / (len(rates) * square) if square else 1.0
