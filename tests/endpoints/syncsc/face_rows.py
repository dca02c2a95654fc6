"""Coefficients through a face code, for the tests beside this file."""

import numpy as np

from lossweep.endpoints.session import FecParameters
from lossweep.endpoints.syncsc.codes.code import Estimate, FaceCode
from lossweep.endpoints.syncsc.codes.family import face_code


def make(name: str, rate: float = 0.5, group: int = 4, look_ahead: int = 0, **options: str) -> FaceCode:
    """The face code of that name; `none` has no rate."""
    parameters = () if name == "none" else (("code_rate", rate),)
    return face_code(FecParameters(name, parameters), group, look_ahead, **options)


def received(code: FaceCode, coefficients: np.ndarray, arrived: np.ndarray) -> list[list[bytes | None]]:
    """The rows of a clip, None where `arrived` (flat, as long or longer) says so."""
    blocks = code.encode(coefficients)
    there = np.asarray(arrived)[: len(blocks) * code.block.n].reshape(len(blocks), -1)
    return [
        [row if one else None for row, one in zip(*both, strict=True)]
        for both in zip(blocks, there, strict=True)
    ]


def estimate(code: FaceCode, coefficients: np.ndarray, arrived: np.ndarray, reference=None) -> Estimate:
    """What the receiver makes of the rows that arrived, cut to the clip's length."""
    reference = coefficients[0] if reference is None else reference
    shown, whole = code.decode(received(code, coefficients, arrived), reference)
    return Estimate(shown[: len(coefficients)], whole[: len(coefficients)])
