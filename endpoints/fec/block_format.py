"""Repair packets of block codes: a repair FEC payload ID and a repair symbol (RFC 6865)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lossweep.endpoints.fec.adu import FecError, RepairHeader, protect, restore
from lossweep.endpoints.fec.block_code import BlockCode
from lossweep.endpoints.fec.repair_format import Repair, RepairFormat, Timed
from lossweep.endpoints.session import RtpStream


@dataclass(frozen=True)
class BlockPayload:
    """A parsed repair packet of a block code.

    Attributes:
        base_sequence_number: uint16, of the block's first source packet.
        k: source packets of the block.
        esi: encoding symbol ID of the repair symbol, >= k.
        symbol: the repair symbol.
    """

    base_sequence_number: int
    k: int
    esi: int
    symbol: bytes


class BlockFormat(RepairFormat[BlockPayload]):
    """A payload ID of 8 bytes (`RepairHeader`) before the repair symbol over ADUs (`protect`).

    Attributes:
        stride: from one source packet of a block to the next.
    """

    stride: int = 1

    def payloads(self, source: Sequence[bytes], code: BlockCode, sbn: int) -> list[bytes]:
        """See `RepairFormat`."""
        base = int.from_bytes(source[0][2:4], "big")
        return [
            self.payload_id(sbn, esi, code.k, base) + symbol
            for esi, symbol in enumerate(protect(source, code), code.k)
        ]

    def payload_id(self, sbn: int, esi: int, k: int, base: int) -> bytes:
        """The bytes before the repair symbol."""
        return RepairHeader(sbn % 2**24, esi, k, base).serialize()

    def parse(self, payload: bytes) -> BlockPayload:
        """See `RepairFormat`."""
        header, symbol = RepairHeader.parse(payload)
        return BlockPayload(header.base_sequence_number, header.k, header.esi, symbol)

    def rebuild(
        self,
        repair: Sequence[Repair[BlockPayload]],
        source: Mapping[int, Timed],
        stream: RtpStream,
        make: Callable[[int, int | None], BlockCode],
    ) -> dict[int, Timed]:
        """See `RepairFormat`."""
        blocks: dict[tuple[int, int], dict[int, Timed]] = {}
        for one in repair:
            block = blocks.setdefault((one.number, one.payload.k), {})
            block.setdefault(one.payload.esi, (one.payload.symbol, one.arrived_s))
        out: dict[int, Timed] = {}
        for (first, k), symbols in blocks.items():
            numbers = range(first, first + k * self.stride, self.stride)
            here = {i: source[number] for i, number in enumerate(numbers) if number in source}
            if len(here) == k and max(map(_when, here.values())) <= min(map(_when, symbols.values())):
                continue
            try:
                code = self.code(k, max(symbols), make)
            except ValueError:
                continue
            out |= {numbers[i]: found for i, found in _rebuild(code, here, symbols).items()}
        return out

    def code(self, k: int, highest: int, make: Callable[[int, int | None], BlockCode]) -> BlockCode:
        """The code of a block of k source packets.

        Args:
            highest: ESI among the repair packets that arrived.
            make: see `RepairFormat.rebuild`.
        Raises:
            ValueError: there is none.
        """
        return make(k, None)


def _rebuild(code: BlockCode, source: Mapping[int, Timed], repair: Mapping[int, Timed]) -> dict[int, Timed]:
    """The source packets that the code gives back; none where the symbols do not fit the code or a packet.

    Args:
        source, repair: by ESI.
    """
    events = dict(source) | {esi: got for esi, got in repair.items() if esi < code.n}
    arrived = np.zeros(code.n, bool)
    out: dict[int, Timed] = {}
    for esi, (_, now_s) in sorted(events.items(), key=lambda event: event[1][1]):
        arrived[esi] = True
        if not arrived[code.k :].any():
            continue
        missing = [i for i in np.flatnonzero(code.recovers(arrived) & ~arrived[: code.k]) if i not in out]
        if not missing:
            continue
        known = {int(i): source[int(i)][0] for i in np.flatnonzero(arrived[: code.k])}
        symbols = {int(i): repair[int(i)][0] for i in np.flatnonzero(arrived) if i >= code.k}
        try:
            packets = restore(known, symbols, code)
        except FecError:
            return out
        for i in missing:
            packet = packets[i]
            if packet is not None:
                out[int(i)] = packet, now_s
    return out


def _when(timed: Timed) -> float:
    return timed[1]
