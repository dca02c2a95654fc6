"""The packet loss models that a scenario may name."""

from __future__ import annotations

from channels.registry import Registry

CHANNELS = Registry(
    "channel",
    "lossweep.channels",
    {
        "erasure": "channels.erasure:Erasure",
        "gilbert_elliott": "channels.gilbert_elliott:GilbertElliott",
    },
)
