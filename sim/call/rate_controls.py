"""The congestion controls that a call may name."""

from __future__ import annotations

from collections.abc import Callable

from lossweep.sim.call.gcc import GoogleCongestionControl
from lossweep.sim.call.nada import Nada
from lossweep.sim.call.rate_control import RateControl

RATE_CONTROLS: dict[str, Callable[[float, float, float], RateControl]] = {
    "gcc": GoogleCongestionControl,
    "nada": Nada,
}
"""Name to a maker: first, least and largest rate in bits per second."""
