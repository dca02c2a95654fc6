"""The packet loss models that a scenario may name."""

from __future__ import annotations

from lossweep.channels.registry import Registry

CHANNELS = Registry(
    "channel",
    "lossweep.channels",
    {
        "bernoulli": "lossweep.channels.bernoulli:Bernoulli",
        "gilbert_elliott": "lossweep.channels.gilbert_elliott:GilbertElliott",
    },
)
