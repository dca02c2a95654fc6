"""What the network did with a stream: one line a packet, and nothing about codecs."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Delivery:
    """One line a packet of the stream, in the stream's order. All arrays have shape [packets].

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

    def table(self) -> pd.DataFrame:
        """The delivery as a table, a row a packet, columns as above."""
        columns = [f.name for f in fields(self) if f.name != "playout_delay_s"]
        return pd.DataFrame({name: getattr(self, name) for name in columns})
