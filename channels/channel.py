"""The path elements and presets that a scenario may name."""

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
        "ldpc_packets": "lossweep.channels.ldpc_packets:LdpcPackets",
        "corruption": "lossweep.channels.corruption:Corruption",
        "home_wifi_good": "lossweep.channels.presets:HOME_WIFI_GOOD",
        "home_wifi_bad": "lossweep.channels.presets:HOME_WIFI_BAD",
        "lte_drive": "lossweep.channels.presets:LTE_DRIVE",
        "5g_drive": "lossweep.channels.presets:FIVE_G_DRIVE",
        "starlink": "lossweep.channels.presets:STARLINK",
        "congested_uplink": "lossweep.channels.presets:CONGESTED_UPLINK",
        "conference_call": "lossweep.channels.presets:CONFERENCE_CALL",
    },
)
