"""`lossweep fit`: what a recorded loss pattern is like, and the scenario lines that come near it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from lossweep.channels.errors import OptionError
from lossweep.channels.fit import LONG_BURST, Fit, LossFits, burst_lengths, fit_losses, share_in_bursts
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.channels.loss_records import LossSequence, read_losses
from lossweep.channels.netem import tc_commands

LONGEST_BAR = 12


def report_fit(
    file: str, out: Path | None, packet_interval_s: float | None = None, ssrc: int | None = None
) -> str:
    """Fits loss models to a trace or capture; with a folder, draws the histograms and writes the hidden-state model.

    Args:
        file: what `read_losses` reads, a record of packets.
        out: folder for burst_lengths.png and, where it is needed, hidden_markov.json; None writes nothing.
        packet_interval_s: if known, the lines for bursts in time are given too.
        ssrc: which RTP stream of a capture.
    Returns:
        Lines for the screen.
    Raises:
        TraceError: the file cannot be read.
        OptionError: a record of loss fractions, or too few losses.
    """
    record = read_losses(file, ssrc)
    if not isinstance(record, LossSequence):
        raise OptionError(
            f"{file} holds loss fractions by time; a fit needs a record of packets (or a capture)"
        )
    try:
        fits = fit_losses(record.lost)
    except ValueError as error:
        raise OptionError(f"{file}: {error}") from None
    lines = _described(fits)
    pair = fits.gilbert_elliott.chain
    element = GilbertElliott(
        p=round(float(pair.transitions[0, 1]), 6),
        r=round(float(pair.transitions[1, 0]), 6),
        one_minus_h=round(float(pair.loss[1]), 6),
        one_minus_k=round(float(pair.loss[0]), 6),
    )
    lines += ["", "Scenario, as recorded (steps once per packet):", f"  channel: {{{_options(element)}}}"]
    if packet_interval_s:
        mean_burst_s = burst_lengths(record.lost).mean() * packet_interval_s
        rate = f"loss_rate: {record.loss_rate:.6g}, mean_burst_s: {mean_burst_s:.4g}"
        lines += ["Scenario, with the same mean loss and mean burst in time:"]
        lines += [f"  channel: {{name: gilbert_elliott, {rate}}}"]
    lines += ["netem:", *(f"  {line}" for line in tc_commands([element]))]
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        lines += ["", f"Histogram of burst lengths: {_draw(fits, out / 'burst_lengths.png')}"]
    if fits.hidden is None:
        return "\n".join(lines)
    lines += [
        "",
        "The Gilbert-Elliott model fits badly: it puts other shares of the losses into long bursts.",
    ]
    if out is None:
        lines += ["With --out DIR a model with more hidden states is written, and the line that uses it."]
    else:
        model = out / "hidden_markov.json"
        chain = fits.hidden.chain
        model.write_text(
            json.dumps({"transitions": chain.transitions.tolist(), "loss": chain.loss.tolist()}, indent=1),
            encoding="utf-8",
        )
        lines += [f"A model of {len(chain.loss)} hidden states fits better:"]
        lines += [f"  channel: {{name: hidden_markov, file: {model}}}"]
    return "\n".join(lines)


def _described(fits: LossFits) -> list[str]:
    lost, lengths = fits.lost, burst_lengths(fits.lost)
    head = f"{'':<24}{'loss':>8}{'mean burst':>12}{'in bursts >= 5':>16}{'BIC':>12}"
    recorded = f"{'recorded':<24}{lost.mean():>8.2%}{lengths.mean():>12.3f}{share_in_bursts(lost, LONG_BURST):>16.1%}"
    lines = [
        f"{len(lost)} packets, {np.count_nonzero(lost)} lost in {len(lengths)} bursts, longest {lengths.max()}"
    ]
    lines += [
        head,
        recorded,
        _row("simple Gilbert", fits.gilbert, fits),
        _row("Gilbert-Elliott", fits.gilbert_elliott, fits),
    ]
    if fits.hidden is not None:
        lines.append(_row(f"{len(fits.hidden.chain.loss)} hidden states", fits.hidden, fits))
    return lines


def _row(title: str, fit: Fit, fits: LossFits) -> str:
    chain = fit.chain
    lengths = chain.burst_lengths(10_000)
    mean = float(lengths @ np.arange(1, len(lengths) + 1))
    share = chain.share_in_bursts(LONG_BURST)
    note = "" if fits.fits(fit) else "  fits badly"
    return (
        f"{title:<24}{chain.loss_rate:>8.2%}{mean:>12.3f}{share:>16.1%}{fit.bic(len(fits.lost)):>12.0f}{note}"
    )


def _options(element: GilbertElliott) -> str:
    values = {
        "p": element.p,
        "r": element.r,
        "one_minus_h": element.one_minus_h,
        "one_minus_k": element.one_minus_k,
    }
    return ", ".join(["name: gilbert_elliott", *(f"{name}: {value:g}" for name, value in values.items())])


def _draw(fits: LossFits, file: Path) -> Path:
    from matplotlib.figure import Figure

    lengths = burst_lengths(fits.lost)
    bars = np.arange(1, LONGEST_BAR + 1)
    shares = {"recorded": np.array([np.mean(lengths == n) for n in bars])}
    models = {"simple Gilbert": fits.gilbert, "Gilbert-Elliott": fits.gilbert_elliott}
    if fits.hidden is not None:
        models[f"{len(fits.hidden.chain.loss)} hidden states"] = fits.hidden
    shares |= {title: fit.chain.burst_lengths(LONGEST_BAR) for title, fit in models.items()}
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(shares)
    for place, (title, share) in enumerate(shares.items()):
        axes.bar(bars + (place - (len(shares) - 1) / 2) * width, share, width, label=title)
    axes.set(xlabel="packets in a run of losses", ylabel="share of runs", yscale="log", ylim=(1e-5, 1.2))
    axes.set_xticks(bars)
    axes.legend()
    figure.savefig(file, dpi=150)
    return file
