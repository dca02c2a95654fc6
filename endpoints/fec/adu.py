"""Packet codes for packets of unequal length: application data units (RFC 6865)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lossweep.endpoints.fec.block_code import BlockCode

REPAIR_HEADER_BYTES = 8
MAX_ADU_BYTES = 0xFFFF

_LAYOUT = struct.Struct("!IHH")
_PREFIX = struct.Struct("!BH")


class FecError(ValueError):
    """Bytes that are not a repair packet, or symbols that do not restore ADUs."""


@dataclass(frozen=True)
class RepairHeader:
    """Repair FEC payload ID for GF(2^8), before the repair symbol in a repair packet's RTP payload.

    Deviation from RFC 6865: 16 bits follow its three fields, the RTP sequence number of the block's first
    source packet. Source packets carry no FEC payload ID here (see `protect`), and with
    consecutive numbers the ESI of a source packet is its number minus this one, modulo 2^16.

    Attributes:
        sbn: source block number, 24 bits; wraps.
        esi: encoding symbol ID of the repair symbol, 8 bits, >= k.
        k: source packets of the block, 16 bits, >= 1.
        base_sequence_number: 16 bits.
    Raises:
        FecError: a field out of its range, naming it.
    Source: RFC 6865 (Repair FEC Payload ID, m = 8).
    """

    sbn: int
    esi: int
    k: int
    base_sequence_number: int

    def __post_init__(self) -> None:
        for name, bits in (("sbn", 24), ("esi", 8), ("k", 16), ("base_sequence_number", 16)):
            if not 0 <= getattr(self, name) < 1 << bits:
                raise FecError(f"{name} is {getattr(self, name)}; it must be in 0 to {(1 << bits) - 1}")
        if not 1 <= self.k <= self.esi:
            raise FecError(f"esi {self.esi} and k {self.k}; a repair packet has 1 <= k <= esi")

    def serialize(self) -> bytes:
        """The 8 bytes before the repair symbol."""
        return _LAYOUT.pack(self.sbn << 8 | self.esi, self.k, self.base_sequence_number)

    @classmethod
    def parse(cls, payload: bytes) -> tuple[RepairHeader, bytes]:
        """Parses a repair packet's RTP payload.

        Returns:
            The header, and the repair symbol.
        Raises:
            FecError: shorter than the header, or a field out of its range. Nothing else, whatever the bytes.
        """
        if len(payload) < REPAIR_HEADER_BYTES:
            raise FecError(f"{len(payload)} bytes; a repair FEC payload ID has {REPAIR_HEADER_BYTES}")
        block, k, base = _LAYOUT.unpack_from(payload)
        return cls(block >> 8, block & 0xFF, k, base), bytes(payload[REPAIR_HEADER_BYTES:])

    def source_esi(self, sequence_number: int) -> int | None:
        """The ESI of the source packet with this RTP sequence number; None where it is of another block."""
        esi = (sequence_number - self.base_sequence_number) & 0xFFFF
        return esi if esi < self.k else None


def protect(adus: Sequence[bytes], code: BlockCode, flow_id: int = 0) -> list[bytes]:
    """Repair symbols for the source packets of a block.

    Each ADU (an RTP packet with its header) becomes an ADUI: flow ID (8 bits), length (16 bits), the ADU,
    and zeros up to the longest ADUI of the block. The ADUIs are the source symbols; they are not sent.
    Deviation from RFC 6865: it appends an Explicit Source FEC Payload ID to each source packet. Here source
    packets are unchanged, so that a receiver without FEC can play them; RTP sequence numbers identify them
    (see `RepairHeader`).

    Args:
        adus: k packets of 0 to 65535 bytes.
        code: for k source symbols.
        flow_id: 0 to 255.
    Returns:
        n - k repair symbols of 3 + longest ADU bytes.
    Raises:
        ValueError: not k ADUs, an ADU too long, a flow ID out of its range.
    Source: RFC 6865 (ADU, ADUI, source block creation).
    """
    if len(adus) != code.k:
        raise ValueError(f"{len(adus)} ADUs; this code takes k={code.k}")
    longest = max(map(len, adus))
    if longest > MAX_ADU_BYTES:
        raise ValueError(f"an ADU of {longest} bytes; an ADUI holds at most {MAX_ADU_BYTES}")
    if not 0 <= flow_id <= 0xFF:
        raise ValueError(f"flow_id is {flow_id}; it must be in 0 to 255")
    size = _PREFIX.size + longest
    return code.encode([adui(adu, flow_id).ljust(size, b"\0") for adu in adus])[code.k :]


def restore(
    adus: Mapping[int, bytes], repair: Mapping[int, bytes], code: BlockCode, flow_id: int = 0
) -> list[bytes | None]:
    """The source packets of a block from what arrived of it.

    Args:
        adus: source packets that arrived, by ESI (0 to k-1).
        repair: repair symbols that arrived, by ESI (k to n-1).
        code, flow_id: those of the sender.
    Returns:
        k packets; None where one neither arrived nor is recovered.
    Raises:
        FecError: an ESI out of its range, repair symbols of unequal length or shorter than an ADU, or
            recovered ADUIs with another flow ID or an impossible length. Nothing else, whatever the bytes.
    """
    if any(not 0 <= esi < code.k for esi in adus) or any(not code.k <= esi < code.n for esi in repair):
        raise FecError(f"an encoding symbol ID is out of its range; k={code.k}, n={code.n}")
    known = [adus.get(esi) for esi in range(code.k)]
    if not repair or None not in known:
        return known
    sizes = {len(symbol) for symbol in repair.values()}
    longest = max((len(adu) for adu in adus.values()), default=0)
    if len(sizes) != 1 or min(sizes) < _PREFIX.size + longest or longest > MAX_ADU_BYTES:
        raise FecError(f"repair symbols of {sorted(sizes)} bytes cannot protect an ADU of {longest}")
    size = sizes.pop()
    symbols = {esi: adui(adu, flow_id).ljust(size, b"\0") for esi, adu in adus.items()} | dict(repair)
    decoded = code.decode(symbols)
    return [
        adu if adu is not None or symbol is None else open_adui(symbol, flow_id)
        for adu, symbol in zip(known, decoded, strict=True)
    ]


def adui(adu: bytes, flow_id: int = 0) -> bytes:
    """Flow ID, length and ADU, without padding."""
    return _PREFIX.pack(flow_id, len(adu)) + adu


def open_adui(symbol: bytes, flow_id: int = 0) -> bytes:
    """The ADU of an ADUI with any padding.

    Raises:
        FecError: another flow ID, or a length that does not fit.
    """
    if len(symbol) < _PREFIX.size:
        raise FecError(f"{len(symbol)} bytes; an ADUI has {_PREFIX.size} or more")
    flow, length = _PREFIX.unpack_from(symbol)
    if flow != flow_id or length > len(symbol) - _PREFIX.size:
        raise FecError(f"a recovered ADUI of {len(symbol)} bytes says flow {flow} and {length} bytes")
    return symbol[_PREFIX.size : _PREFIX.size + length]
