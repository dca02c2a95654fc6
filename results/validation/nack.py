"""Residual loss after retransmission against the measured table and the exact law: nack.md.

The network of the table: a packet every 10 ms, 5 % loss (independent, or bursts of 30 and 80 ms), a gap that is seen
10 ms later, feedback that is never lost.

    LOSSWEEP_DATA=DIR python results/validation/nack.py OUT
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests/sim/call"))
from nack_anchor import residuals
from test_nack import law

MEASURED = 40_000
BURSTS = {"iid": None, "bursts of mean 30 ms": 0.03, "bursts of mean 80 ms": 0.08}
LINE = re.compile(r"loss \.05 (.+) RTT (\d+) (.+)")


def main(out: Path) -> None:
    """Simulates every cell of the table."""
    lines = [
        "| loss | RTT / ms | slack / ms | measured table | exact law | simulated |",
        "|---|---|---|---|---|---|",
    ]
    table = Path(os.environ["LOSSWEEP_DATA"]) / "anchors/nack_residual.txt"
    for line in table.read_text().splitlines():
        found = LINE.match(line)
        if found is None:
            continue
        kind, rtt, cells = found.groups()
        burst_s, rtt_s = BURSTS[kind], int(rtt) / 1000
        entries = re.findall(r"(\d+) ms: ([\d.]+)", cells)
        slacks_s = [int(slack) / 1000 for slack, _ in entries]
        simulated = residuals(rtt_s, slacks_s, burst_s, MEASURED)
        for (slack, value), slack_s, share in zip(entries, slacks_s, simulated, strict=True):
            exact = law(rtt_s, slack_s, burst_s)
            lines.append(f"| {kind} | {rtt} | {slack} | {value} | {exact:.4f} | {share:.4f} |")
    (out / "nack.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
