"""Packet codes of face coefficients as a scenario names them, and the face code that any packet code gives."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from lossweep.channels.errors import OptionError
from lossweep.endpoints.fec.block_code import BlockCode
from lossweep.endpoints.fec.code import CodeFamily, block_code, family_of
from lossweep.endpoints.session import FecParameters
from lossweep.endpoints.syncsc.codes.code import FaceCode
from lossweep.endpoints.syncsc.codes.interleaving import Layout
from lossweep.endpoints.syncsc.codes.packet_coded import Coding, Interpolation, PacketCoded

RATES = (0.5, 0.25)


@dataclass(frozen=True)
class FaceCodeFamily(CodeFamily):
    """A packet code that protects face coefficients and nothing else.

    Attributes:
        code_rate: 0.5 or 0.25.
    Raises:
        ValueError: another code rate.
    """

    code_rate: float
    protects: ClassVar[str] = "face"
    endpoints: ClassVar[tuple[str, ...]] = ("syncsc",)
    """The endpoints that take it."""

    def __post_init__(self) -> None:
        if self.code_rate not in RATES:
            raise ValueError(f"code {self.name} has code_rate 0.5 or 0.25, not {self.code_rate!r}")

    def make(self, k: int, n: int | None = None) -> BlockCode:
        """There is no such code for bytes.

        Raises:
            ValueError: always, and what to do.
        """
        raise ValueError(
            f"code {self.name} protects face coefficients, not bytes; give it to the endpoint syncsc"
        )

    @abstractmethod
    def face_code(self, layout: Layout, device: str = "cpu") -> FaceCode:
        """The code for blocks of that layout; networks in it run on `device`.

        Raises:
            ValueError: it has no such blocks; one line with what to change.
        """


class PacSCFamily(FaceCodeFamily):
    """PacSC, the paper's masked-autoencoder packet code, for the endpoint syncsc."""

    name = "pacsc"
    title = "PacSC"

    def face_code(self, layout: Layout, device: str = "cpu") -> FaceCode:
        """See `FaceCodeFamily.face_code`."""
        from lossweep.endpoints.syncsc.codes.pacsc import PacSC

        return PacSC(layout, device)


class PacSCSFamily(FaceCodeFamily):
    """Systematic linear parity with Gaussian (conditional-mean) estimation, for the endpoint syncsc."""

    name = "pacsc-s"
    title = "PacSC-S"

    def face_code(self, layout: Layout, device: str = "cpu") -> FaceCode:
        """See `FaceCodeFamily.face_code`; it has no network."""
        from lossweep.endpoints.syncsc.codes.pacsc_s import PacSCS

        return PacSCS(layout)


def face_code(
    fec: FecParameters,
    group: int,
    look_ahead: int,
    interpolation: Interpolation = "linear",
    coding: Coding = "float16",
    device: str = "cpu",
) -> FaceCode:
    """The code of face coefficients that a packet code gives, as both ends make it.

    Args:
        fec: the packet code. One that protects packets has 4 source packets per block here.
        group: blocks of the code whose rows share packets, 1 to 64.
        look_ahead: frames to wait beyond the block, 0 to 64.
        interpolation, coding: of codes that protect packets; see `PacketCoded`.
    Raises:
        ValueError: one line; a name, an option or a number out of its range, or options that do not go together.
    """
    family = block_code("a face", family_of(fec))
    layout = Layout(family.code_rate, group, look_ahead)
    if not isinstance(family, FaceCodeFamily):
        return PacketCoded(layout, family, interpolation, coding)
    if coding != "float16":
        raise OptionError(
            f"coding {coding} is for codes that protect packets; {family.name} has float16 rows"
        )
    return family.face_code(layout, device)
