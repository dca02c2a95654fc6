"""Draws what the network was checked against: `python results/validation/validate.py [NS3_DIR]`.

NS3_DIR holds what `ns3_link.py` wrote; without it the comparison with ns-3 is left out. LOSSWEEP_DATA names the folder
with traces/lossgen.
"""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray
from scipy.stats import binom, ks_2samp

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.bursts_in_time import BurstsInTime
from lossweep.channels.capacity import Capacity
from lossweep.channels.chance import Chance
from lossweep.channels.codel import CodelStage
from lossweep.channels.delay import Delay
from lossweep.channels.drop_tail import Limit
from lossweep.channels.element import Element
from lossweep.channels.fit import burst_lengths, fit_gilbert, share_in_bursts
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.channels.hidden_markov import Chain
from lossweep.channels.loss_records import read_losses
from lossweep.channels.packets import Packets
from lossweep.channels.path import start
from lossweep.channels.service import ConstantRate
from lossweep.experiments.looks import COLOURS, SIZE
from lossweep.sim.pipeline import Pipeline

mpl.rcParams.update(SIZE | {"axes.prop_cycle": cycler(color=COLOURS)})
HERE = Path(__file__).parent
COUNT = 1_000_000
LAST_S = 80.5
"""Later packets of ns-3 may still be in the buffer of its capture file."""


