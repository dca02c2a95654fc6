"""Measures block error rates of 5G LDPC codes with QAM over AWGN, with Sionna (pip install lossweep[phy]).

    python results/ldpc/measure.py            # writes channels/ldpc_bler.csv, about 10 CPU minutes

Blocks of 1,024 information bits, 20 iterations of belief propagation. An SNR is measured until 60 blocks have failed or
600 were sent; each scheme from where all blocks fail to where fewer than 1 in 100 does.
"""

from __future__ import annotations

import csv

import numpy as np
import torch
from sionna.phy.channel import AWGN
from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder
from sionna.phy.mapping import Demapper, Mapper

from lossweep.channels.mcs import BLOCK_BITS, SCHEMES, TABLE, Mcs

STEP_DB = 0.25
BATCH, FAILED, MOST = 50, 60, 600
ITERATIONS = 20


class Link:
    """Encoder, modulation, channel and decoder of one scheme."""

    def __init__(self, mcs: Mcs) -> None:
        kind = "pam" if mcs.bits == 1 else "qam"
        self.encoder = LDPC5GEncoder(BLOCK_BITS, mcs.coded_bits, num_bits_per_symbol=mcs.bits)
        self.decoder = LDPC5GDecoder(self.encoder, num_iter=ITERATIONS, hard_out=True, return_infobits=True)
        self.mapper, self.demapper = Mapper(kind, mcs.bits), Demapper("app", kind, mcs.bits)
        self.channel = AWGN()

    @torch.inference_mode()
    def failures(self, snr_db: float, blocks: int, generator: torch.Generator) -> int:
        """How many of some blocks fail."""
        bits = torch.randint(0, 2, (blocks, BLOCK_BITS), generator=generator).float()
        variance = torch.tensor(10 ** (-snr_db / 10))
        received = self.channel(self.mapper(self.encoder(bits)), variance)
        decoded = self.decoder(self.demapper(received, variance))
        return int((decoded != bits).any(1).sum())


def main() -> None:
    """Writes the table."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    generator = torch.Generator().manual_seed(1)
    rows = []
    for mcs in SCHEMES:
        link = Link(mcs)
        efficiency = BLOCK_BITS / mcs.symbols
        snr_db = round(4 * 10 * np.log10(2**efficiency - 1)) / 4
        rate = 1.0
        while rate > 1 / 100:
            sent = failed = 0
            while failed < FAILED and sent < MOST:
                failed += link.failures(snr_db, BATCH, generator)
                sent += BATCH
            rate = failed / sent
            rows.append((mcs.index, mcs.bits, round(mcs.code_rate, 4), snr_db, sent, failed, rate))
            print(*rows[-1], flush=True)
            snr_db += STEP_DB
    with TABLE.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["mcs", "bits", "code_rate", "snr_db", "blocks", "failed", "bler"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
