"""Packets over a radio link: transport blocks of LDPC and QAM, with so many channel uses per second."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.capacity import DEFAULT_QUEUE_S
from lossweep.channels.chance import Chance
from lossweep.channels.drop_tail import DropTailStage, Limit
from lossweep.channels.element import Element, Kind, PacketStage
from lossweep.channels.mcs import PAYLOAD_BYTES, SCHEMES, Mcs, best_mcs
from lossweep.channels.packets import Packet, Packets
from lossweep.channels.parameters import check_db, check_positive
from lossweep.channels.service import ConstantRate

LARGEST_PACKET_BYTES = 65_535
"""Of IPv4."""
DRAWN = 256


@dataclass(frozen=True, kw_only=True)
class LdpcPackets(Element):
    """A radio link that carries packets in transport blocks of 5G LDPC and QAM.

    An IP packet is cut into blocks of 125 bytes and a CRC; the last one is padded. Blocks are sent one after the
    other, each in the channel uses of its scheme; packets wait in a queue. A block fails with the measured block
    error rate of its scheme at the SNR (`channels/ldpc_bler.csv`). A packet is lost when one of its blocks fails, and
    its channel uses are spent. The link repeats nothing (no HARQ) and compresses no headers.

    With `coherence_time_s` the link has Rayleigh block fading: its gain is a function of the clock and changes after
    each such time; a block has the gain of the middle of its time.

    Attributes:
        snr_db: of a complex symbol; with fading the mean.
        symbols_per_s: complex channel uses per second, > 0. For a bandwidth ratio rho of pictures it is
            rho * 3 * height * width * frames per second.
        mcs: number of the scheme in `channels/mcs.py`, 0 to 9; None: the most efficient one whose blocks fail with at
            most 10 % over AWGN at `snr_db`.
        coherence_time_s: how long a fading gain stays, in seconds; at least the time of a block. None: AWGN.
        queue_s: a packet that would have to wait longer is dropped; > 0.
    Raises:
        ValueError: a parameter out of its range, naming it.
    Source: 3GPP TS 38.212 (LDPC); TS 38.214, 5.2.2.1 (10 %).
    """

    snr_db: float
    symbols_per_s: float
    mcs: int | None = None
    coherence_time_s: float | None = None
    queue_s: float = DEFAULT_QUEUE_S

    name: ClassVar[str] = "ldpc_packets"
    kind: ClassVar[Kind] = Kind.LOSS

    def __post_init__(self) -> None:
        check_db("snr_db", self.snr_db)
        check_positive("symbols_per_s", self.symbols_per_s, "channel uses per second")
        check_positive("queue_s", self.queue_s, "seconds")
        numbers = range(len(SCHEMES))
        if self.mcs is not None and (type(self.mcs) is not int or self.mcs not in numbers):
            raise ValueError(f"mcs is {self.mcs!r}; it must be a number from 0 to {numbers[-1]}")
        if self.coherence_time_s is not None:
            check_positive("coherence_time_s", self.coherence_time_s, "seconds")
            if self.coherence_time_s < self.block_s:
                raise ValueError(
                    f"coherence_time_s is {self.coherence_time_s:g}; a transport block of this link takes "
                    f"{self.block_s:.3g} s, and the gain must stay that long: raise coherence_time_s or symbols_per_s"
                )

    @cached_property
    def scheme(self) -> Mcs:
        """The modulation and coding scheme of all blocks."""
        return best_mcs(self.snr_db) if self.mcs is None else SCHEMES[self.mcs]

    @property
    def block_s(self) -> float:
        """Seconds that a transport block takes."""
        return self.scheme.symbols / self.symbols_per_s

    def blocks(self, size_bytes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Transport blocks of IP packets, int64 [packets]."""
        return -(-size_bytes // PAYLOAD_BYTES)

    def uses(self, size_bytes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Complex channel uses of IP packets, padding included, int64 [packets]."""
        return self.blocks(size_bytes) * self.scheme.symbols

    def expected_loss(self) -> float | None:
        """It depends on the sizes of the packets."""
        return None

    def delay_quantile(self, q: float) -> float | None:
        return None

    def start(self, chance: Chance, end_s: float) -> LdpcPacketsStage:
        return LdpcPacketsStage(self, chance)


class LdpcPacketsStage(PacketStage):
    """The link at work: a queue that counts transport blocks in place of bytes, then losses."""

    def __init__(self, link: LdpcPackets, chance: Chance) -> None:
        self._link = link
        self._chance = chance
        self._reader = chance.reader(1)
        self._queue = DropTailStage(ConstantRate(8.0 / link.block_s), Limit(wait_s=link.queue_s))
        self._fading = (
            None if link.coherence_time_s is None else Fading(link.coherence_time_s, chance.clock())
        )
        intact = 1.0 - float(link.scheme.block_error_rate(link.snr_db))
        most = LARGEST_PACKET_BYTES // PAYLOAD_BYTES + 1
        self._intact: NDArray[np.float64] = np.power(intact, np.arange(most + 1, dtype=np.float64))

    def leave_s(self, packets: Packets) -> NDArray[np.float64]:
        blocks = self._link.blocks(packets.size_bytes)
        left_s = self._queue.leave_s(replace(packets, size_bytes=blocks))
        lost = self._chance.uniforms(packets, 1)[:, 0] >= self._all_intact(blocks, left_s)
        return np.where(lost, np.nan, left_s)

    def leave_one_s(self, packet: Packet, now: float) -> float:
        blocks = self._link.blocks(np.array([packet.size_bytes]))
        left_s = self._queue.leave_one_s(replace(packet, size_bytes=int(blocks[0])), now)
        lost = self._reader.of(packet)[0] >= self._all_intact(blocks, np.array([left_s]))[0]
        return float("nan") if lost else left_s

    def _all_intact(self, blocks: NDArray[np.int64], left_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability that no block fails, float64 [packets]; any number where the queue dropped the packet."""
        if self._fading is None:
            return self._intact[blocks]
        link, intact = self._link, np.ones(len(blocks))
        for place in range(int(blocks.max(initial=0))):
            middle_s = left_s - (blocks - place - 0.5) * link.block_s
            snr_db = link.snr_db + self._fading.gain_db(middle_s)
            intact *= np.where(place < blocks, 1.0 - link.scheme.block_error_rate(snr_db), 1.0)
        return intact


class Fading:
    """Rayleigh block fading of the clock: powers are exponential with mean 1, and drawn as far as needed.

    Args:
        coherence_time_s: how long a gain stays.
        rng: of the clock, so that what is sent does not change the gains.
    """

    def __init__(self, coherence_time_s: float, rng: np.random.Generator) -> None:
        self._coherence_time_s = coherence_time_s
        self._rng = rng
        self._gain_db = np.empty(0)

    def gain_db(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Power gain in dB at times, float64 [times]; at nan that of time 0."""
        place = np.maximum(np.nan_to_num(time_s) / self._coherence_time_s, 0).astype(np.int64)
        while len(self._gain_db) <= place.max(initial=0):
            drawn = 10 * np.log10(self._rng.standard_exponential(DRAWN))
            self._gain_db = np.concatenate([self._gain_db, drawn])
        return self._gain_db[place]
