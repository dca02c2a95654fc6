"""Loss models fitted to recorded losses by maximum likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.hidden_markov import Chain

LONG_BURST = 5
"""Losses in bursts of so many packets and more are what a simple Gilbert channel tends to miss."""
BAD_FIT = 0.05
"""A model that puts this much more or less of the losses into long bursts than the record fits badly."""
_ITERATIONS = 300
_GAIN = 1e-6
_FLOOR = 1e-12


@dataclass(frozen=True)
class Fit:
    """A fitted chain.

    Attributes:
        chain: its states by rising loss.
        log_likelihood: natural logarithm.
        parameters: free ones.
    """

    chain: Chain
    log_likelihood: float
    parameters: int

    def bic(self, packets: int) -> float:
        """Bayesian information criterion; lower is better."""
        return self.parameters * math.log(packets) - 2.0 * self.log_likelihood


@dataclass(frozen=True)
class LossFits:
    """What was recorded and what fits it.

    Attributes:
        lost: bool [packets].
        gilbert: simple Gilbert (lost always and only in the bad state); closed form.
        gilbert_elliott: four parameters; EM.
        hidden: of 3 or 4 states, that with the lower BIC; EM. None where the Gilbert-Elliott model fits.
    """

    lost: NDArray[np.bool_]
    gilbert: Fit
    gilbert_elliott: Fit
    hidden: Fit | None

    def fits(self, fit: Fit) -> bool:
        """Whether a model puts about as many of the losses into long bursts as there were."""
        return abs(fit.chain.share_in_bursts(LONG_BURST) - share_in_bursts(self.lost, LONG_BURST)) <= BAD_FIT


def fit_losses(lost: NDArray[np.bool_]) -> LossFits:
    """Fits all models.

    Args:
        lost: bool [packets], in order.
    Raises:
        ValueError: fewer than 100 packets, or fewer than 5 runs of losses: nothing can be said about bursts.
    """
    if len(lost) < 100:
        raise ValueError(f"{len(lost)} packets are too few to fit a loss model; it takes 100 or more")
    if len(burst_lengths(lost)) < 5:
        raise ValueError(
            f"{np.count_nonzero(lost)} losses are too few to fit bursts; it takes 5 runs or more"
        )
    gilbert = fit_gilbert(lost)
    pair = max((expectation_maximization(lost, start) for start in _starts(gilbert.chain)), key=_likelihood)
    found = LossFits(lost, gilbert, pair, None)
    if found.fits(pair):
        return found
    hidden = [expectation_maximization(lost, _spread(states, gilbert.chain)) for states in (3, 4)]
    return replace(found, hidden=min(hidden, key=lambda fit: fit.bic(len(lost))))


def fit_gilbert(lost: NDArray[np.bool_]) -> Fit:
    """The simple Gilbert channel: shares of the transitions."""
    before, after = lost[:-1], lost[1:]
    counts = np.array(
        [[np.count_nonzero((before == i) & (after == j)) for j in (False, True)] for i in (False, True)],
        dtype=float,
    )
    transitions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    chain = Chain(transitions, np.array([0.0, 1.0]))
    first = math.log(max(chain.stationary()[int(lost[0])], _FLOOR))
    logs = np.log(np.maximum(transitions, _FLOOR))
    return Fit(chain, float((counts * logs).sum()) + first, 2)


def expectation_maximization(lost: NDArray[np.bool_], start: Chain) -> Fit:
    """Baum-Welch from a start, until the likelihood converges; the first state is from the stationary law.

    Args:
        lost: bool [packets].
        start: transitions and losses, none of them 0 or 1 that may change.
    Source: Rabiner 1989, Section III; the sequence is cut into parts that are gone through side by side.
    """
    observed = _parts(lost)
    chain, before = start, -math.inf
    for _ in range(_ITERATIONS):
        moves, visits, losses, likelihood = _expected(chain, observed)
        transitions = moves / moves.sum(axis=1, keepdims=True)
        if likelihood - before < _GAIN * abs(likelihood):
            break
        before = likelihood
        chain = Chain(transitions, np.clip(losses / np.maximum(visits, _FLOOR), 0.0, 1.0))
    order = np.argsort(chain.loss, kind="stable")
    chain = Chain(chain.transitions[np.ix_(order, order)], chain.loss[order])
    states = len(chain.loss)
    return Fit(chain, likelihood, states * (states - 1) + states)


def burst_lengths(lost: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Lengths of the runs of losses, int64 [runs]; runs that the ends cut count as they are."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]]).astype(np.int8)))
    return edges[1::2] - edges[::2]


def share_in_bursts(lost: NDArray[np.bool_], of: int) -> float:
    """Fraction of the losses that are in runs of `of` or more."""
    lengths = burst_lengths(lost)
    return float(lengths[lengths >= of].sum() / max(lengths.sum(), 1))


def _likelihood(fit: Fit) -> float:
    return fit.log_likelihood


def _starts(gilbert: Chain) -> list[Chain]:
    p, r = (float(np.clip(q, 1e-4, 0.99)) for q in (gilbert.transitions[0, 1], gilbert.transitions[1, 0]))
    slow = np.array([[1 - p / 5, p / 5], [r / 5, 1 - r / 5]])
    quick = np.array([[1 - p, p], [r, 1 - r]])
    return [Chain(quick, np.array([p / 20, 0.95])), Chain(slow, np.array([p / 4, 0.6]))]


def _spread(states: int, gilbert: Chain) -> Chain:
    """Losses from few to nearly all, and states that last the shorter the more they lose."""
    loss = np.linspace(gilbert.loss_rate / 4, 0.9, states)
    stay = np.linspace(0.99, 0.7, states)
    away = (1.0 - stay)[:, None] * (np.ones((states, states)) - np.eye(states)) / (states - 1)
    return Chain(away + np.diag(stay), loss)


def _parts(lost: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The sequence as rows [parts, length] of 0 and 1; 2 fills the last row."""
    length = max(1, math.isqrt(len(lost)))
    parts = -(-len(lost) // length)
    padded = np.full(parts * length, 2, dtype=np.int64)
    padded[: len(lost)] = lost
    return padded.reshape(parts, length)


def _expected(
    chain: Chain, observed: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Expected moves [states, states], visits [states] and losses [states] of the hidden chain, and the likelihood."""
    parts, length = observed.shape
    emit = np.stack([1.0 - chain.loss, chain.loss, np.ones_like(chain.loss)])[
        observed
    ]  # [parts, length, states]
    move = chain.transitions
    whole = np.broadcast_to(np.eye(len(move)), (parts, *move.shape)).copy()
    for t in range(length):
        whole = (whole @ move) * emit[:, t, None, :]
        whole /= np.maximum(whole.sum(axis=(1, 2), keepdims=True), 1e-300)
    forward = np.empty((parts + 1, len(move)))
    backward = np.ones((parts + 1, len(move)))
    forward[0] = chain.stationary()  # a step of the stationary law is the stationary law
    for part in range(parts):
        forward[part + 1] = forward[part] @ whole[part]
        forward[part + 1] /= forward[part + 1].sum()
    for part in range(parts - 1, -1, -1):
        backward[part] = whole[part] @ backward[part + 1]
        backward[part] /= backward[part].sum()
    alpha, scale = np.empty_like(emit), np.empty(observed.shape)
    now = forward[:-1]
    for t in range(length):
        now = (now @ move) * emit[:, t]
        scale[:, t] = now.sum(axis=1)
        now = now / scale[:, t, None]
        alpha[:, t] = now
    beta, now = np.empty_like(emit), backward[1:]
    for t in range(length - 1, -1, -1):
        beta[:, t] = now
        now = (emit[:, t] * now) @ move.T
        now = now / now.sum(axis=1, keepdims=True)
    known = observed < 2
    gamma = alpha * beta
    gamma *= (known / gamma.sum(axis=2))[:, :, None]
    earlier = np.concatenate([forward[:-1, None], alpha[:, :-1]], axis=1)
    later = emit * beta
    joint = np.einsum("pti,ij,ptj->pt", earlier, move, later, optimize=True)
    weight = known / np.maximum(joint, 1e-300)
    weight[0, 0] = 0.0  # no move leads to the first packet
    moves = move * np.einsum("pti,ptj,pt->ij", earlier, later, weight, optimize=True)
    losses = gamma[observed == 1].sum(axis=0)
    return moves, gamma.sum(axis=(0, 1)), losses, float(np.log(scale[known]).sum())
