"""PacSC and pacsc-s as a scenario names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lossweep.channels.loss import check_names
from lossweep.endpoints.syncsc.codes.interleaving import CODE_FRAMES


@dataclass(frozen=True)
class PacSCFamily:
    """The paper's masked-autoencoder packet code, for the endpoint syncsc.

    Attributes:
        code_rate: 0.5 or 0.25.
    Raises:
        ValueError: another code rate.
    """

    code_rate: float
    name = "pacsc"
    title = "PacSC"
    endpoints = ("syncsc",)

    def __post_init__(self) -> None:
        if self.code_rate not in CODE_FRAMES:
            raise ValueError(f"code {self.name} has code_rate 0.5 or 0.25, not {self.code_rate!r}")

    @classmethod
    def from_params(cls, **params: Any) -> PacSCFamily:
        """The family from a scenario's `code_rate`.

        Raises:
            ValueError: one line; a parameter is unknown, missing or out of its range.
        """
        check_names(f"code {cls.name}", params, {"code_rate"})
        return cls(params["code_rate"])

    @property
    def label(self) -> str:
        """For tables and plots: `pacsc-0.5`."""
        return f"{self.name}-{self.code_rate:g}"

    def make(self, k: int, n: int | None = None) -> Any:
        """There is no such code for bytes.

        Raises:
            ValueError: always, and the mend.
        """
        raise ValueError(
            f"code {self.name} protects face semantics, not bytes; give it to the endpoint syncsc"
        )


@dataclass(frozen=True)
class PacSCSFamily(PacSCFamily):
    """Systematic PacSC: the semantics as they are and learned parity, for the endpoint syncsc."""

    name = "pacsc-s"
    title = "PacSC-S"
