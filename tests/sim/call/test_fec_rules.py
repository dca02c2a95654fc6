"""The amount of FEC: WebRTC's measured rates, the binomial law, and what retransmission leaves to FEC."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from lossweep.sim.call.fec_rule import BlockFacts, NetworkView
from lossweep.sim.call.fec_rules import (
    TARGET,
    FollowLoss,
    Hairpin,
    Hybrid,
    Oracle,
    fitting_rounds,
    repair_for,
)
from lossweep.sim.call.webrtc_fec import WebRtcFec, fec_per_source_packet

ANCHORS = Path(os.environ.get("LOSSWEEP_DATA", "/nowhere")) / "anchors/webrtc_delta_fec_per_source_packet.csv"


def network(loss=0.05, rtt_s=0.1, playout_s=0.2, path=None):
    return NetworkView(loss, loss, path, rtt_s, playout_s)


def block(k=4, key=False, size=4000):
    return BlockFacts(k, key, 1, size, 256, 256, 30.0)


@pytest.mark.skipif(not ANCHORS.exists(), reason="LOSSWEEP_DATA has no anchors")
def test_the_rates_are_those_measured_of_webrtc():
    """All but 4 of 1440 within 0.03 (100 kbit/s at 30 fps, where WebRTC takes 416 bytes a frame for fewer than 400)."""
    differences = []
    for row in csv.DictReader(ANCHORS.open()):
        found = fec_per_source_packet(
            float(row["kbps"]) / float(row["fps"]),
            int(row["width"]),
            int(row["height"]),
            float(row["loss"]),
            float(row["rtt_ms"]) / 1000,
            int(row["avg_total_packets"]),
        )
        differences.append(abs(found - float(row["fec_per_source_packet"])))
    assert len(differences) == 1440
    assert sum(one > 0.03 for one in differences) <= 4
    assert np.mean(differences) <= 0.002


def test_webrtc_sends_no_fec_on_a_short_round_trip_nor_for_small_frames():
    rule = WebRtcFec()
    assert rule.repair_packets(block(), network(rtt_s=0.01)) == 0
    assert WebRtcFec().repair_packets(block(k=1, size=250), network()) == 0
    assert rule.repair_packets(block(), network()) == 1
    assert rule.repair_packets(block(), network(loss=0.0)) == 0


def test_key_frames_get_at_least_twice_the_rate():
    rule = WebRtcFec()
    delta = rule.repair_packets(block(k=16, size=16_000), network(loss=0.01))
    assert rule.repair_packets(block(k=16, key=True, size=16_000), network(loss=0.01)) >= 2 * delta


@pytest.mark.parametrize("k", [1, 3, 10, 30])
@pytest.mark.parametrize("loss", [0.01, 0.05, 0.2])
def test_the_fewest_repair_packets_that_meet_the_target(k, loss):
    """Against a draw of 200,000 blocks."""
    repair = repair_for(k, loss, TARGET)
    lost = np.random.default_rng(k).binomial(k + repair, loss, 200_000)
    assert np.mean(lost > repair) <= 1.5 * TARGET or repair == k
    if repair:
        fewer = np.random.default_rng(k).binomial(k + repair - 1, loss, 200_000)
        assert np.mean(fewer > repair - 1) > 0.5 * TARGET


def test_hybrid_leaves_to_fec_what_retransmission_cannot_repair():
    rule = Hybrid()
    counts = [rule.repair_packets(block(), network(rtt_s=rtt)) for rtt in (0.02, 0.05, 0.1, 0.2, 0.3)]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == FollowLoss().repair_packets(block(), network())


def test_hairpin_protects_the_last_round_only():
    rule = Hairpin()
    assert rule.repair_packets(block(), network(rtt_s=0.05)) == 0
    assert rule.repair_packets(block(), network(rtt_s=0.3)) > 0
    assert rule.copies(0.03, network(rtt_s=0.05)) == 1
    assert rule.copies(0.14, network(rtt_s=0.05)) > 1


def test_rounds_that_fit():
    """Seen after 33 ms, requested and sent again within the round trip, one way of which the packet itself takes."""
    assert fitting_rounds(network(rtt_s=0.1, playout_s=0.2), 1 / 30) == 1
    assert fitting_rounds(network(rtt_s=0.02, playout_s=0.2), 1 / 30) == 7
    assert fitting_rounds(network(rtt_s=0.3, playout_s=0.2), 1 / 30) == 0


def test_the_oracle_needs_a_loss_rate():
    assert Oracle().repair_packets(block(), network(loss=0, path=0.1)) == repair_for(4, 0.1, TARGET)
    with pytest.raises(ValueError, match="loss rate"):
        Oracle().repair_packets(block(), network())
