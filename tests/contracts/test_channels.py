"""What holds for every registered path element."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "sim"))
from paths import EXAMPLES, add_traces

from lossweep.channels.channel import CHANNELS
from lossweep.channels.element import Element, Kind
from lossweep.channels.packets import Packets
from lossweep.channels.path import PathModel, start
from lossweep.channels.presets import Preset
from lossweep.sim.clock import NetworkClock
from lossweep.sim.pipeline import Pipeline

COUNT = 20_000
GAP_S = 0.002


@pytest.fixture(scope="module")
def elements(tmp_path_factory):
    examples = add_traces(tmp_path_factory.mktemp("traces"))
    return [CHANNELS.get(name).from_params(**params) for name, all_ in examples.items() for params in all_]


def packets(count=COUNT, gap_s=GAP_S):
    number = np.arange(count)
    return Packets(number, number // 50, number % 50, np.full(count, 200), number * gap_s)


def run(element, sent, seed=1, repetition=0):
    stages = start([element], seed=seed, repetition=repetition, end_s=float(sent.time_s[-1]))
    return Pipeline(stages).apply(sent)


def run_one_by_one(element, sent, seed=1):
    clock = NetworkClock()
    (stage,) = start([element], seed=seed, repetition=0, end_s=float(sent.time_s[-1]))
    left = []
    stage.connect(clock, lambda packet, now: left.append((packet, now)))
    for packet, time_s in zip(sent.rows(), sent.time_s.tolist(), strict=True):
        clock.at(time_s, stage.send, packet)
    clock.run()
    return left


def test_every_registered_element_has_an_example():
    elements = {name for name in CHANNELS.names() if not isinstance(CHANNELS.get(name), Preset)}
    assert elements == set(EXAMPLES)


@pytest.mark.parametrize(
    "name", [name for name in CHANNELS.names() if isinstance(CHANNELS.get(name), Preset)]
)
def test_a_preset_is_a_path_with_a_source(name):
    preset = CHANNELS.get(name)
    model = PathModel.from_params({"name": name})
    assert model.elements == preset.elements
    assert model.label == preset.name == name
    assert len(preset.source) > 40
    arrived = Pipeline(model.start(seed=1, repetition=0, end_s=40.0)).apply(packets(gap_s=0.02, count=2000))
    assert 0.5 < np.count_nonzero(arrived.index >= 0) / 2000 <= 1.0
    with pytest.raises(ValueError, match="unknown 'colour'"):
        PathModel.from_params({"name": name, "colour": 1})


def test_elements_are_immutable_and_say_what_they_are(elements):
    for element in elements:
        assert isinstance(element, Element)
        assert element.kind in Kind
        assert CHANNELS.get(element.name)
        with pytest.raises(AttributeError):
            element.name = "x"


def test_same_seed_same_fate_and_another_seed_or_repetition_another(elements):
    sent = packets(3000)
    for element in elements:
        one, again = run(element, sent), run(element, sent)
        assert list(one.rows()) == list(again.rows())
        assert one.time_s.tolist() == again.time_s.tolist()
        fixed = element.name in ("outage", "capacity") or not getattr(element, "jitter_s", 1)
        if element.name == "delay" and element.file:
            fixed = False
        for names in ({"seed": 2}, {"repetition": 1}):
            other = run(element, sent, **names)
            if not fixed:
                assert (list(one.rows()), one.time_s.tolist()) != (
                    list(other.rows()),
                    other.time_s.tolist(),
                ), element


def test_arrays_give_what_packets_one_by_one_give(elements):
    sent = packets(1500)
    for element in elements:
        whole, left = run(element, sent), run_one_by_one(element, sent)
        assert list(whole.rows()) == [packet for packet, _ in left], element
        assert whole.time_s.tolist() == [time_s for _, time_s in left], element


def test_packets_leave_after_they_came_and_are_none_but_those_that_came(elements):
    sent = packets(2000)
    for element in elements:
        left = run(element, sent)
        own = left.select(left.index >= 0)
        assert (own.time_s >= sent.time_s[own.index]).all()
        assert (np.diff(left.time_s) >= 0).all()
        keys = list(zip(own.index.tolist(), own.copies().tolist(), strict=True))
        assert len(set(keys)) == len(keys)
        if element.kind not in (Kind.DUPLICATION, Kind.CROSS_TRAFFIC):
            assert len(left) <= len(sent)


def test_losses_have_the_expected_rate(elements):
    """Two-sided, by the spread over 40 parts of the run."""
    sent = packets()
    for element in elements:
        expected = element.expected_loss()
        if expected is None or element.kind in (Kind.DUPLICATION, Kind.CROSS_TRAFFIC):
            continue
        lost = np.ones(len(sent), dtype=bool)
        lost[run(element, sent).index] = False
        parts = lost.reshape(40, -1).mean(axis=1)
        assert abs(lost.mean() - expected) <= 4.5 * parts.std() / math.sqrt(40) + 0.002, element


def test_a_repair_packet_leaves_the_state_for_the_others_as_it_was(elements):
    """What is a function of the clock or of the slot; chains that step once per packet are not, by definition."""
    sent = packets(4000)
    more = sent.select(np.repeat(np.arange(4000), np.where(np.arange(4000) % 7 == 3, 2, 1)))
    added = np.diff(more.index, prepend=-1) == 0
    more = Packets(
        np.where(added, 9999, more.index),
        more.sbn,
        more.esi + 60 * added,
        more.size_bytes,
        more.time_s + 1e-4 * added,
    )
    per_packet = ("loss_state", "hidden_markov", "capacity", "cross_traffic")
    for element in elements:
        steps = element.name == "gilbert_elliott" and not hasattr(element, "mean_burst_s")
        steps |= (
            element.name == "loss_trace"
            and element.packet_interval_s is None
            and hasattr(element.record, "in_time")
        )
        if element.name in per_packet or steps or (element.name == "delay" and not element.reordering):
            continue
        alone, among = run(element, sent), run(element, more)
        others = among.select(among.index != 9999)
        assert sorted(alone.index.tolist()) == sorted(others.index.tolist()), element


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_unknown_parameters_end_in_one_line(name):
    with pytest.raises(ValueError, match="unknown 'colour'") as error:
        CHANNELS.get(name).from_params(colour=1)
    assert "\n" not in str(error.value)
