"""Losses in bursts: a two-state Markov chain that steps once per packet, as in tc-netem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.bernoulli import LOSS_DRAWS
from lossweep.channels.bursts_in_time import BurstsInTime
from lossweep.channels.chance import Chance
from lossweep.channels.element import Element, Kind, LossStage
from lossweep.channels.packets import Packet, Packets
from lossweep.channels.parameters import check_fraction, check_names, is_number


@dataclass(frozen=True, kw_only=True)
class GilbertElliott(Element):
    """Gilbert-Elliott channel: losses in bursts, from a chain of a good and a bad state.

    The chain steps once per packet: a scheme that sends more packets meets bursts that are shorter in time. For
    bursts of a duration give `mean_burst_s` (`BurstsInTime`).

    The first packet's state is drawn from the stationary law; each later packet first takes its transition and is
    then lost or not by the state that it came to. Coupled monotonically: the next state is bad exactly when
    `u_state < p` (from good) or `u_state < 1 - r` (from bad), and the packet is lost when `u_loss` is below that
    state's loss. So two chains with the same uniforms soon have equal states, whatever their initial states. (The Linux
    kernel draws the loss before the transition and starts in the good state; in the stationary law that is the same
    channel.) With p = r = 0 the chain stays in the good state, as in the kernel, though any law would be stationary.

    Attributes:
        p: good to bad, per packet.
        r: bad to good, per packet.
        one_minus_h: loss in the bad state (1-h).
        one_minus_k: loss in the good state (1-k).
    Raises:
        ValueError: a parameter outside [0, 1], naming it.
    Source: tc-netem(8), `loss gemodel p r 1-h 1-k`. Loss and mean burst: glossary, Gilbert-Elliott.
    """

    p: float
    r: float
    one_minus_h: float = 1.0
    one_minus_k: float = 0.0

    name: ClassVar[str] = "gilbert_elliott"
    kind: ClassVar[Kind] = Kind.LOSS

    def __post_init__(self) -> None:
        for name in ("p", "r", "one_minus_h", "one_minus_k"):
            check_fraction(name, getattr(self, name))

    @classmethod
    def from_burst(cls, *, loss_rate: float, mean_burst_length: float) -> GilbertElliott:
        """The simple Gilbert channel (lost always and only in the bad state) of a given loss and run length.

        r = 1/L and p = loss / (L (1 - loss)).

        Args:
            loss_rate: in [0, 1).
            mean_burst_length: L, packets a loss run, >= 1.
        Raises:
            ValueError: L < 1, or runs of L cannot give so much loss (p > 1); the message says what can.
        """
        check_fraction("loss_rate", loss_rate)
        length = mean_burst_length
        if not is_number(length) or not 1.0 <= length < float("inf"):
            raise ValueError(
                f"mean_burst_length is {length!r}; it must be a finite number of packets, 1 or more"
            )
        p = loss_rate / (length * (1.0 - loss_rate)) if loss_rate < 1.0 else float("inf")
        if p > 1.0 + 1e-12:
            advice = "no finite burst does"
            if loss_rate < 1.0:
                advice = f"bursts of {loss_rate / (1.0 - loss_rate):.4g} or more do"
            raise ValueError(
                f"mean_burst_length {length:g} cannot give loss_rate {loss_rate:g}: "
                f"the largest loss it gives is {length / (length + 1.0):.4g}, and {advice}"
            )
        return cls(p=min(p, 1.0), r=1.0 / length)

    @classmethod
    def from_params(cls, **params: Any) -> GilbertElliott | BurstsInTime:
        """The channel from `loss_rate, mean_burst_s` (in time), or per packet from `loss_rate, mean_burst_length`
        or `p, r[, one_minus_h, one_minus_k]`.

        Raises:
            ValueError: one line; a parameter is unknown, missing or out of its range, or the forms are mixed.
        """
        if "mean_burst_s" in params:
            return BurstsInTime.from_params(**params)
        burst, chain = {"loss_rate", "mean_burst_length"}, {"p", "r", "one_minus_h", "one_minus_k"}
        if params.keys() & burst and params.keys() & chain:
            raise ValueError(
                "gilbert_elliott: give either loss_rate and mean_burst_s (or mean_burst_length), or p and r, not both "
                f"(given: {', '.join(sorted(params))})"
            )
        if params.keys() & burst:
            check_names("gilbert_elliott", params, burst)
            return cls.from_burst(**params)
        check_names("gilbert_elliott", params, {"p", "r"}, {"one_minus_h", "one_minus_k"})
        return cls(**params)

    @property
    def bad_fraction(self) -> float:
        """Stationary probability of the bad state, p / (p + r); 0 where p = r = 0."""
        return self.p / (self.p + self.r) if self.p else 0.0

    @property
    def loss_rate(self) -> float:
        """Stationary loss, (1-k) r/(p+r) + (1-h) p/(p+r)."""
        return (1.0 - self.bad_fraction) * self.one_minus_k + self.bad_fraction * self.one_minus_h

    @property
    def mean_burst_length(self) -> float:
        """Expected packets in a run of losses: P(lost) / P(lost, and the next one is not).

        Where losses need the bad state (1-k = 0) it does not depend on p and stands for p = 0 too: 1/r for
        the simple Gilbert channel. inf where a run never ends, nan where there is no loss at all.
        """
        good, bad = 0.0, self.one_minus_h
        if self.one_minus_k:
            good = (1.0 - self.bad_fraction) * self.one_minus_k
            bad = self.bad_fraction * self.one_minus_h
        if not good + bad:
            return float("nan")
        k, h = 1.0 - self.one_minus_k, 1.0 - self.one_minus_h
        ends = good * ((1.0 - self.p) * k + self.p * h) + bad * (self.r * k + (1.0 - self.r) * h)
        return (good + bad) / ends if ends > 0.0 else float("inf")

    def expected_loss(self) -> float | None:
        return self.loss_rate

    def start(self, chance: Chance, end_s: float) -> GilbertElliottStage:
        return GilbertElliottStage(self, chance)

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Losses of `n` packets in a row, bool [n]: geometric sojourns instead of one step a packet."""
        bad = self._states(n, rng)
        if (self.one_minus_h, self.one_minus_k) == (1.0, 0.0):
            return bad
        return rng.random(n) < np.where(bad, self.one_minus_h, self.one_minus_k)

    def _states(self, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        first = bool(rng.random() < self.bad_fraction)
        leave = (self.r, self.p) if first else (self.p, self.r)
        sojourns: list[NDArray[np.int64]] = []
        filled = 0
        while filled < n:
            if 0.0 in leave:
                # At most one sojourn ends; the one that cannot be left fills the rest.
                both = [n if q == 0.0 else min(int(rng.geometric(q)), n) for q in leave]
                sojourns.append(np.array(both if leave[0] else both[:1]))
                filled = n
            else:
                pairs = int((n - filled) / (1 / self.p + 1 / self.r) * 1.1) + 8
                drawn = np.stack([rng.geometric(q, pairs) for q in leave], axis=1).ravel()
                drawn = np.minimum(drawn, n)
                sojourns.append(drawn)
                filled += int(drawn.sum())
        lengths = np.concatenate(sojourns)
        needed = int(np.searchsorted(np.cumsum(lengths), n)) + 1
        states = np.arange(needed) % 2 == (0 if first else 1)
        return np.repeat(states, lengths[:needed])[:n]


class GilbertElliottStage(LossStage):
    """The chain at work: each packet takes its transition by `u_state`, then is lost or not by `u_loss`."""

    def __init__(self, model: GilbertElliott, chance: Chance) -> None:
        self._to_bad = (model.p, 1.0 - model.r)
        self._loss = (model.one_minus_k, model.one_minus_h)
        self._first_to_bad = model.bad_fraction
        self._bad: bool | None = None
        self._chance = chance
        self._reader = chance.reader(LOSS_DRAWS)

    def lost_one(self, packet: Packet, now: float) -> bool:
        u_state, u_loss = self._reader.of(packet)
        self._bad = u_state < (self._first_to_bad if self._bad is None else self._to_bad[self._bad])
        return u_loss < self._loss[self._bad]

    def lost(self, packets: Packets) -> NDArray[np.bool_]:
        if not len(packets):
            return np.zeros(0, dtype=bool)
        uniforms = self._chance.uniforms(packets, LOSS_DRAWS)
        bad = self._states(uniforms[:, 0])
        self._bad = bool(bad[-1])
        good_loss, bad_loss = self._loss
        if (good_loss, bad_loss) == (0.0, 1.0):
            return bad
        return uniforms[:, 1] < np.where(bad, bad_loss, good_loss)

    def _states(self, u: NDArray[np.float64]) -> NDArray[np.bool_]:
        """The chain without a loop: a uniform below both thresholds leads to bad from either state, one above
        both to good; between them the chain stays (p < 1 - r) or changes state (p > 1 - r)."""
        low, high = sorted(self._to_bad)
        first = u[0] < (self._first_to_bad if self._bad is None else self._to_bad[self._bad])
        to_bad = u < low
        known = to_bad | (u >= high)
        known[0], to_bad[0] = True, first
        last_known = np.maximum.accumulate(np.where(known, np.arange(len(u)), 0))
        states: NDArray[np.bool_] = to_bad[last_known]
        if self._to_bad[0] > self._to_bad[1]:
            states ^= (np.arange(len(u)) - last_known) % 2 == 1
        return states
