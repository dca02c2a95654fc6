"""Packet codes that a scenario may name."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any, ClassVar, Self, cast

import numpy as np

from lossweep.channels.errors import OptionError
from lossweep.channels.parameters import check_fields
from lossweep.channels.registry import Registry
from lossweep.endpoints.fec.block_code import BlockCode
from lossweep.endpoints.fec.block_format import BlockFormat
from lossweep.endpoints.fec.repair_format import RepairFormat
from lossweep.endpoints.session import FecParameters

CODES = Registry(
    "code",
    "lossweep.codes",
    {
        "none": "lossweep.endpoints.fec.none:NoCode",
        "rs": "lossweep.endpoints.fec.reed_solomon:ReedSolomon",
        "flexfec": "lossweep.endpoints.fec.flexfec:FlexFec",
        "ulpfec": "lossweep.endpoints.fec.ulpfec:UlpFec",
        "raptorq": "lossweep.endpoints.fec.raptorq:RaptorQ",
        "rlc": "lossweep.endpoints.fec.rlc:Rlc",
        "streaming": "lossweep.endpoints.fec.streaming:Streaming",
        "tambur": "lossweep.endpoints.fec.tambur:Tambur",
        "repetition": "lossweep.endpoints.fec.repetition:Repetition",
    },
)


class CodeFamily(ABC):
    """A packet code as a scenario names it: blocks of any size at one code rate.

    Its parameters are dataclass fields (numbers or text), so that a session can name them.

    Attributes:
        name: as registered.
        title: for people: "RS"; "" where nothing is added.
        code_rate: k/n, in (0, 1].
        label: identifier in tables.
        protects: "packets", or "face" for codes of face coefficients.
        spans_stream: whether a block is a whole stream, whose repair packets each depend on some packets before them.
    """

    name: str
    title: ClassVar[str]
    code_rate: float
    protects: ClassVar[str] = "packets"
    spans_stream: ClassVar[bool] = False

    @property
    def repair_format(self) -> RepairFormat[Any]:
        """What the payload of a repair packet looks like."""
        return BlockFormat()

    @property
    def lowest_code_rate(self) -> float:
        """Of all blocks; 1 where there are no repair packets."""
        return self.code_rate

    @property
    def label(self) -> str:
        """Identifier in tables: `rs-0.5`."""
        return f"{self.name}-{self.code_rate:g}"

    @classmethod
    def from_params(cls, **params: Any) -> Self:
        """The family from a scenario's parameters: its dataclass fields.

        Raises:
            ValueError: one line; a parameter is unknown, missing or out of its range.
        """
        check_fields(f"code {cls.name}", cls, params)
        return cls(**params)

    @abstractmethod
    def make(self, k: int, n: int | None = None) -> BlockCode:
        """The code for a block of k source packets; n follows from the code rate unless it is given.

        Raises:
            ValueError: there is no such code; naming k and n, and what to change.
        """

    def make_stream(self, frames: Sequence[int]) -> BlockCode:
        """The code for a whole stream, where it spans one.

        Args:
            frames: source packets of each frame.
        Raises:
            ValueError: there is no such code; what to change.
        """
        return self.make(sum(frames))

    def make_frames(self, k: int, key: bool) -> BlockCode:
        """The code for k source packets of a video; `key`: whether a key frame is among them."""
        return self.make(k)

    def make_object(self, k: int) -> BlockCode:
        """The code for an object cut into k symbols (packetization `object`)."""
        return self.make(k)

    def parameters(self) -> FecParameters:
        """Name and parameters for a session."""
        options = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return FecParameters(self.name, tuple((k, v) for k, v in options.items() if v is not None))


@lru_cache(maxsize=64)
def family_of(fec: FecParameters) -> CodeFamily:
    """The packet code that a session names.

    Raises:
        ValueError: there is no such code, or it does not take these parameters.
    """
    return cast(CodeFamily, CODES.get(fec.code).from_params(**dict(fec.options)))


def check_code_rate(rate: float, name: str = "code_rate") -> None:
    """Refuses what is no code rate.

    Raises:
        ValueError: not a number in (0, 1].
    """
    if not isinstance(rate, int | float | np.number) or isinstance(rate, bool) or not 0.0 < rate <= 1.0:
        raise ValueError(f"{name} is {rate!r}; it must be a number in (0, 1]")


def packets_of_block(title: str, k: int, n: int | None, code_rate: float) -> int:
    """Packets of a block: n, or the next whole number from k / code_rate on.

    Raises:
        ValueError: not 1 <= k <= n, naming both.
    """
    if n is None:
        n = math.ceil(k / code_rate - 1e-9)
    if not 1 <= k <= n:
        raise ValueError(f"{title} needs 1 <= k <= n; k={k}, n={n}")
    return n


def block_code(name: str, code: CodeFamily) -> CodeFamily:
    """The code, which must have blocks: the endpoint makes blocks of its own.

    Raises:
        OptionError: it spans the stream.
    """
    if code.spans_stream:
        raise OptionError(
            f"{name} makes blocks of its own, and code {code.name} protects a whole stream; use rs, flexfec, ulpfec, "
            "raptorq or repetition"
        )
    return code
