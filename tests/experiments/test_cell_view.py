"""What the page shows of a cell is what its row of the table counts."""

from __future__ import annotations

import wave
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from lossweep.experiments.cell_view import BINS, STATES, view, waveform
from lossweep.experiments.page_data import as_json
from lossweep.experiments.recompute import replay
from lossweep.experiments.run import Settings, run_scenario
from lossweep.experiments.scenario_file import load
from lossweep.experiments.sweep import Sweep

BASE = {
    "name": "seen",
    "seed": 3,
    "clip": {"source": "portrait", "seconds": 1.2},
    "endpoint": {"name": "h264", "quantizer": 40, "gop": 8, "packetization": "rtp"},
    "channel": {"name": "bernoulli", "loss_rate": 0.2},
    "path": {"playout_delay_s": 0.3, "propagation_delay_s": 0.02},
    "metrics": ["ssim"],
    "plot": {"x": "loss_rate", "y": ["ssim"]},
}
CASES = {
    "open loop": {},
    "repair": {"code": {"name": "rs", "code_rate": 0.5}, "path": {"playout_delay_s": 0.4}},
    "too late": {"path": {"playout_delay_s": 0.05, "propagation_delay_s": 0.02, "jitter_s": 0.05}},
    "call with retransmission": {
        "call": {"nack": True, "reverse": {"name": "delay", "propagation_delay_s": 0.02}}
    },
}


@pytest.mark.parametrize("case", CASES)
def test_packets_and_frames_are_those_of_the_row(tmp_path, case):
    run_scenario(load(BASE | CASES[case]), tmp_path, Settings(workers=0))
    sweep = Sweep.read(tmp_path)
    row = sweep.table.iloc[0]
    shown = view(sweep, row["cell"], "title", replay(row["cell"], tmp_path), with_film=False)
    count = {state: shown.packets.state.count(i) for i, state in enumerate(STATES)}
    again = replay(row["cell"], tmp_path).delivery
    assert count["recovered"] == int(again.recovered.sum())
    assert count["lost"] == int((again.lost & ~again.recovered).sum())
    assert count["late"] == int((again.late & ~again.recovered).sum())
    if case != "call with retransmission":
        assert len(shown.packets.state) == row["packets_sent"]
        assert count["recovered"] == row["packets_repaired"]
    if case in ("repair", "call with retransmission"):
        assert count["recovered"] > 0
    if case == "too late":
        assert count["late"] > 0
    assert len(shown.outcomes) == 30
    assert sum(letter in "fg" for letter in shown.outcomes) == row["frames_dropped"]
    assert shown.packets.sent_ms == sorted(shown.packets.sent_ms)
    for state, delay in zip(shown.packets.state, shown.packets.delay_ms, strict=True):
        assert STATES[state] != "arrived" or delay >= 0
    as_json(asdict(shown))


def test_a_waveform_keeps_the_extremes():
    speech = np.zeros(16_000, np.float32)
    speech[8_000], speech[12_000] = 0.5, -0.9
    drawn = waveform(speech)
    assert (drawn.seconds, len(drawn.low), len(drawn.high)) == (1.0, BINS, BINS)
    assert max(drawn.high) == drawn.high[BINS // 2] == 50
    assert min(drawn.low) == drawn.low[3 * BINS // 4] == -90
    assert waveform(None) is None
    assert len(waveform(np.zeros(7, np.float32)).low) == 7


def test_a_clip_that_changed_is_not_shown_as_the_cells_own(tmp_path):
    from lossweep.endpoints.clip import ClipError

    rng = np.random.default_rng(1)
    clip = tmp_path / "voice.wav"
    _write(clip, rng)
    scenario = {"clip": {"source": str(clip)}, "endpoint": {"name": "opus"}, "metrics": ["stoi"]}
    run_scenario(load(BASE | scenario | {"plot": {"y": ["stoi"]}}), tmp_path / "out", Settings(workers=0))
    cell = pd.read_parquet(tmp_path / "out" / "table.parquet")["cell"].iloc[0]
    assert replay(cell, tmp_path / "out").clip.speech is not None
    _write(clip, rng)
    with pytest.raises(ClipError, match="no longer the clip"):
        replay(cell, tmp_path / "out")


def _write(path, rng):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((rng.standard_normal(16_000) * 3000).astype("<i2").tobytes())
