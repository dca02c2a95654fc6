"""ULPFEC: parity over masks of a block's packets (RFC 5109)."""

from __future__ import annotations

import csv
import struct
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.block_code import BlockCode
from lossweep.endpoints.fec.code import packets_of_block
from lossweep.endpoints.fec.parity import ParityBlock
from lossweep.endpoints.fec.parity_family import Parity, ParityFamily, copies
from lossweep.endpoints.fec.parity_packets import ParityFormat, ParityPayload

MOST_SOURCE = 48
"""Bits of the long mask."""
SEARCHED = 12
"""Largest k with masks from a search."""
_HEADER = struct.Struct("!HHIHH")
_LONG = 0x4000


class UlpFormat(ParityFormat):
    """A FEC header of 10 bytes, a level header of 4 or 8, and the XOR; one level over whole packets.

    All repair packets of a block have the length of its longest packet: RFC 5109, Section 7.4, rule (a).
    Source: RFC 5109, Sections 7.3, 7.4 and 8.
    """

    def write(self, base: int, offsets: tuple[int, ...], bits: bytes, longest: int, code: BlockCode) -> bytes:
        """See `ParityFormat`."""
        long = offsets[-1] >= 16
        first = int.from_bytes(bits[:2], "big") & 0x3FFF | (_LONG if long else 0)
        length, timestamp = struct.unpack_from("!HI", bits, 2)
        width = 48 if long else 16
        mask = sum(1 << (width - 1 - offset) for offset in offsets)
        body = bits[8:].ljust(longest - 8, b"\0")
        head = struct.pack("!HHIHH", first, base, timestamp, length, len(body))
        return head + mask.to_bytes(width // 8, "big") + body

    def parse(self, payload: bytes) -> ParityPayload:
        """See `RepairFormat`."""
        if len(payload) < _HEADER.size:
            raise FecError(f"{len(payload)} bytes; a ULPFEC header has {_HEADER.size} before the mask")
        first, base, timestamp, length, protected = _HEADER.unpack_from(payload)
        width = 48 if first & _LONG else 16
        start = _HEADER.size + width // 8
        mask = int.from_bytes(payload[_HEADER.size : start], "big")
        body = payload[start : start + protected]
        if len(body) < protected or not mask:
            raise FecError(
                f"a ULPFEC packet of {len(payload)} bytes that protects {protected} of mask {mask:x}"
            )
        offsets = tuple(i for i in range(width) if mask >> (width - 1 - i) & 1)
        return ParityPayload(base, offsets, struct.pack("!HHI", first & 0x3FFF, length, timestamp) + body)


@dataclass(frozen=True)
class UlpFec(ParityFamily):
    """ULPFEC, RFC 5109, as WebRTC uses it: repair packets are the XOR of the packets of a mask, decoded iteratively.

    Masks of up to 12 source packets are from a search of this project (`results/validation/ulpfec_masks.py`); they
    leave no more than WebRTC's own masks. For longer blocks packet i is in repair packet i mod (n - k), as in WebRTC.
    Beyond k repair packets, the first k are copies; WebRTC sends k at most. A repair packet has 14 or, where its mask
    spans more than 16 packets, 18 bytes of header after its RTP header, and the length of the block's longest packet.

    Attributes:
        code_rate: k/n, in (0, 1].
        pattern: the loss that the masks are for, "random" or "bursty". WebRTC takes "random" always.
    Raises:
        ValueError: a parameter out of its range.
    """

    pattern: str = "random"
    name = "ulpfec"
    title = "ULPFEC"
    patterns = ("random", "bursty")
    repair_format = UlpFormat()

    def make(self, k: int, n: int | None = None) -> ParityBlock:
        """The code for k source packets, with n = ceil(k / code_rate) unless it is given.

        Raises:
            ValueError: not 1 <= k <= n or k > 48; naming k and n, and what to do.
        """
        n = packets_of_block("ULPFEC", k, n, self.code_rate)
        if k > MOST_SOURCE:
            raise ValueError(
                f"a ULPFEC mask names at most {MOST_SOURCE} packets; k={k}, n={n}: use shorter blocks (fec_frames, "
                "gop, larger packets), or flexfec or rs"
            )
        copied = copies(k, n - k)
        repair = n - k - len(copied)
        if k <= SEARCHED and repair:
            masks = _masks()[self.pattern, k, repair]
        else:
            masks = tuple(tuple(range(j, k, repair)) for j in range(repair))
        return ParityBlock(k, (*copied, *masks))


@cache
def _masks() -> dict[tuple[str, int, int], tuple[Parity, ...]]:
    """The source packets of each repair packet, by pattern, k and number of repair packets."""
    text = files("lossweep.endpoints.fec").joinpath("ulpfec_masks.csv").read_text(encoding="utf-8")
    found = {}
    for row in csv.DictReader(text.splitlines()):
        masks = [int(mask, 16) for mask in row["masks"].split()]
        covered = tuple(tuple(i for i in range(SEARCHED) if mask >> i & 1) for mask in masks)
        found[row["loss"], int(row["k"]), int(row["m"])] = covered
    return found
