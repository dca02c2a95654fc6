"""Repair packets of codes that cut packets into parts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lossweep.endpoints.fec.adu import FecError, adui, open_adui
from lossweep.endpoints.fec.block_code import BlockCode
from lossweep.endpoints.fec.repair_format import Repair, RepairFormat, Timed
from lossweep.endpoints.fec.split_code import Equation, Parts, SplitBlock
from lossweep.endpoints.session import RtpStream


@dataclass(frozen=True)
class SplitPayload:
    """A parsed repair packet.

    Attributes:
        base_sequence_number: uint16.
        head: what the code's header says beside it.
        rows: combinations of parts, all of one length.
    """

    base_sequence_number: int
    head: tuple[int, ...]
    rows: bytes


class SplitFormat(RepairFormat[SplitPayload]):
    """A header of the code, before combinations of the parts of ADUIs; source packets are not changed."""

    @abstractmethod
    def header(self, code: SplitBlock, esi: int, base: int) -> bytes:
        """The bytes before the combinations.

        Args:
            base: sequence number of the stream's first packet.
        """

    @abstractmethod
    def equations(self, number: int, head: tuple[int, ...], code: SplitBlock) -> Sequence[Equation]:
        """The combinations that a header tells; () where it cannot be of this code.

        Args:
            number: extended number of the source packet with the base sequence number.
            head: see `SplitPayload`.
            code: any block of the code.
        """

    def payloads(self, source: Sequence[bytes], code: BlockCode, sbn: int) -> list[bytes]:
        """See `RepairFormat`; the code is of a whole stream."""
        assert isinstance(code, SplitBlock)
        base, symbols = int.from_bytes(source[0][2:4], "big"), [adui(packet) for packet in source]
        return [self.header(code, esi, base) + code.repair(esi, symbols) for esi in range(code.k, code.n)]

    def rebuild(
        self,
        repair: Sequence[Repair[SplitPayload]],
        source: Mapping[int, Timed],
        stream: RtpStream,
        make: Callable[[int, int | None], BlockCode],
    ) -> dict[int, Timed]:
        """See `RepairFormat`."""
        code = make(1, None)
        assert isinstance(code, SplitBlock)
        parts, out = Parts(code.parts, code.span), dict[int, Timed]()
        arrivals: list[tuple[float, int, bytes | SplitPayload]] = [
            *((arrived_s, number, data) for number, (data, arrived_s) in source.items()),
            *((one.arrived_s, one.number, one.payload) for one in repair),
        ]
        for now_s, number, arrived in sorted(arrivals, key=lambda arrival: arrival[0]):
            found: list[int] = []
            if isinstance(arrived, SplitPayload):
                equations = self.equations(number, arrived.head, code)
                if equations and len(arrived.rows) % len(equations) == 0:
                    found = parts.equate(equations, arrived.rows)
            elif not parts.complete(number):
                found = parts.know(number, adui(arrived))
            for packet in found:
                try:
                    out[packet] = open_adui(parts.symbol(packet)), now_s
                except FecError:
                    continue
        return out
