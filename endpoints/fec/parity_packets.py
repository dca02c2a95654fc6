"""Parity over whole RTP packets, as RFC 5109 and RFC 8627 define it, and its recovery."""

from __future__ import annotations

import struct
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lossweep.endpoints.fec.block_code import BlockCode
from lossweep.endpoints.fec.parity import xor
from lossweep.endpoints.fec.repair_format import Repair, RepairFormat, Timed
from lossweep.endpoints.session import RtpStream
from lossweep.sim.rtp import RTP_HEADER_BYTES, RTP_VERSION

_LENGTH, _ADDRESS = struct.Struct("!H"), struct.Struct("!HII")


@dataclass(frozen=True)
class ParityPayload:
    """A parsed repair packet: which source packets it covers, and the XOR of their bit strings.

    Attributes:
        base_sequence_number: of the first of them, uint16.
        offsets: of their sequence numbers from it, increasing.
        bits: see `bit_string`.
    """

    base_sequence_number: int
    offsets: tuple[int, ...]
    bits: bytes


def bit_string(packet: bytes) -> bytes:
    """What parity is computed of: 16 bits of the RTP header, the length after the fixed header, timestamp, the rest.

    Source: RFC 8627, Section 6.2. RFC 5109, Section 8 has the same fields.
    """
    length = _LENGTH.pack(len(packet) - RTP_HEADER_BYTES)
    return packet[:2] + length + packet[4:8] + packet[RTP_HEADER_BYTES:]


def packet_of(bits: bytes, sequence_number: int, ssrc: int) -> bytes | None:
    """The RTP packet with this bit string; None where its length does not fit.

    Source: RFC 8627, Sections 6.3.2 and 6.3.3.
    """
    (length,) = _LENGTH.unpack_from(bits, 2)
    if length > len(bits) - 8:
        return None
    first = bytes([bits[0] & 0x3F | RTP_VERSION << 6, bits[1]])
    (timestamp,) = struct.unpack_from("!I", bits, 4)
    return first + _ADDRESS.pack(sequence_number, timestamp, ssrc) + bits[8 : 8 + length]


class ParityFormat(RepairFormat[ParityPayload]):
    """Repair packets that each name the source packets they cover; recovery by peeling."""

    def payloads(self, source: Sequence[bytes], code: BlockCode, sbn: int) -> list[bytes]:
        """See `RepairFormat`."""
        strings = [bit_string(packet) for packet in source]
        base, longest = int.from_bytes(source[0][2:4], "big"), max(map(len, strings))
        out = []
        for esi in range(code.k, code.n):
            covered = code.depends_on(esi)
            offsets = tuple(i - covered[0] for i in covered)
            bits = xor([strings[i] for i in covered])
            out.append(self.write((base + covered[0]) % 2**16, offsets, bits, longest, code))
        return out

    @abstractmethod
    def write(self, base: int, offsets: tuple[int, ...], bits: bytes, longest: int, code: BlockCode) -> bytes:
        """The payload of a repair packet.

        Args:
            base, offsets, bits: see `ParityPayload`.
            longest: bytes of the longest bit string of the block.
            code: of the block.
        """

    def rebuild(
        self,
        repair: Sequence[Repair[ParityPayload]],
        source: Mapping[int, Timed],
        stream: RtpStream,
        make: Callable[[int, int | None], BlockCode],
    ) -> dict[int, Timed]:
        """See `RepairFormat`."""
        arrivals: list[tuple[float, int, bytes | _Parity]] = [
            (at, i, data) for i, (data, at) in source.items()
        ]
        for one in repair:
            numbers = {one.number + offset for offset in one.payload.offsets}
            arrivals.append((one.arrived_s, 0, _Parity(numbers, one.payload.bits)))
        peeling = _Peeling(stream)
        for now_s, number, arrived in sorted(arrivals, key=lambda arrival: arrival[0]):
            if isinstance(arrived, _Parity):
                peeling.add(arrived, now_s)
            else:
                peeling.know(number, arrived, now_s)
        return peeling.rebuilt


class _Parity:
    """A repair packet: the numbers that it covers, those of them that are unknown, and its bit string."""

    def __init__(self, numbers: set[int], bits: bytes) -> None:
        self.numbers, self.unknown, self.bits = numbers, set(numbers), bits


class _Peeling:
    """What is known of a stream, packet by packet in order of arrival."""

    def __init__(self, stream: RtpStream) -> None:
        self.rebuilt: dict[int, Timed] = {}
        self._stream = stream
        self._known: dict[int, bytes] = {}
        self._waiting: dict[int, list[_Parity]] = {}

    def add(self, parity: _Parity, now_s: float) -> None:
        """Takes a repair packet."""
        parity.unknown -= self._known.keys()
        for number in parity.unknown:
            self._waiting.setdefault(number, []).append(parity)
        self._use(parity, now_s)

    def know(self, number: int, packet: bytes, now_s: float) -> None:
        """Takes a source packet that arrived or was rebuilt."""
        if number in self._known:
            return
        self._known[number] = packet
        waiting = self._waiting.pop(number, ())
        for parity in waiting:
            parity.unknown.discard(number)
        for parity in waiting:
            self._use(parity, now_s)

    def _use(self, parity: _Parity, now_s: float) -> None:
        if len(parity.unknown) != 1:
            return
        (number,) = parity.unknown
        others = [bit_string(self._known[i]) for i in parity.numbers if i != number]
        sequence_number = (self._stream.first_sequence_number + number) % 2**16
        packet = packet_of(xor([parity.bits, *others]), sequence_number, self._stream.ssrc)
        if packet is not None:
            self.rebuilt[number] = packet, now_s
            self.know(number, packet, now_s)
