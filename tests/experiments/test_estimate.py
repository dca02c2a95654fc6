"""Estimates of a sweep's time grow with what the sweep has to do."""

from __future__ import annotations

from collections import Counter

import pytest

from lossweep.experiments.estimate import estimate
from lossweep.experiments.scenario_file import load
from lossweep.experiments.timings import remember

STAGES = Counter({"clip": 1.0, "encode": 3.0, "simulate": 0.5, "decode": 2.0, "psnr": 4.0, "pesq": 7.0})


def seconds(endpoint, **clip):
    data = {
        "name": "estimated",
        "clip": {"source": "portrait"} | clip,
        "endpoint": endpoint,
        "code": "none",
        "channel": {"name": "bernoulli", "loss_rate": [0, 0.1]},
        "metrics": ["psnr", "pesq"],
    }
    return estimate(load(data))[0]


@pytest.fixture(autouse=True)
def _earlier_sweep(tmp_path, monkeypatch):
    """A sweep of 10 cells of each endpoint, 1 s of 128x128 pictures at 25 per second."""
    monkeypatch.setenv("LOSSWEEP_CACHE", str(tmp_path))
    names = ("h264", "opus", "syncsc")
    remember({name: Counter(STAGES) for name in names}, dict.fromkeys(names, 10), 1.0, 25 * 128 * 128.0)


def test_what_works_on_pictures_takes_time_in_proportion_to_their_pixels():
    assert seconds({"name": "h264", "bpp": 0.05}, size=128) == pytest.approx(2 * 8 * 1.75)
    assert seconds({"name": "h264", "bpp": 0.05}, size=256) == pytest.approx(2 * 8 * (4 * 1.0 + 0.75))
    assert seconds({"name": "h264", "bpp": 0.05}, size=128, fps=50) == pytest.approx(2 * 8 * (2 * 1.0 + 0.75))


def test_sound_and_faces_of_one_size_do_not_depend_on_the_pictures():
    assert seconds({"name": "opus"}, size=512) == pytest.approx(2 * 8 * 1.75)
    assert seconds({"name": "syncsc"}, size=512) == pytest.approx(2 * 8 * 1.75)


def test_it_grows_with_the_length():
    long, short = (seconds({"name": "opus"}, seconds=s) for s in (4, 1))
    assert long == pytest.approx(4 * short)
