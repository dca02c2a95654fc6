"""Jitter buffer and repair, packet by packet."""

import math
import random

import numpy as np
from streams import stream

from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.sim.jitter_buffer import JitterBuffer
from lossweep.sim.receiver import Receiver


def test_a_duplicate_is_dropped_and_keeps_the_first_time():
    buffer = JitterBuffer(np.array([0.0, 0.1]), 0.2)
    assert buffer.put(0, 0.1)
    assert not buffer.put(0, 0.5)
    assert buffer.duplicates == 1
    assert buffer.arrived_s[0] == 0.1
    assert math.isnan(buffer.arrived_s[1])
    assert buffer.in_time().tolist() == [True, False]


def test_a_packet_is_in_time_up_to_its_deadline_in_any_order():
    media = np.arange(4) * 0.1
    buffer = JitterBuffer(media, 0.2)
    for index, now in ((3, 0.2), (0, 0.2), (1, 0.30001), (2, 0.4)):
        buffer.put(index, now)
    assert buffer.in_time().tolist() == [True, False, True, True]
    assert buffer.late().tolist() == [False, True, False, False]


def test_one_loss_then_a_thousand_good_packets():
    receiver = Receiver(stream(NoCode().make(1), 1001), 1.0)
    for index in range(1, 1001):
        receiver.receive(index, 0.16 * index + 0.5)
    assert receiver.buffer.in_time().tolist() == [False] + [True] * 1000
    assert not receiver.repaired().any()


def test_duplicates_of_repair_packets_do_not_count_twice():
    receiver = Receiver(stream(ReedSolomon(0.5).make(2), 1), 1.0)
    for now in (0.1, 0.2, 0.3):
        receiver.receive(2, now)
    assert not receiver.repaired().any()
    receiver.receive(3, 0.4)
    assert receiver.repaired().tolist() == [True, True, False, False]


def test_repair_too_late_is_no_repair_and_a_late_packet_still_helps_later_ones():
    sent = stream(ReedSolomon(0.5).make(2), 1, duration_s=1.0, spread=True)  # played at 0.0 and 0.5, plus 0.2
    receiver = Receiver(sent, 0.2)
    receiver.receive(0, 0.3)  # too late for itself
    receiver.receive(2, 0.6)  # the second of k symbols: the first source packet helps the second
    assert receiver.repaired().tolist() == [False, True, False, False]
    receiver = Receiver(sent, 0.2)
    receiver.receive(2, 0.3)
    receiver.receive(3, 0.6)
    assert receiver.repaired().tolist() == [False, True, False, False]


def test_a_packet_that_comes_in_time_after_its_repair_is_not_counted_as_repaired():
    receiver = Receiver(stream(ReedSolomon(0.5).make(2), 1), 1.0)
    for index, now in ((2, 0.1), (3, 0.2), (0, 0.3)):
        receiver.receive(index, now)
    assert receiver.repaired().tolist() == [False, True, False, False]


def test_the_order_of_arrival_does_not_matter_within_the_playout_delay():
    sent = stream(ReedSolomon(0.5).make(4), 5)
    arrivals = [i for i in range(40) if i % 8 not in (0, 3, 6)]
    results = []
    for seed in range(5):
        random.Random(seed).shuffle(arrivals)
        receiver = Receiver(sent, 9.0)
        for place, index in enumerate(arrivals):
            receiver.receive(index, 0.01 * place)
        results.append((receiver.buffer.in_time() | receiver.repaired()).tolist())
    assert all(result == results[0] for result in results)
    assert np.array(results[0]).reshape(5, 8)[:, :4].all()
