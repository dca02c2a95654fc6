"""Small made-up sweeps for the tests of plots and reports: every value of the table is known."""

from __future__ import annotations

import itertools
import json

import pandas as pd
import yaml

from lossweep.experiments.cli import main
from lossweep.experiments.curves import panels
from lossweep.experiments.figure import draw
from lossweep.experiments.sweep import Sweep

LOSSES = (0.0, 0.05, 0.1, 0.3)
FRAMES = 50


def manifest(**scenario):
    """A manifest of two video codecs and Opus with and without Reed-Solomon over independent loss."""
    base = {
        "name": "made_up",
        "description": "made up",
        "clip": [{"source": "portrait", "fps": 25.0}],
        "endpoint": [
            {"name": "h264", "bpp": 0.03, "gop": 16},
            {"name": "av1", "bpp": 0.03, "gop": 16},
            {"name": "opus", "bitrate": 16000},
        ],
        "code": [{"name": "none"}, {"name": "rs", "code_rate": 0.5}],
        "channel": [{"name": "bernoulli", "loss_rate": loss} for loss in LOSSES],
        "path": [{"playout_delay_s": 0.15}],
        "metrics": ["ssim", "lpips", "pesq"],
        "plot": {"x": "loss_rate", "y": ["ssim", "lpips", "pesq", "post_repair_loss"], "facet": []},
        "report": {"loss_rate": 0.1},
    }
    return {
        "scenario_name": "made_up",
        "scenario": base | scenario,
        "seeds": {"scenario": 1, "repetitions": 3},
        "metrics": {
            "ssim": {"label": "SSIM (luma)", "higher_is_better": True, "columns": ["ssim"]},
            "lpips": {"label": "LPIPS (squeeze)", "higher_is_better": False, "columns": ["lpips"]},
            "pesq": {"label": "PESQ (wideband)", "higher_is_better": True, "columns": ["pesq"]},
        },
        "clips": {"portrait": {"frames": FRAMES, "fps": 25.0, "video_hash": "0", "speech_hash": "0"}},
        "versions": {"lossweep": "0"},
        "git_commit": "",
        "weights": {},
        "absent": {},
        "cells": 0,
    }


def row(endpoint, code, loss, repetition, clip="portrait", **more):
    """One row: quality falls with the loss that is left, twice as fast without repair, and with the pattern's luck."""
    rs = code == "rs"
    speech = endpoint == "opus"
    left = loss * (0.2 if rs else 1.0) * (1 + 0.2 * (repetition - 1))
    name = "opus-16000" if speech else endpoint
    quality = (
        {"pesq": 4.0 - 3 * left}
        if speech
        else {
            "ssim": 0.9 - left,
            "lpips": 0.1 + left,
            "frames_dropped": round(FRAMES * min(2 * left, 1)),
            "total_freezes_duration": 0.0,
            "freeze_count": 0,
        }
    )
    return {
        "cell": f"{endpoint}{code}{loss}{repetition}{clip}{sorted(more.items())}",
        "clip": clip,
        "endpoint": f"{name}-rs-0.5" if rs else f"{name}-none",
        "codec": name,
        "code": code,
        "code_rate": 0.5 if rs else 1.0,
        "channel": "bernoulli",
        "loss_rate": loss,
        "repetition": repetition,
        "seed": 1,
        "packets_sent": 200,
        "packets_lost": round(200 * loss),
        "packets_late": 0,
        "packets_repaired": round(80 * loss) if rs else 0,
        "realised_loss": loss,
        "discard_rate": 0.0,
        "post_repair_loss": left,
        "payload_bps": 100_000.0 if rs else 50_000.0,
        "wire_bps": 130_000.0 if rs else 65_000.0,
        "end_to_end_delay_s": 0.15,
        **quality,
        **more,
    }


def table(repetitions=3, clips=("portrait",), losses=LOSSES, endpoints=("h264", "av1", "opus"), **more):
    """A table of `manifest`, one row per cell."""
    axes = itertools.product(clips, endpoints, ("none", "rs"), losses, range(repetitions))
    return pd.DataFrame([row(e, c, p, r, clip, **more) for clip, e, c, p, r in axes])


def folder(path, rows, said):
    """Writes a finished sweep into a folder."""
    path.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(path / "table.parquet", index=False)
    (path / "manifest.json").write_text(json.dumps(said))
    (path / "failures.json").write_text("[]")
    return path


def figure_of(sweep, x, y, facet=()):
    """Panels of a sweep, and the figure that is drawn of them."""
    found = panels(sweep, x, y, facet)
    return found, draw(found, sweep.column(x), sweep.column(y), "caption")


def lines_of(axis):
    """The curves of an axis by the identifier of what they show."""
    return {line.get_gid(): line for line in axis.lines if not str(line.get_gid()).startswith("_")}


RATES = (0.01, 0.02, 0.03, 0.04, 0.05)


def ten_curves():
    """Table and manifest of two codecs at five rates, two repetitions."""
    cells = [
        (codec, rate, loss, r)
        for codec in ("h264", "av1")
        for rate in RATES
        for loss in LOSSES
        for r in (0, 1)
    ]
    rows = [row(codec, "none", loss, r, target_bpp=rate) for codec, rate, loss, r in cells]
    said = manifest(
        endpoint=[{"name": c, "bpp": b} for c in ("h264", "av1") for b in RATES], code=[{"name": "none"}]
    )
    return pd.DataFrame(rows), said


def rates_of(bpp):
    """H.264 alone at two rates that differ in quality by 0.06, without chance: the case that was pooled once."""
    rows = [
        row("h264", "none", loss, r, target_bpp=rate) | {"ssim": 0.919 + 0.063 * (rate == bpp[1])}
        for rate in bpp
        for loss in LOSSES
        for r in range(3)
    ]
    said = manifest(
        endpoint=[{"name": "h264", "bpp": rate, "gop": 16} for rate in bpp], code=[{"name": "none"}]
    )
    return Sweep.of(pd.DataFrame(rows), said)


def small_sweep(folder, name):
    """A sweep of 6 cells that is run into `folder`/out: SSIM of 0.4 s of H.264 at two losses, three patterns."""
    scenario = {
        "name": name,
        "repetitions": 3,
        "clip": {"source": "portrait", "seconds": 0.4},
        "endpoint": {"name": "h264", "quantizer": 45, "gop": 5},
        "channel": {"name": "bernoulli", "loss_rate": [0, 0.2]},
        "metrics": ["ssim"],
        "plot": {"x": "loss_rate", "y": ["ssim"]},
    }
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(scenario))
    assert main(["run", str(folder / f"{name}.yaml"), "--out", str(folder / "out"), "--workers", "1"]) == 0
    return folder / "out"
