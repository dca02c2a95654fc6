"""pacsc-s: any four of eight packets give the block back, fewer the conditional mean and nothing against it."""

from itertools import combinations

import numpy as np
import pytest
from face_rows import estimate, make, received
from hypothesis import given
from hypothesis import strategies as st

from lossweep.endpoints.syncsc.codes.interleaving import WINDOW
from lossweep.endpoints.syncsc.codes.measurements import Measurements
from lossweep.endpoints.syncsc.codes.motion import Motion, covariance_of
from lossweep.endpoints.syncsc.codes.parity import COARSE, KNEE, STEP, VARIANCE, from_wire, rows_of, to_wire
from lossweep.endpoints.syncsc.semantics import STEP as GRID
from lossweep.experiments.training.codes.pacsc_s import channel


def motion(frames: int, seed: int = 0) -> np.ndarray:
    """Slow smooth numbers about a place of their own, on the grid that is sent."""
    random = np.random.default_rng(seed)
    speed = np.convolve(random.normal(0, 0.05, 16 * (frames + 9)), np.ones(10), "valid")[: 16 * frames]
    x = random.normal(0, 0.5, 16) + np.cumsum(speed.reshape(16, frames).T, 0) * 0.5
    x = 1.5 * np.tanh(x / 1.5)
    return (np.round(x / GRID) * GRID).astype(np.float32)


def rmse(name: str, sent: np.ndarray, lost: np.ndarray, *arguments: float) -> float:
    shown = estimate(make(name, *arguments), sent, ~lost).coefficients
    return float(np.sqrt(np.square(shown - sent).mean()))


def test_any_four_packets_give_the_block_back():
    sent, exact = motion(8), []
    for four in combinations(range(8), 4):
        lost = np.ones(8, bool)
        lost[list(four)] = False
        error = rmse("pacsc-s", sent, lost)
        assert error < 2 * GRID, four
        exact.append(error == 0)
    assert np.mean(exact) > 0.7


@pytest.mark.parametrize("burst", [1, 4])
@pytest.mark.parametrize("loss", [0.3, 0.6, 0.8])
def test_better_than_reed_solomon_and_a_line(loss, burst):
    errors = []
    for seed in range(4):
        sent = motion(400, seed)
        lost = channel(loss, burst).sample(400, np.random.default_rng(seed))
        errors.append([rmse(name, sent, lost, 0.5, 4, 8) for name in ("pacsc-s", "rs")])
    ours, theirs = np.mean(errors, 0)
    assert ours <= 0.8 * theirs


def test_windows_hold_the_conditional_mean():
    """Against conditioning written out: all numbers and measurements jointly Gaussian, one number at a time."""
    known, code, sent = Motion.load(), make("pacsc-s", 0.5, 2), motion(16, 1)
    payloads = received(code, sent, np.random.default_rng(2).random(32) < 0.3)
    values = [
        [
            None if p is None else np.frombuffer(p, ">f2").astype(float) if i < 4 else from_wire(p)
            for i, p in enumerate(b)
        ]
        for b in payloads
    ]
    reference = sent[0] + 0.25
    measurements = Measurements.from_rows(values, code.layout, known, reference)
    mean = measurements.windows(np.array([3]), known).mean[0].numpy()
    rows = rows_of(known.parity[0.5]).numpy()
    for number in (0, 6, 9):
        measured, seen = [np.eye(17)[0]], [reference[number]]
        for (block, esi), value in np.ndenumerate(np.array(values, object)):
            if value is not None:
                row = np.zeros(17)
                row[1 + 4 * block : 5 + 4 * block] = rows[esi]
                measured.append(row)
                seen.append(value[number])
        h, r = np.array(measured), known.covariance[number].numpy()
        joint = r[np.abs(np.subtract.outer(np.arange(17), np.arange(17)))]
        gain = joint @ h.T @ np.linalg.inv(h @ joint @ h.T + VARIANCE * np.eye(len(h)))
        assert mean[number, -16:] == pytest.approx((gain @ seen)[1:], abs=2e-3)


def test_the_variogram_is_found_and_what_ships_is_positive_definite():
    random, rho = np.random.default_rng(0), 0.9
    x = np.zeros((20_000, 2))
    for i in range(1, len(x)):
        x[i] = rho * x[i - 1] + np.sqrt(1 - rho**2) * random.normal(size=2)
    found, lags = covariance_of([x]), np.arange(1, 20)
    assert found[:, :1] - found[:, lags] == pytest.approx(np.tile(1 - rho**lags, (2, 1)), rel=0.1)
    for r in (*found, *Motion.load().covariance.numpy()):
        at = np.arange(WINDOW)
        assert np.linalg.eigvalsh(r[np.abs(at[:, None] - at)]).min() > -1e-6


@given(st.lists(st.floats(-24, 24), min_size=1, max_size=20))
def test_parity_comes_back_to_half_a_step_or_is_marked(values):
    values = np.array(values)
    got = from_wire(to_wire(values))
    for least, most, step in ((0, KNEE, STEP), (KNEE, 19.9, COARSE * STEP)):
        within = (np.abs(values) >= least) & (np.abs(values) <= most)
        assert np.abs(got - values)[within].max(initial=0) <= step / 2
    assert np.isnan(got[np.abs(values) > 20]).all()


@pytest.mark.parametrize(("group", "look_ahead", "said"), [(3, 0, "even group"), (16, 1, "window")])
def test_what_it_cannot_do_is_one_line(group, look_ahead, said):
    with pytest.raises(ValueError, match=said):
        make("pacsc-s", 0.5, group, look_ahead)
