"""Packets over LDPC and QAM: losses by the table, channel uses, the time that the link takes, fading, bad input."""

import itertools

import numpy as np
import pytest

from lossweep.channels.chance import Chance
from lossweep.channels.channel import CHANNELS
from lossweep.channels.ldpc_packets import LdpcPackets
from lossweep.channels.mcs import PAYLOAD_BYTES, SCHEMES, best_mcs
from lossweep.channels.packets import Packets
from lossweep.endpoints.jscc.contract import Transmission

COUNT = 20_000
Z = 4.5


def packets(size_bytes, gap_s=0.01, count=COUNT):
    number = np.arange(count)
    return Packets(number, number // 50, number % 50, np.full(count, size_bytes), number * gap_s)


def sent(link, offered):
    """When each packet leaves; nan where it is lost."""
    return link.start(Chance(5, 0, 0), 0.0).leave_s(offered)


def lost(link, offered):
    return np.isnan(sent(link, offered))


@pytest.mark.parametrize("size_bytes", [40, 125, 126, 500, 1500])
@pytest.mark.parametrize(("mcs", "offset_db"), [(0, 0.3), (4, 0.0), (8, -0.2)])
def test_a_packet_is_lost_when_one_of_its_blocks_fails_as_the_table_says(size_bytes, mcs, offset_db):
    snr_db = SCHEMES[mcs].threshold_db + offset_db
    link = LdpcPackets(snr_db=snr_db, symbols_per_s=1e8, mcs=mcs)
    blocks = -(-size_bytes // PAYLOAD_BYTES)
    expected = 1 - (1 - float(SCHEMES[mcs].block_error_rate(snr_db))) ** blocks
    found = lost(link, packets(size_bytes)).mean()
    assert abs(found - expected) < Z * np.sqrt(expected * (1 - expected) / COUNT)


def test_with_equal_chance_larger_packets_and_worse_channels_lose_all_that_others_lose():
    sizes = [lost(LdpcPackets(snr_db=3.3, symbols_per_s=1e8, mcs=4), packets(s)) for s in (100, 400, 1400)]
    levels = [lost(LdpcPackets(snr_db=s, symbols_per_s=1e8, mcs=4), packets(400)) for s in (3.6, 3.3, 3.0)]
    for found in (sizes, levels):
        for fewer, more in itertools.pairwise(found):
            assert fewer.sum() < more.sum()
            assert not (fewer & ~more).any()


@pytest.mark.parametrize("mcs", range(len(SCHEMES)))
def test_the_same_bytes_take_the_same_channel_uses_as_in_the_digital_baselines(mcs):
    link = LdpcPackets(snr_db=0, symbols_per_s=1e6, mcs=mcs)
    for blocks in (1, 3, 12):
        whole = Transmission(blocks=(bytes(PAYLOAD_BYTES),) * blocks, mcs=mcs)
        sizes = np.array([blocks * PAYLOAD_BYTES, (blocks - 1) * PAYLOAD_BYTES + 1])
        assert link.uses(sizes).tolist() == [whole.uses, whole.uses], "the last block is padded"


def test_a_packet_takes_the_time_of_its_channel_uses_and_waits_for_those_before_it():
    link = LdpcPackets(snr_db=20, symbols_per_s=153_600)
    alone = packets(600, gap_s=1.0, count=50)
    assert sent(link, alone) - alone.time_s == pytest.approx(link.uses(np.array([600]))[0] / 153_600)
    together = packets(600, gap_s=0.0, count=5)
    assert np.diff(sent(link, together)) == pytest.approx(link.uses(np.array([600]))[0] / 153_600)


def test_what_needs_more_channel_uses_than_the_link_has_is_dropped():
    """In the long run the link serves its channel uses and no more; a packet waits for queue_s at most."""
    link = LdpcPackets(snr_db=20, symbols_per_s=100_000, queue_s=0.2)
    offered = packets(1000, gap_s=0.01, count=5000)
    asked = link.uses(offered.size_bytes)
    left = sent(link, offered)
    served = asked[~np.isnan(left)].sum() / offered.time_s[-1]
    assert asked.sum() / offered.time_s[-1] > 1.5 * link.symbols_per_s
    assert served == pytest.approx(link.symbols_per_s, rel=0.01)
    assert np.nanmax(left - offered.time_s) <= 0.2 + asked[0] / link.symbols_per_s + 1e-9


def test_without_a_number_the_scheme_is_the_best_at_the_snr():
    for snr_db in (-20, -5, 5, 16):
        assert LdpcPackets(snr_db=snr_db, symbols_per_s=1e6).scheme == best_mcs(snr_db)


def test_under_block_fading_the_loss_is_the_tables_mean_over_exponential_powers():
    link = LdpcPackets(snr_db=12, symbols_per_s=1e7, mcs=4, coherence_time_s=0.01)
    found = lost(link, packets(100)).mean()
    power = -np.log1p(-(np.arange(100_000) + 0.5) / 100_000)
    expected = SCHEMES[4].block_error_rate(12 + 10 * np.log10(power)).mean()
    assert 0.05 < expected < 0.2
    assert abs(found - expected) < Z * np.sqrt(expected * (1 - expected) / COUNT)


def test_packets_within_the_coherence_time_share_a_gain():
    link = LdpcPackets(snr_db=8, symbols_per_s=1e7, mcs=4, coherence_time_s=0.05)
    found = lost(link, packets(100, gap_s=0.01)).reshape(-1, 5)
    mixed = np.mean(found.any(1) & ~found.all(1))
    assert found.mean() > 0.2
    assert mixed < 0.05, "a block fails nearly always or nearly never at one gain"
    slow = LdpcPackets(snr_db=8, symbols_per_s=1e7, mcs=4, coherence_time_s=0.01)
    each = lost(slow, packets(100, gap_s=0.01)).reshape(-1, 5)
    assert np.mean(each.any(1) & ~each.all(1)) > 0.5


@pytest.mark.parametrize(
    ("params", "line"),
    [
        ({"snr_db": "high"}, "snr_db is 'high'"),
        ({"snr_db": float("nan")}, "snr_db is nan"),
        ({"symbols_per_s": 0}, "symbols_per_s is 0"),
        ({"mcs": 10}, "mcs is 10; it must be a number from 0 to 9"),
        ({"mcs": 1.5}, "mcs is 1.5"),
        ({"mcs": True}, "mcs is True"),
        ({"queue_s": -1}, "queue_s is -1"),
        ({"coherence_time_s": 1e-5}, "a transport block of this link takes 0.005 s"),
        ({"rho": 0.03}, "unknown 'rho'"),
    ],
)
def test_bad_input_is_one_line(params, line):
    given = {"snr_db": 5, "symbols_per_s": 153_600} | params
    with pytest.raises(ValueError, match=line) as error:
        CHANNELS.get("ldpc_packets").from_params(**given)
    assert "\n" not in str(error.value)
