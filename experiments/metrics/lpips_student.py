"""lpips_student: a small network that was taught to agree with LPIPS squeeze, and needs no download."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from lossweep.experiments.metrics.feature_distance import FeatureDistance
from lossweep.experiments.metrics.metric import MetricAbsent

if TYPE_CHECKING:
    import torch

WEIGHTS = Path(__file__).parent / "student" / "lpips_student.safetensors"


class LpipsStudent(FeatureDistance):
    """Distance distilled from LPIPS squeeze; not LPIPS (`student/CARD.md` gives the agreement).

    Args:
        device: "cpu" or "cuda".

    Attributes:
        weights_sha256: of the weights file.

    Raises:
        MetricAbsent: the weights file is not there or cannot be read.
    """

    name = "lpips_student"
    higher_is_better = False
    label = "lpips_student (distilled, not LPIPS)"
    undecodable_score = 1.0
    least_side = 32

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        from safetensors.torch import load_file

        from lossweep.experiments.metrics.student.network import Student

        model = Student()
        try:
            self.weights_sha256 = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
            model.load_state_dict({name: tensor.float() for name, tensor in load_file(WEIGHTS).items()})
        except Exception as error:
            why = " ".join(str(error).split())
            raise MetricAbsent(
                f"lpips_student is absent: {WEIGHTS} cannot be read ({why}); install again"
            ) from error
        self._model = model.requires_grad_(False).to(device).eval()
        self.peaks = model.peaks()

    def maps(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        """Weighted features of the five stages.

        Args:
            pixels: uint8 [pictures, height, width, 3], RGB.
        Returns:
            float32 [pictures, channels, rows, columns] each, in [0, peak].
        """
        return self._model.maps(pixels)
