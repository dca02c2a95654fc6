"""What the packets of a clip tell of its frames, as linear measurements, and windows onto it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.syncsc.codes.interleaving import SOURCE_PACKETS, Layout
from lossweep.endpoints.syncsc.codes.motion import Motion, posterior
from lossweep.endpoints.syncsc.codes.parity import VARIANCE, from_wire, precision_of, rows_of
from lossweep.endpoints.syncsc.face_model import COEFFICIENTS

WINDOW = 32
LEAD = WINDOW // SOURCE_PACKETS
"""Segments of four frames before the clip, so that every window is whole; the last frame there is the reference."""


@dataclass(frozen=True)
class Windows:
    """Windows of 32 frames up to the end of some blocks, and what is known of them.

    Attributes:
        mean: float64 [n, 16, 32], conditional on all that arrived in the window and the last frame known before.
        covariance: float64 [n, 16, 32, 32].
        told: float64 [n, 16, 32, 32], precision of what arrived.
    """

    mean: Tensor
    covariance: Tensor
    told: Tensor

    def within(self, change: Tensor) -> Tensor:
        """What of a change [n, 16, 32] of the mean contradicts nothing that arrived (the same shape)."""
        against = (self.told @ change[..., None].double())[..., 0]
        return change - (self.covariance @ against[..., None])[..., 0].to(change.dtype)


@dataclass(frozen=True)
class Evidence:
    """What arrived of a clip, in segments of four frames, LEAD of which stand before the clip.

    Attributes:
        told: float64 [segments, 16, 4, 4], H' N^-1 H of the rows that arrived; pull: [segments, 16, 4].
        known: bool [frames + 32], frames known exactly; counted from 32 before the clip.
        segments: in a block.
    """

    told: Tensor
    pull: Tensor
    known: NDArray[np.bool_]
    segments: int

    @classmethod
    def of(
        cls,
        payloads: list[bytes | None],
        layout: Layout,
        motion: Motion,
        reference: NDArray[np.floating],
    ) -> Evidence:
        """From a clip's packets; None where one did not arrive."""
        segments, n = layout.frames // SOURCE_PACKETS, layout.packets
        values = np.full((len(payloads), segments, COEFFICIENTS), np.nan)
        for i, payload in enumerate(payloads):
            if payload is not None:
                row = np.frombuffer(payload, ">f2") if i % n < SOURCE_PACKETS else from_wire(payload)
                values[i] = row.reshape(segments, COEFFICIENTS)
        weights = torch.from_numpy(precision_of(values)).view(-1, n, segments, COEFFICIENTS)
        weights[:, :SOURCE_PACKETS] = (weights[:, :SOURCE_PACKETS] > 0) / VARIANCE
        values = torch.from_numpy(np.nan_to_num(values)).view(-1, n, segments, COEFFICIENTS)
        there, rows = weights > 0, rows_of(motion.parity[layout.rate])
        squares = torch.einsum("ni,nj->nij", rows, rows)
        told = torch.einsum("bngc,nij->bgcij", weights, squares).flatten(0, 1)
        pull = torch.einsum("bngc,ni->bgci", values * weights, rows).flatten(0, 1)
        ahead_told, ahead_pull = torch.zeros(LEAD, *told.shape[1:]), torch.zeros(LEAD, *pull.shape[1:])
        ahead_told[-1, :, -1, -1] = 1 / VARIANCE
        ahead_pull[-1, :, -1] = torch.from_numpy(np.asarray(reference, np.float64)) / VARIANCE
        source = there[:, :SOURCE_PACKETS].all(3).transpose(1, 2)
        whole = (there.sum(1) >= SOURCE_PACKETS).all(2)
        known = (source | whole[..., None]).flatten().numpy()
        before = np.arange(WINDOW) == WINDOW - 1
        return cls(
            torch.cat([ahead_told.double(), told]),
            torch.cat([ahead_pull.double(), pull]),
            np.concatenate([before, known]),
            segments,
        )

    def windows(self, blocks: NDArray[np.integer], motion: Motion) -> Windows:
        """The windows that end with these blocks."""
        firsts = (np.asarray(blocks) + 1) * self.segments
        last_known = np.maximum.accumulate(np.where(self.known, np.arange(len(self.known)), -1))
        means, precisions, told, pull = [], [], [], []
        for first in firsts:
            start = first * SOURCE_PACKETS
            at = last_known[start - 1] if start else -1
            factor, precision = motion.prior(start - at if at >= 0 else 0, WINDOW)
            means.append(factor * self._number(at)[:, None] if at >= 0 else factor)
            precisions.append(precision)
            segment = slice(first, first + LEAD)
            told.append(_spread(self.told[segment]))
            pull.append(self.pull[segment].transpose(0, 1).flatten(1))
        all_told = torch.stack(told)
        mean, covariance = posterior(torch.stack(means), torch.stack(precisions), all_told, torch.stack(pull))
        return Windows(mean, covariance, all_told)

    def _number(self, at: int) -> Tensor:
        """The 16 numbers of a known frame, counted as `known` is."""
        segment, place = divmod(int(at), SOURCE_PACKETS)
        ridge = 1e-9 / VARIANCE * torch.eye(SOURCE_PACKETS, dtype=torch.float64)
        return torch.linalg.solve(self.told[segment] + ridge, self.pull[segment][..., None])[:, place, 0]


def _spread(told: Tensor) -> Tensor:
    """[8, 16, 4, 4] along the diagonal of [16, 32, 32]."""
    out = torch.zeros(told.shape[1], LEAD, SOURCE_PACKETS, LEAD, SOURCE_PACKETS, dtype=torch.float64)
    at = torch.arange(LEAD)
    out[:, at, :, at, :] = told
    return out.reshape(-1, WINDOW, WINDOW)
