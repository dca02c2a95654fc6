"""What the network did with a stream: one row per packet, and nothing about codecs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.packets import Packets
from lossweep.sim.stream import Stream

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Arrival:
    """One packet as it came out of the network.

    Attributes:
        data: RTP header and payload, as they arrived.
        arrived_s: receiver's clock, which is the sender's media clock.
    """

    data: bytes
    arrived_s: float


@dataclass(frozen=True)
class Delivery:
    """One row per packet of the stream, in the stream's order. All arrays have shape [packets].

    Attributes:
        sbn, esi: int64; source block number and encoding symbol ID.
        source: bool; esi < k.
        size_bytes: int64; RTP header and payload.
        sent_s, arrived_s: float64; `arrived_s` is nan where the packet was lost.
        lost: bool; the path dropped it.
        late: bool; it arrived, but after its deadline (media time + playout delay).
        recovered: bool; source packets only: not there in time itself, but repaired in time.
        usable: bool; there in time for playout, by itself or by repair.
        playout_delay_s: the wait between capture and display.
        datagrams: what came out of the path, in order of arrival, if the path duplicated packets or inverted bits;
            None: every packet that arrived, once and unchanged.
    """

    sbn: NDArray[np.int64]
    esi: NDArray[np.int64]
    source: NDArray[np.bool_]
    size_bytes: NDArray[np.int64]
    sent_s: NDArray[np.float64]
    arrived_s: NDArray[np.float64]
    lost: NDArray[np.bool_]
    late: NDArray[np.bool_]
    recovered: NDArray[np.bool_]
    usable: NDArray[np.bool_]
    playout_delay_s: float
    datagrams: Packets | None = None

    def arrivals(self, stream: Stream) -> tuple[Arrival, ...]:
        """The packets that arrived, late ones and duplicates included, in order of arrival.

        Args:
            stream: what was sent; this delivery is about it.
        """
        if self.datagrams is not None:
            rows = zip(self.datagrams.rows(), self.datagrams.time_s.tolist(), strict=True)
            return tuple(
                Arrival(flip(stream.packets[row.index], row.flipped_bit), time_s) for row, time_s in rows
            )
        order = np.argsort(self.arrived_s, kind="stable")
        there = order[: np.count_nonzero(~np.isnan(self.arrived_s))]
        return tuple(Arrival(stream.packets[i], float(self.arrived_s[i])) for i in there)

    def table(self) -> pd.DataFrame:
        """The delivery as a table, one row per packet, columns as above."""
        import pandas as pd

        columns = [f.name for f in fields(self) if f.name not in ("playout_delay_s", "datagrams")]
        return pd.DataFrame({name: getattr(self, name) for name in columns})


def flip(data: bytes, bit: int) -> bytes:
    """The bytes with one bit inverted, counted from the first byte's highest; none where `bit` is negative."""
    if bit < 0:
        return data
    changed = bytearray(data)
    changed[bit // 8] ^= 0x80 >> bit % 8
    return bytes(changed)
