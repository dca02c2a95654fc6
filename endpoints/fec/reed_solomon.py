"""Reed-Solomon as a scenario names it."""

from __future__ import annotations

from dataclasses import dataclass

from lossweep.endpoints.fec.block_code import BlockCode
from lossweep.endpoints.fec.code import CodeFamily, check_code_rate, packets_of_block
from lossweep.endpoints.fec.interleaved import InterleavedBlock, ReedSolomonFormat
from lossweep.endpoints.fec.reed_solomon_block import ReedSolomonBlock


@dataclass(frozen=True)
class ReedSolomon(CodeFamily):
    """Reed-Solomon over GF(2^8): any k of a block's n packets recover the block.

    Attributes:
        code_rate: k/n, in (0, 1]; where k / code_rate is no integer, n is the next one.
        key_code_rate: k/n of blocks of a video with a key frame; None is code_rate.
        interleave: Reed-Solomon codes in a block, packet i in code i mod interleave; for blocks of more than 255
            packets. A shorter block than that has as many codes as packets.
    Raises:
        ValueError: a parameter out of its range.
    """

    code_rate: float
    key_code_rate: float | None = None
    interleave: int = 1
    name = "rs"
    title = "RS"

    def __post_init__(self) -> None:
        check_code_rate(self.code_rate)
        if self.key_code_rate is not None:
            check_code_rate(self.key_code_rate, "key_code_rate")
        if not isinstance(self.interleave, int) or isinstance(self.interleave, bool) or self.interleave < 1:
            raise ValueError(f"interleave is {self.interleave!r}; it must be a whole number, 1 or more")

    @property
    def label(self) -> str:
        """`rs-0.5`; `rs-0.67-key0.5-i2` with the other parameters."""
        key = "" if self.key_code_rate is None else f"-key{self.key_code_rate:g}"
        return f"{super().label}{key}" + (f"-i{self.interleave}" if self.interleave > 1 else "")

    @property
    def lowest_code_rate(self) -> float:
        """See `CodeFamily`."""
        return min(self.code_rate, self.key_code_rate or 1.0)

    @property
    def repair_format(self) -> ReedSolomonFormat:
        """See `CodeFamily`."""
        return ReedSolomonFormat(self.interleave)

    def make(self, k: int, n: int | None = None) -> BlockCode:
        """The code for k source packets, with n = ceil(k / code_rate) unless it is given.

        Raises:
            ValueError: not 1 <= k <= n, or a code of more than 255 packets; naming k and n, and what to do.
        """
        n = packets_of_block("Reed-Solomon", k, n, self.code_rate)
        if self.interleave == 1:
            return ReedSolomonBlock(k, n)
        return InterleavedBlock(k, n, min(k, self.interleave))

    def make_frames(self, k: int, key: bool) -> BlockCode:
        """See `CodeFamily`."""
        rate = self.key_code_rate if key and self.key_code_rate is not None else self.code_rate
        return self.make(k, packets_of_block("Reed-Solomon", k, None, rate))

    def make_object(self, k: int) -> BlockCode:
        """The SyncSC paper's lengths, n = k / code_rate - 1: RS(32, 63) and RS(32, 127).

        Raises:
            ValueError: key_code_rate or interleave, which an object does not have.
        """
        if self.key_code_rate is not None or self.interleave > 1:
            raise ValueError("key_code_rate and interleave are for packetization rtp")
        return self.make(k, k if self.code_rate == 1 else max(k, round(k / self.code_rate) - 1))
