"""What the packets of a clip tell of its frames, as linear measurements, and windows onto it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.syncsc.codes.interleaving import SOURCE_PACKETS, WINDOW, Layout
from lossweep.endpoints.syncsc.codes.motion import Motion, posterior
from lossweep.endpoints.syncsc.codes.parity import VARIANCE, precision_of, rows_of
from lossweep.endpoints.syncsc.face_model import COEFFICIENTS

LEAD = WINDOW // SOURCE_PACKETS
"""Segments of four frames before the clip, so that every window is whole; the last frame there is the reference."""


@dataclass(frozen=True)
class Windows:
    """The estimate of windows of 32 frames up to the end of some blocks.

    Attributes:
        mean: float64 [n, 16, 32], conditional on all that arrived in the window and the last frame known before.
        covariance: float64 [n, 16, 32, 32].
    """

    mean: Tensor
    covariance: Tensor


@dataclass(frozen=True)
class Measurements:
    """Gaussian measurements of a clip in information form, in segments of four frames, LEAD of them before the clip.

    With y = H x + noise of covariance N for the rows that arrived:

    Attributes:
        information_matrix: float64 [segments, 16, 4, 4], H' N^-1 H.
        information_vector: float64 [segments, 16, 4], H' N^-1 y.
        known: bool [frames + 32], frames known exactly; counted from 32 before the clip.
        segments: in a block.
    """

    information_matrix: Tensor
    information_vector: Tensor
    known: NDArray[np.bool_]
    segments: int

    @classmethod
    def from_rows(
        cls,
        rows: Sequence[Sequence[NDArray[np.float64] | None]],
        layout: Layout,
        motion: Motion,
        reference: NDArray[np.floating],
    ) -> Measurements:
        """From a clip's rows [row], n of each block; None where one did not arrive, nan where one says nothing."""
        parity_rows = rows_of(motion.parity[layout.code_rate])
        segments, n = layout.frames // SOURCE_PACKETS, len(parity_rows)
        values = np.full((len(rows), n, segments, COEFFICIENTS), np.nan)
        for b, block in enumerate(rows):
            for i, row in enumerate(block):
                if row is not None:
                    values[b, i] = row.reshape(segments, COEFFICIENTS)
        weights = torch.from_numpy(precision_of(values))
        weights[:, :SOURCE_PACKETS] = (weights[:, :SOURCE_PACKETS] > 0) / VARIANCE
        measured, there = torch.from_numpy(np.nan_to_num(values)), weights > 0
        squares = torch.einsum("ni,nj->nij", parity_rows, parity_rows)
        matrix = torch.einsum("bngc,nij->bgcij", weights, squares).flatten(0, 1)
        vector = torch.einsum("bngc,ni->bgci", measured * weights, parity_rows).flatten(0, 1)
        matrix_before, vector_before = (
            torch.zeros(LEAD, *matrix.shape[1:]),
            torch.zeros(LEAD, *vector.shape[1:]),
        )
        matrix_before[-1, :, -1, -1] = 1 / VARIANCE
        vector_before[-1, :, -1] = torch.from_numpy(np.asarray(reference, np.float64)) / VARIANCE
        source = there[:, :SOURCE_PACKETS].all(3).transpose(1, 2)
        whole = (there.sum(1) >= SOURCE_PACKETS).all(2)
        known = (source | whole[..., None]).flatten().numpy()
        before = np.arange(WINDOW) == WINDOW - 1
        return cls(
            torch.cat([matrix_before.double(), matrix]),
            torch.cat([vector_before.double(), vector]),
            np.concatenate([before, known]),
            segments,
        )

    def windows(self, blocks: NDArray[np.integer], motion: Motion) -> Windows:
        """The windows that end with these blocks."""
        firsts = (np.asarray(blocks) + 1) * self.segments
        last_known = np.maximum.accumulate(np.where(self.known, np.arange(len(self.known)), -1))
        means, precisions, matrices, vectors = [], [], [], []
        for first in firsts:
            start = first * SOURCE_PACKETS
            at = last_known[start - 1] if start else -1
            factor, precision = motion.prior(start - at if at >= 0 else 0, WINDOW)
            means.append(factor * self._frame(at)[:, None] if at >= 0 else factor)
            precisions.append(precision)
            segment = slice(first, first + LEAD)
            matrices.append(_block_diagonal(self.information_matrix[segment]))
            vectors.append(self.information_vector[segment].transpose(0, 1).flatten(1))
        mean, covariance = posterior(
            torch.stack(means), torch.stack(precisions), torch.stack(matrices), torch.stack(vectors)
        )
        return Windows(mean, covariance)

    def _frame(self, at: int) -> Tensor:
        """The 16 coefficients of a known frame, counted as `known` is."""
        segment, place = divmod(int(at), SOURCE_PACKETS)
        ridge = 1e-9 / VARIANCE * torch.eye(SOURCE_PACKETS, dtype=torch.float64)
        vector = self.information_vector[segment][..., None]
        return torch.linalg.solve(self.information_matrix[segment] + ridge, vector)[:, place, 0]


def _block_diagonal(matrix: Tensor) -> Tensor:
    """[8, 16, 4, 4] along the diagonal of [16, 32, 32]."""
    out = torch.zeros(matrix.shape[1], LEAD, SOURCE_PACKETS, LEAD, SOURCE_PACKETS, dtype=torch.float64)
    at = torch.arange(LEAD)
    out[:, at, :, at, :] = matrix
    return out.reshape(-1, WINDOW, WINDOW)
