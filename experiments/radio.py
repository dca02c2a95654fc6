"""Cells whose endpoint sends symbols over a physical channel, and channel uses of packets over a radio link."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.ldpc_packets import LdpcPackets
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
    return {
        **parameter_columns({**cell.parameters(), "channel": cell.channel.settings()}),
        **encoded.columns,
        "channel": cell.channel.name,
        "snr_est_db": channel.snr_est_db,
        **_uses(encoded.uses, len(clip.video) / clip.fps, clip),
    }


def packet_columns(cell: Cell, size_bytes: NDArray[np.int64], duration_s: float, clip: Clip) -> Row:
    """What packets cost over a radio link; nothing where the path has none, or several.

    Args:
        size_bytes: of all IP packets that were sent. Those that the link's queue drops count as the others.
        duration_s: of the media.
    """
    network = cell.channel.make(cell.path.propagation_delay_s, cell.path.jitter_s)
    links = [one for one in network.elements if isinstance(one, LdpcPackets)]
    if len(links) != 1:
        return {}
    (link,) = links
    return {"scheme": link.scheme.index, **_uses(int(link.uses(size_bytes).sum()), duration_s, clip)}


def _uses(uses: int, duration_s: float, clip: Clip) -> Row:
    colours = (
        None if clip.video is None else 3 * len(clip.video) * clip.video[0].shape[0] * clip.video[0].shape[1]
    )
    return {
        "channel_uses": uses,
        "rho_used": None if colours is None else uses / colours,
        "symbol_rate": uses / duration_s,
    }
