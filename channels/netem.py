"""The same path as a Linux command."""

from __future__ import annotations

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.channels.gilbert_elliott import GilbertElliott


def tc_command(loss: Bernoulli | GilbertElliott, delay: Delay, device: str = "eth0") -> str:
    """The `tc` command that gives a network device the loss and delay of a path.

    netem counts in percent, takes 1-h and 1-k by these names, starts its chain in the good state and keeps
    4 to 5 digits; its chance is its own, so losses agree in law and not packet by packet.

    Args:
        loss, delay: the path.
        device: network device.
    Returns:
        One line for a shell, to be run by root.
    Raises:
        ValueError: netem has no such loss model.
    Source: tc-netem(8).
    """
    if isinstance(loss, GilbertElliott):
        chain = (loss.p, loss.r, loss.one_minus_h, loss.one_minus_k)
        losses = "loss gemodel " + " ".join(f"{100 * q:.6g}%" for q in chain)
    elif isinstance(loss, Bernoulli):
        losses = f"loss random {100 * loss.loss_rate:.6g}%"
    else:
        raise ValueError(f"tc netem has no loss model like {type(loss).__name__}")
    delays = f"delay {1000 * delay.propagation_delay_s:.6g}ms"
    if delay.jitter_s:
        delays += f" {1000 * delay.jitter_s:.6g}ms distribution normal"
    return f"tc qdisc add dev {device} root netem {delays} {losses}"
