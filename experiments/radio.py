"""Cells whose endpoint sends symbols over a physical channel."""

from __future__ import annotations

from lossweep.channels.physical import PhysicalChannel
from lossweep.endpoints.clip import Clip
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.jscc.contract import EncodedSymbols, Reception, SymbolEndpoint, transmit
from lossweep.experiments.cell import Cell
from lossweep.experiments.columns import parameter_columns
from lossweep.experiments.result import Row


def channel_of(cell: Cell) -> PhysicalChannel:
    """The physical channel of a cell.

    Raises:
        ValueError: the cell's channel carries packets.
    """
    channel = cell.channel.physical()
    if channel is None:
        raise ValueError(
            f"endpoint {cell.endpoint_name} sends symbols, and channel {cell.channel.name} carries packets"
        )
    return channel


def encoding_key(cell: Cell) -> str:
    """Cells with equal keys send the same: clip, endpoint, kind of channel, and the SNR that the sender believes."""
    channel = channel_of(cell)
    parts = (cell.clip.model_dump_json(), cell.endpoint.model_dump_json())
    return "\n".join((*parts, channel.name, repr(channel.believed_db)))


def encode(cell: Cell, clip: Clip, device: str) -> tuple[SymbolEndpoint, EncodedSymbols[object]]:
    """The endpoint of a cell, and what it sends."""
    endpoint: SymbolEndpoint = ENDPOINTS.get(cell.endpoint_name)(cell.endpoint, cell.code.make(), device)
    return endpoint, endpoint.encode(clip, channel_of(cell))


def transmitted(cell: Cell, encoded: EncodedSymbols[object]) -> tuple[Reception, ...]:
    """What the receiver has."""
    return transmit(encoded.transmissions, channel_of(cell), cell.seed, cell.repetition)


def columns(cell: Cell, encoded: EncodedSymbols[object], clip: Clip) -> Row:
    """What the table holds of a cell beside what was measured."""
    channel = channel_of(cell)
    assert clip.video is not None
    height, width = clip.video[0].shape[:2]
    return {
        **parameter_columns({**cell.parameters(), "channel": cell.channel.settings()}),
        **encoded.columns,
        "channel": cell.channel.name,
        "snr_est_db": channel.snr_est_db,
        "channel_uses": encoded.uses,
        "rho_used": encoded.uses / (3 * height * width * len(clip.video)),
        "symbol_rate": encoded.uses * clip.fps / len(clip.video),
    }
