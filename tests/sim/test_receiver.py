"""Repair at the receiver, packet by packet, and when a packet is in time."""

import random

import numpy as np
from streams import stream

from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.sim.jitter_buffer import deadlines
from lossweep.sim.receiver import Receiver


def in_time(sent, receiver, playout_delay_s):
    return np.array(receiver.arrived_s) <= deadlines(sent.media_time_s, playout_delay_s)


def repaired(sent, receiver, playout_delay_s):
    """Source packets that were not in time themselves but repaired in time."""
    by_code = np.array(receiver.repaired_s) <= deadlines(sent.media_time_s, playout_delay_s)
    return by_code & ~in_time(sent, receiver, playout_delay_s)


def test_a_duplicate_is_dropped_and_keeps_the_first_time():
    receiver = Receiver(stream(NoCode().make(1), 2))
    receiver.receive(0, 0.1)
    receiver.receive(0, 0.5)
    assert receiver.duplicates == 1
    assert receiver.arrived_s == [0.1, float("inf")]


def test_a_packet_is_in_time_up_to_its_deadline():
    sent = stream(NoCode().make(1), 4, duration_s=0.1)
    receiver = Receiver(sent)
    for index, now in ((3, 0.2), (0, 0.2), (1, 0.30001), (2, 0.4)):
        receiver.receive(index, now)
    assert in_time(sent, receiver, 0.2).tolist() == [True, False, True, True]


def test_one_loss_then_a_thousand_good_packets():
    sent = stream(NoCode().make(1), 1001)
    receiver = Receiver(sent)
    for index in range(1, 1001):
        receiver.receive(index, 0.16 * index + 0.5)
    assert in_time(sent, receiver, 1.0).tolist() == [False] + [True] * 1000
    assert not repaired(sent, receiver, 1.0).any()


def test_duplicates_of_repair_packets_do_not_count_twice():
    sent = stream(ReedSolomon(0.5).make(2), 1)
    receiver = Receiver(sent)
    for now in (0.1, 0.2, 0.3):
        receiver.receive(2, now)
    assert not repaired(sent, receiver, 1.0).any()
    receiver.receive(3, 0.4)
    assert repaired(sent, receiver, 1.0).tolist() == [True, True, False, False]


def test_repair_too_late_is_no_repair_and_a_late_packet_still_helps_later_ones():
    sent = stream(ReedSolomon(0.5).make(2), 1, duration_s=1.0, spread=True)  # played at 0.0 and 0.5, plus 0.2
    receiver = Receiver(sent)
    receiver.receive(0, 0.3)  # too late for itself
    receiver.receive(2, 0.6)  # the second of k symbols: the first source packet helps the second
    assert repaired(sent, receiver, 0.2).tolist() == [False, True, False, False]
    receiver = Receiver(sent)
    receiver.receive(2, 0.3)
    receiver.receive(3, 0.6)
    assert repaired(sent, receiver, 0.2).tolist() == [False, True, False, False]


def test_a_packet_that_comes_in_time_after_its_repair_is_not_counted_as_repaired():
    sent = stream(ReedSolomon(0.5).make(2), 1)
    receiver = Receiver(sent)
    for index, now in ((2, 0.1), (3, 0.2), (0, 0.3)):
        receiver.receive(index, now)
    assert repaired(sent, receiver, 1.0).tolist() == [False, True, False, False]


def test_the_order_of_arrival_does_not_matter_within_the_playout_delay():
    sent = stream(ReedSolomon(0.5).make(4), 5)
    arrivals = [i for i in range(40) if i % 8 not in (0, 3, 6)]
    results = []
    for seed in range(5):
        random.Random(seed).shuffle(arrivals)
        receiver = Receiver(sent)
        for place, index in enumerate(arrivals):
            receiver.receive(index, 0.01 * place)
        results.append((in_time(sent, receiver, 9.0) | repaired(sent, receiver, 9.0)).tolist())
    assert all(result == results[0] for result in results)
    assert np.array(results[0]).reshape(5, 8)[:, :4].all()
