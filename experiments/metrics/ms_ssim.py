"""Structural similarity at several scales."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.metrics.metric import Picture, checked, luma

LEAST_SIDE = 161
"""Five scales: the 11 x 11 window must lie in the picture after four halvings."""


class MsSsim:
    """Multi-scale structural similarity of luma, five scales.

    Known deviation, of the package pytorch-msssim: negative terms of a scale count 0, as their roots are
    undefined.

    Source: Wang et al. 2003, eq. 7.
    """

    name = "ms_ssim"
    higher_is_better = True
    label = "MS-SSIM (luma)"
    undecodable_score = None

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    def scores(self, pairs: Sequence[tuple[Picture, Picture]]) -> list[float]:
        """MS-SSIM of each pair (shown, reference), in [0, 1]; 1 for identical pictures.

        Raises:
            ValueError: not uint8 RGB, of different shapes, or with a side below 161.
        """
        return [self._score(pair) for pair in pairs]

    def _score(self, pair: tuple[Picture, Picture]) -> float:
        import torch
        from pytorch_msssim import ms_ssim

        shown, reference = (
            torch.from_numpy(luma(pixels)).to(self.device)[None, None]
            for pixels in checked(pair, self.name, LEAST_SIDE)
        )
        return ms_ssim(shown, reference, data_range=255).item()
