"""Paths by name, with figures from public measurements; each says where its numbers come from."""

from __future__ import annotations

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.bursts_in_time import BurstsInTime
from lossweep.channels.capacity import Capacity
from lossweep.channels.cross_traffic import CrossTraffic
from lossweep.channels.delay import Delay
from lossweep.channels.element import Element
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.channels.parameters import check_names


class Preset:
    """A path by name.

    Attributes:
        name: as registered.
        title: what it is, in one line.
        elements: in the order in which packets pass them.
        source: where the figures come from, and what was derived how.
    """

    def __init__(self, name: str, title: str, elements: tuple[Element, ...], source: str) -> None:
        self.name = name
        self.title = title
        self.elements = elements
        self.source = source
        self.__doc__ = f"{title}.\n\nSource: {source}."

    def from_params(self, **params: object) -> tuple[Element, ...]:
        """The elements; a preset has no parameters.

        Raises:
            ValueError: a parameter was given.
        """
        check_names(self.name, dict(params), set())
        return self.elements


SPARK = "SparkTraces, Hairpin, and Gilbert fits of the same collection"

HOME_WIFI_GOOD = Preset(
    "home_wifi_good",
    "Preset: home Wi-Fi, median: loss 0.14 %, bursts of 5 ms",
    (
        BurstsInTime(loss_rate=0.0014, mean_burst_s=0.005),
        Delay(0.0087, 0.003, distribution="gamma", correlation_time_s=0.1),
    ),
    f"{SPARK}: Wi-Fi, median loss; lossy runs of 23 ms in which 21 % are lost, as bursts of 5 ms; half the median RTT",
)
HOME_WIFI_BAD = Preset(
    "home_wifi_bad",
    "Preset: home Wi-Fi, 90th percentile: loss 7.2 %, bursts of 17 ms",
    (
        BurstsInTime(loss_rate=0.072, mean_burst_s=0.017),
        Delay(0.017, 0.0085, distribution="gamma", correlation_time_s=0.1),
    ),
    f"{SPARK}: Wi-Fi, 90th percentiles of loss and burst length (11 packets where the median is 3.2); half the RTT's",
)
LTE_DRIVE = Preset(
    "lte_drive",
    "Preset: LTE in a car, downlink: 5.2 Mbit/s, gaps of 0.65 s in 5.7 % of the time",
    (
        BurstsInTime(loss_rate=0.057, mean_burst_s=0.65),
        Capacity(capacity_bps=5.2e6, queue_s=0.3),
        Delay(0.016, 0.005, distribution="gamma", correlation_time_s=0.2),
    ),
    "Mahimahi ATT-LTE-driving.down: mean capacity, gaps above 0.2 s, taken as loss; half the median RTT of "
    "SparkTraces, cellular",
)
FIVE_G_DRIVE = Preset(
    "5g_drive",
    "Preset: 5G in a car, downlink: 9.6 Mbit/s, gaps of 2.3 s in 11.8 % of the time",
    (
        BurstsInTime(loss_rate=0.118, mean_burst_s=2.27),
        Capacity(capacity_bps=9.6e6, queue_s=0.3),
        Delay(0.04, 0.01, distribution="gamma", correlation_time_s=0.5),
    ),
    "UCC 5G production dataset, driving downloads: seconds below 50 kbit/s, taken as loss; median of the others; half "
    "the median ping, and its 90th percentile",
)
STARLINK = Preset(
    "starlink",
    "Preset: Starlink: loss 0.4 %, and 2.4 % more in long runs; 29 ms",
    (
        Bernoulli(0.004),
        BurstsInTime(loss_rate=0.024, mean_burst_s=3.6),
        Delay(0.022, 0.004, distribution="gamma", correlation_time_s=1.0),
    ),
    "Starlink-on-the-Road (Osnabrueck), pings: rows of 25 s with 2 % loss and less, and the rest, which lose 14.6 % on "
    "average, as one gap for each row; half the best and the standard deviation of the RTT",
)
CONGESTED_UPLINK = Preset(
    "congested_uplink",
    "Preset: uplink of 1 Mbit/s with a queue of 300 ms, shared with an on-off sender of 0.8 Mbit/s",
    (
        CrossTraffic(rate_bps=0.8e6, packet_bytes=1200, on_s=2.0, off_s=4.0),
        Capacity(capacity_bps=1e6, queue_s=0.3),
        Delay(0.05),
    ),
    "capacity, 50 ms one way and the queue of RFC 8867, Section 5; the cross traffic is chosen here",
)
CONFERENCE_CALL = Preset(
    "conference_call",
    "Preset: losses of a conference call at 5 %: a quarter of them in bursts of 5 packets and more",
    (
        GilbertElliott(p=0.009197, r=0.242444, one_minus_h=0.845427, one_minus_k=0.023499),
        Delay(0.05, 0.01, distribution="gamma", correlation_time_s=0.2),
    ),
    "`lossweep fit` of 100,000 packets of lossgen at 5 % (libopus 1.5.2, learned from calls), one step per packet of "
    "20 ms; the delay is chosen here",
)
