"""The path elements that a scenario may name."""

from __future__ import annotations

from lossweep.channels.registry import Registry

CHANNELS = Registry(
    "channel",
    "lossweep.channels",
    {
        "bernoulli": "lossweep.channels.bernoulli:Bernoulli",
        "gilbert_elliott": "lossweep.channels.gilbert_elliott:GilbertElliott",
        "loss_state": "lossweep.channels.loss_state:LossState",
        "hidden_markov": "lossweep.channels.hidden_markov:HiddenMarkov",
        "outage": "lossweep.channels.outage:Outage",
        "loss_trace": "lossweep.channels.loss_trace:LossTrace",
        "delay": "lossweep.channels.delay:Delay",
        "duplication": "lossweep.channels.duplication:Duplication",
        "capacity": "lossweep.channels.capacity:Capacity",
        "cross_traffic": "lossweep.channels.cross_traffic:CrossTraffic",
        "corruption": "lossweep.channels.corruption:Corruption",
    },
)