def packets(times: NDArray[np.float64], size: int = 1000) -> Packets:
    number = np.arange(len(times))
    return Packets(number, number // 200, number % 200, np.full(len(times), size), times)


def arrivals(path: list[Element], sent: Packets, seed: int = 1) -> Packets:
    return Pipeline(start(path, seed=seed, repetition=0, end_s=0.0)).apply(sent)


def lost(model: Element, sent: Packets) -> NDArray[np.bool_]:
    found = np.ones(len(sent), dtype=bool)
    found[arrivals([model], sent).index] = False
    return found


def laws() -> list[str]:
    """Burst lengths of three loss models, a million packets each, against the exact law."""
    gap_s = 0.004
    sent = packets(np.arange(COUNT) * gap_s)
    chain = GilbertElliott(p=0.02, r=0.25, one_minus_h=0.85, one_minus_k=0.01)
    in_time = BurstsInTime(loss_rate=0.1, mean_burst_s=0.02)
    stays = 0.1 + 0.9 * math.exp(-gap_s / (0.02 * 0.9))
    exact = {
        "Bernoulli, 20 %": (Bernoulli(0.2), Chain(np.ones((1, 1)), np.array([0.2]))),
        "Gilbert-Elliott": (chain, Chain(np.array([[0.98, 0.02], [0.25, 0.75]]), np.array([0.01, 0.85]))),
        "bursts in time, 20 ms": (
            in_time,
            Chain(
                np.array([[1 - (1 - stays) / 9, (1 - stays) / 9], [1 - stays, stays]]), np.array([0.0, 1.0])
            ),
        ),
    }
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    lines = []
    for axes, (title, (model, law)) in zip(figure.subplots(1, 3, sharey=True), exact.items(), strict=True):
        found = lost(model, sent)
        lengths = burst_lengths(found)
        bars = np.arange(1, 31)
        axes.semilogy(bars, [np.mean(lengths == n) for n in bars], "o", label="simulated", markersize=4)
        axes.semilogy(bars, law.burst_lengths(30), "-", label="exact")
        axes.set(title=title, xlabel="packets in a run of losses", ylim=(1e-6, 1))
        lines.append(
            f"| {title} | {law.loss_rate:.5f} | {found.mean():.5f} | {mean(law):.4f} | {lengths.mean():.4f} |"
        )
    figure.axes[0].set_ylabel("share of runs")
    figure.axes[0].legend()
    figure.savefig(HERE / "burst_lengths.png", dpi=130)
    return lines


def mean(law: Chain) -> float:
    lengths = law.burst_lengths(5000)
    return float(lengths @ np.arange(1, len(lengths) + 1))


def repair() -> list[str]:
    """Residual loss of Reed-Solomon blocks against the binomial tail."""
    codes = ((10, 20), (10, 15), (32, 63), (4, 6))
    losses = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    lines = []
    for k, n in codes:
        exact = losses * binom.cdf(k - 1, n - 1, 1 - losses)
        simulated = []
        for loss in losses:
            gone = lost(Bernoulli(float(loss)), packets(np.arange(COUNT // n * n) * 0.001)).reshape(-1, n)
            simulated.append((gone[:, :k] * (gone.sum(axis=1) > n - k)[:, None]).mean())
        (line,) = axes.loglog(100 * losses, 100 * exact, "-", label=f"RS({n}, {k})")
        axes.loglog(100 * losses, 100 * np.array(simulated), "o", color=line.get_color())
        lines.append(f"| RS({n}, {k}) at 0.3 | {exact[4]:.6f} | {simulated[4]:.6f} |")
    axes.set(xlabel="packet loss rate / %", ylabel="loss after repair / %", ylim=(1e-4, 100))
    axes.set_xticks(100 * losses, [f"{100 * loss:g}" for loss in losses])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(alpha=0.25, lw=0.5)
    axes.legend(title="line: exact, dot: simulated", frameon=False)
    figure.savefig(HERE / "repair.png", dpi=130)
    return lines


def bursts() -> list[str]:
    """Reed-Solomon under bursts by packet steps and in time: the same mean loss and mean burst for no FEC."""
    loss, source_gap_s, lines = 0.05, 0.04, []
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    lengths = np.array([1.5, 2, 3, 4, 6, 8, 12])
    for k, n in ((10, 12), (10, 15), (10, 20)):
        gap_s = source_gap_s * k / n
        sent = packets(np.arange(COUNT // n * n) * gap_s)
        found: dict[str, list[float]] = {"steps": [], "time": []}
        for length in lengths:
            # Seen once per source packet, the chain of the clock has runs of this mean length.
            tau = -source_gap_s / math.log(1 - 1 / (length * (1 - loss)))
            models: dict[str, Element] = {
                "steps": GilbertElliott.from_burst(loss_rate=loss, mean_burst_length=float(length)),
                "time": BurstsInTime(loss_rate=loss, mean_burst_s=tau / (1 - loss)),
            }
            for name, model in models.items():
                gone = lost(model, sent).reshape(-1, n)
                found[name].append(float((gone[:, :k] * (gone.sum(axis=1) > n - k)[:, None]).mean()))
        in_time, in_steps = (100 * np.array(found[name]) for name in ("time", "steps"))
        (line,) = axes.semilogy(lengths, in_time, "o-", label=f"RS({n}, {k}), bursts in time")
        axes.semilogy(lengths, in_steps, "o--", color=line.get_color(), label=f"RS({n}, {k}), packet steps")
        for place in (1, 5):
            steps, time = found["steps"][place], found["time"][place]
            lines.append(
                f"| RS({n}, {k}), {lengths[place]:g} packets | {steps:.4f} | {time:.4f} | {time / steps:.1f} |"
            )
    axes.set(
        xlabel="mean burst, source packets of 40 ms",
        ylabel="loss after repair / %",
        title="packet loss of 5 %",
        ylim=(0.01, 10),
    )
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.legend(fontsize=8, frameon=False)
    axes.grid(alpha=0.25, lw=0.5)
    figure.savefig(HERE / "burst_in_time.png", dpi=130)
    return lines


def queues() -> list[str]:
    """Waiting in M/D/1, loss in M/M/1/K, CoDel's drops."""
    rng = np.random.default_rng(1)
    loads = np.array([0.2, 0.4, 0.6, 0.8, 0.9])
    waits, losses = [], []
    for load in loads:
        sent = packets(np.cumsum(rng.exponential(0.001 / load, COUNT)), 125)
        leave = Capacity(capacity_bps=1e6, queue_bytes=1e9).start(Chance(0, 0, 4), 0.0).leave_s(sent)
        waits.append(np.mean(leave - sent.time_s) - 0.001)
        sizes = np.maximum(1, rng.exponential(1e6, 200_000).round()).astype(np.int64)
        few = packets(np.cumsum(rng.exponential(1 / load, 200_000)))
        few = Packets(few.index, few.sbn, few.esi, sizes, few.time_s)
        losses.append(
            np.isnan(
                Capacity(capacity_bps=8e6, queue_packets=4).start(Chance(0, 0, 4), 0.0).leave_s(few)
            ).mean()
        )
    exact_wait = 0.001 * loads / (2 * (1 - loads))
    exact_loss = (1 - loads) * loads**5 / (1 - loads**6)
    number = np.arange(4000)
    overload = Packets(number, number, number * 0, np.full(4000, 125), number * (0.001 / 1.05))
    left = CodelStage(ConstantRate(1e6), Limit(packets=10_000)).apply(overload, math.inf)
    dropped = np.setdiff1d(number, left.index)
    gaps = np.diff(left.time_s[np.searchsorted(left.index, dropped)])[:20] * 1000
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    one, two, three = figure.subplots(1, 3)
    one.plot(loads, exact_wait * 1000, "-", label="exact")
    one.plot(loads, np.array(waits) * 1000, "o", label="simulated")
    one.set(title="M/D/1", xlabel="load", ylabel="mean wait / ms")
    one.legend(frameon=False)
    two.semilogy(loads, 100 * exact_loss, "-", loads, 100 * np.array(losses), "o")
    two.set(title="M/M/1/5", xlabel="load", ylabel="loss / %")
    two.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    count = np.arange(1, len(gaps) + 1)
    three.plot(count, 100 / np.sqrt(count), "-", count, gaps, "o")
    three.set(title="CoDel in overload", xlabel="drops", ylabel="time to the next drop / ms")
    figure.savefig(HERE / "queues.png", dpi=130)
    return [
        *(
            f"| M/D/1, mean wait at load {rho} | {e * 1000:.4f} ms | {w * 1000:.4f} ms |"
            for rho, e, w in zip(loads, exact_wait, waits, strict=True)
        ),
        *(
            f"| M/M/1/5, loss at load {rho} | {e:.6f} | {q:.6f} |"
            for rho, e, q in zip(loads, exact_loss, losses, strict=True)
        ),
    ]


def lossgen() -> list[str]:
    """Statistics of recorded call losses, and what a simple Gilbert channel of the same mean makes of them."""
    folder = Path(os.environ.get("LOSSWEEP_DATA", "")) / "traces" / "lossgen"
    lines = []
    for percent in ("01", "02", "05", "10", "20", "30", "50") if folder.is_dir() else ():
        trace = read_losses(str(folder / f"lossgen_{percent}pct_100k.txt.gz")).lost
        simple = fit_gilbert(trace).chain
        lines.append(
            f"| {int(percent)} % | {burst_lengths(trace).mean():.2f} | {share_in_bursts(trace, 5):.1%} "
            f"| {simple.share_in_bursts(5):.1%} |"
        )
    return lines


def ns3(folder: Path) -> list[str]:
    """The same traffic through ns-3 and through lossweep: delays of the queue, losses of the error model."""
    lines = []
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    one, two = figure.subplots(1, 2)
    for name, delay_s, rate, queue in (("queue", 0.01, 1e6, 6), ("loss", 0.02, 1e8, 10_000)):
        table = pd.read_csv(folder / f"ns3_{name}.csv")
        table = table[table["sent_s"] < LAST_S]
        every = planned()
        keys = pd.MultiIndex.from_frame(every[["client", "number"]])
        sent = packets(every["sent_s"].to_numpy(), 500)
        losses: list[Element] = [Bernoulli(0.05)] if name == "loss" else []
        got = arrivals([Capacity(capacity_bps=rate, queue_packets=queue), Delay(delay_s), *losses], sent)
        ours = pd.Series(got.time_s - sent.time_s[got.index], index=keys[got.index])
        theirs = pd.Series(
            (table["received_s"] - table["sent_s"]).to_numpy(),
            index=pd.MultiIndex.from_frame(table[["client", "number"]]),
        )
        test = ks_2samp(ours.round(9), theirs.round(9))  # ns-3 counts nanoseconds
        both = ours.index.intersection(theirs.index)
        apart = (ours[both] - theirs[both]).abs().max()
        shares = 1 - len(ours) / len(every), 1 - len(theirs) / len(every)
        lines.append(
            f"| {name} | {shares[0]:.4f} | {shares[1]:.4f} | {test.statistic:.5f} | {test.pvalue:.3f} "
            f"| {len(both)} | {apart * 1e6:.3f} |"
        )
        if name == "queue":
            for delays, title, style in ((ours, "lossweep", "-"), (theirs, "ns-3", "--")):
                one.plot(np.sort(delays) * 1000, np.linspace(0, 1, len(delays)), style, label=title)
            one.set(title="queue of 6 packets, 1 Mbit/s", xlabel="delay / ms", ylabel="share of packets")
        else:
            for arrived, title, style in ((ours.index, "lossweep", "o-"), (theirs.index, "ns-3", "s--")):
                length, runs_of = np.unique(burst_lengths(~keys.isin(arrived)), return_counts=True)
                two.semilogy(length, runs_of / runs_of.sum(), style, label=title)
            two.semilogy(
                range(1, 5), [0.95 * 0.05 ** (n - 1) for n in range(1, 5)], "k:", label="geometric law"
            )
            runs = [burst_lengths(~keys.isin(index)) for index in (ours.index, theirs.index)]
            test = ks_2samp(*runs)
            lines.append(f"| loss: runs of losses | | | {test.statistic:.5f} | {test.pvalue:.3f} | | |")
            two.set(title="error model of 5 %", xlabel="packets in a run of losses", ylabel="share of runs")
            two.set_xticks(range(1, 5))
    one.legend()
    two.legend()
    figure.savefig(HERE / "ns3.png", dpi=130)
    return lines


def planned() -> pd.DataFrame:
    """The traffic of ns3_link.py, in order of time: client, number, sent_s."""
    from ns3_traffic import INTERVALS_US, SECONDS

    parts = []
    for client, interval_us in enumerate(INTERVALS_US):
        number = np.arange(SECONDS * 1_000_000 // interval_us)
        sent_us = 1_000_000 + 137 * client + number * interval_us
        parts.append(pd.DataFrame({"client": client, "number": number, "sent_s": sent_us / 1e6}))
    every = pd.concat(parts).sort_values(["sent_s", "client"], kind="stable").reset_index(drop=True)
    return every[every["sent_s"] < LAST_S]


def table(head: str, lines: list[str]) -> str:
    columns = head.count("|") - 1
    return "\n".join([head, "|" + "---|" * columns, *lines])


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    page = (HERE / "page.md").read_text()
    values = {
        "laws": table("| model | loss, exact | simulated | mean burst, exact | simulated |", laws()),
        "repair": table("| code and loss | exact | simulated |", repair()),
        "bursts": table("| code and mean burst | packet steps | in time | ratio |", bursts()),
        "queues": table("| queue | exact | simulated |", queues()),
        "lossgen": table(
            "| lossgen | mean burst | losses in bursts >= 5 | simple Gilbert of the same mean |", lossgen()
        ),
        "ns3": "Not run."
        if folder is None
        else table(
            "| path | loss, lossweep | loss, ns-3 | KS distance | p | packets that both delivered | largest "
            "difference of their delay, us |",
            ns3(folder),
        ),
    }
    (HERE / "README.md").write_text(page.format(**values))


if __name__ == "__main__":
    main()
