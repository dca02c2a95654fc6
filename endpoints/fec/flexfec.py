"""FlexFEC: parity over rows, columns or both of a block (RFC 8627)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.block_code import BlockCode
from lossweep.endpoints.fec.code import packets_of_block
from lossweep.endpoints.fec.parity import ParityBlock
from lossweep.endpoints.fec.parity_family import Parity, ParityFamily, copies
from lossweep.endpoints.fec.parity_packets import ParityFormat, ParityPayload

LARGEST = 255
"""L and D have 8 bits each."""
_FIXED = struct.Struct("!HHIHBB")
_MASKS = ((0, 15), (15, 31), (46, 64))
"""First position and positions of each part of the flexible mask."""


@dataclass(frozen=True)
class GridBlock(ParityBlock):
    """Parity over rows and columns of a block.

    Attributes:
        grid: whether there are both.
    """

    grid: bool = False


class FlexFormat(ParityFormat):
    """An RTP header with the source's SSRC as CSRC, a FEC header of 12 bytes with L and D (F = 1), and the XOR.

    Headers with a mask (F = 0) are read as well. Retransmissions (R = 1) are refused; RTX does that here.
    Source: RFC 8627, Sections 4.2 and 6.
    """

    names_source: ClassVar[bool] = True

    def write(self, base: int, offsets: tuple[int, ...], bits: bytes, longest: int, code: BlockCode) -> bytes:
        """See `ParityFormat`."""
        columns, rows = _extent(offsets)
        if rows == 0 and isinstance(code, GridBlock) and code.grid:
            rows = 1
        head = bits[0] & 0x3F | 0x40
        word = int.from_bytes(bits[2:8], "big")
        length, timestamp = word >> 32, word & 0xFFFFFFFF
        return _FIXED.pack(head << 8 | bits[1], length, timestamp, base, columns, rows) + bits[8:]

    def parse(self, payload: bytes) -> ParityPayload:
        """See `RepairFormat`."""
        if len(payload) < _FIXED.size:
            raise FecError(f"{len(payload)} bytes; a FlexFEC header has {_FIXED.size} or more")
        first, length, timestamp, base, columns, rows = _FIXED.unpack_from(payload)
        if first >> 15:
            raise FecError("a FlexFEC retransmission (R = 1)")
        if first >> 14:
            if not columns:
                raise FecError(f"FlexFEC with L = 0, D = {rows}")
            offsets, end = (
                list(range(columns) if rows <= 1 else range(0, columns * rows, columns)),
                _FIXED.size,
            )
        else:
            offsets, end = _read_mask(payload)
        bits = struct.pack("!HHI", first & 0x3FFF, length, timestamp) + payload[end:]
        return ParityPayload(base, tuple(offsets), bits)


@dataclass(frozen=True)
class FlexFec(ParityFamily):
    """FlexFEC, RFC 8627: repair packets are the XOR of rows or columns of a block, decoded iteratively.

    A row is consecutive packets and can be sent as soon as its last one is there; column j of L is every L-th packet
    from j on and repairs bursts of up to L packets. With "2d" half of the repair packets are rows and half columns:
    L + D where the block is an L x D grid; blocks with fewer than 4 repair packets have columns only. Beyond k repair
    packets, the first k are copies. Each has 16 bytes of CSRC and FEC header after its RTP header.

    Attributes:
        code_rate: k/n, in (0, 1].
        pattern: "row", "column" or "2d".
    Raises:
        ValueError: a parameter out of its range.
    """

    pattern: str = "column"
    name = "flexfec"
    title = "FlexFEC"
    patterns = ("row", "column", "2d")
    repair_format = FlexFormat()

    def make(self, k: int, n: int | None = None) -> GridBlock:
        """The code for k source packets, with n = ceil(k / code_rate) unless it is given.

        Raises:
            ValueError: not 1 <= k <= n, or rows or columns that 8 bits cannot describe; naming k and n.
        """
        repair = packets_of_block("FlexFEC", k, n, self.code_rate) - k
        parities = copies(k, repair)
        rows, columns = self._share(k, repair - len(parities))
        # A burst at the block's end meets each column once.
        first = [(k + j) % columns for j in range(columns)]
        parities += _rows(k, rows) + [tuple(range(j, k, columns)) for j in first]
        if max([max(_extent(_offsets(parity))) for parity in parities], default=0) > LARGEST:
            raise ValueError(
                f"FlexFEC describes rows and columns of at most {LARGEST} packets; k={k}, n={k + repair}: use "
                "shorter blocks (fec_frames, gop, larger packets)"
            )
        return GridBlock(k, tuple(parities), rows > 0 and columns > 0)

    def _share(self, k: int, repair: int) -> tuple[int, int]:
        """Repair packets that are rows, and those that are columns."""
        if self.pattern == "row":
            return repair, 0
        if self.pattern == "column" or repair < 4:
            return 0, repair
        grids = [rows for rows in range(1, repair) if rows * (repair - rows) == k]
        rows = max(grids, default=repair // 2)
        return rows, repair - rows


def _rows(k: int, count: int) -> list[Parity]:
    """k packets as `count` rows, whose lengths differ by at most 1."""
    ends = [k * i // count for i in range(count + 1)] if count else []
    return [tuple(range(first, end)) for first, end in pairwise(ends)]


def _offsets(parity: Parity) -> tuple[int, ...]:
    return tuple(i - parity[0] for i in parity)


def _extent(offsets: tuple[int, ...]) -> tuple[int, int]:
    """L and D of packets at equal distances: (L, 0) for a row."""
    step = offsets[1] if len(offsets) > 1 else 1
    return (len(offsets), 0) if step == 1 else (step, len(offsets))


def _read_mask(payload: bytes) -> tuple[list[int], int]:
    """Offsets of the source packets, and where the mask ends."""
    offsets: list[int] = []
    end = 10
    for first, count in _MASKS:
        size = (count + 7) // 8
        if len(payload) < end + size:
            raise FecError("a FlexFEC mask is truncated")
        bits = int.from_bytes(payload[end : end + size], "big")
        offsets += [first + i for i in range(count) if bits >> (count - 1 - i) & 1]
        end += size
        if count < 8 * size and not bits >> count:
            break
    if not offsets:
        raise FecError("a FlexFEC mask without a source packet")
    return offsets, end
