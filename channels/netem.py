"""The same path as Linux commands."""

from __future__ import annotations

from collections.abc import Sequence

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.capacity import DEFAULT_QUEUE_S, Capacity
from lossweep.channels.corruption import Corruption
from lossweep.channels.delay import Delay
from lossweep.channels.duplication import Duplication
from lossweep.channels.element import Element, Kind
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.channels.loss_state import LossState


def tc_commands(elements: Sequence[Element], device: str = "eth0") -> list[str]:
    """The `tc` commands that give a network device the path's loss, delay and capacity.

    netem counts in percent, takes 1-h and 1-k by these names, starts its chains in the good state and keeps 4 to 5
    digits; its chance is its own, so losses agree in law and not packet by packet. It delays and loses packets before
    the capacity, whatever the order of the elements.

    Args:
        elements: of the path.
        device: network device.
    Returns:
        Lines for a shell, to be run by root.
    Raises:
        ValueError: an element that tc has no equal of, or two of one kind; naming it.
    Source: tc-netem(8), tc-tbf(8), tc-codel(8).
    """
    kinds = [element.kind for element in elements]
    for kind in Kind:
        if kinds.count(kind) > 1:
            raise ValueError(
                f"tc netem takes one element of a kind; the path has {kinds.count(kind)} for {kind.name}"
            )
    options = {element.kind: _netem(element) for element in elements if element.kind != Kind.CAPACITY}
    order = (Kind.DELAY, Kind.LOSS, Kind.DUPLICATION, Kind.CORRUPTION)
    netem = " ".join(options[kind] for kind in order if kind in options)
    lines = [f"tc qdisc add dev {device} root handle 1: netem {netem}".rstrip()]
    for element in elements:
        if isinstance(element, Capacity):
            lines += [f"tc qdisc add dev {device} {line}" for line in _queue(element)]
    return lines


def _netem(element: Element) -> str:
    if isinstance(element, GilbertElliott):
        chain = (element.p, element.r, element.one_minus_h, element.one_minus_k)
        return "loss gemodel " + " ".join(_percent(q) for q in chain)
    if isinstance(element, Bernoulli):
        return f"loss random {_percent(element.loss_rate)}"
    if isinstance(element, LossState):
        moves = (element.p13, float(element.p31 or 0.0), element.p32, element.p23, element.p14)
        return "loss state " + " ".join(_percent(q) for q in moves)
    if isinstance(element, Duplication):
        return f"duplicate {_percent(element.duplicate_rate)}"
    if isinstance(element, Corruption) and not element.deliver:
        return f"corrupt {_percent(element.corrupt_rate)}"
    if isinstance(element, Delay) and element.file is None and element.distribution != "gamma":
        jitter = f" {_ms(element.jitter_s)} distribution {element.distribution}" if element.jitter_s else ""
        return f"delay {_ms(element.propagation_delay_s)}{jitter}"
    hint = "; give mean_burst_length instead of mean_burst_s" if hasattr(element, "mean_burst_s") else ""
    raise ValueError(f"tc netem has no equal of the element {element.name} with these options{hint}")


def _queue(element: Capacity) -> list[str]:
    if element.capacity_bps is None:
        raise ValueError("tc has no capacity that follows a trace; give capacity_bps")
    limit = f"limit {element.queue_bytes:.0f}" if element.queue_bytes else f"latency {_ms(_queue_s(element))}"
    lines = [f"parent 1:1 handle 10: tbf rate {element.capacity_bps:.0f}bit burst 1600 {limit}"]
    packets = f" limit {element.queue_packets}" if element.queue_packets else ""
    if element.aqm == "codel":
        lines.append(f"parent 10:1 handle 100: codel{packets}")
    elif packets:
        lines.append(f"parent 10:1 handle 100: pfifo{packets}")
    return lines


def _queue_s(element: Capacity) -> float:
    return element.queue_s or DEFAULT_QUEUE_S


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.6g}%"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.6g}ms"
