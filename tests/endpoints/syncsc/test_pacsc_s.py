"""PacSC-S: any four of eight packets give the block back, fewer the conditional mean and nothing against it."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lossweep.endpoints.syncsc.codes.code import code_of
from lossweep.endpoints.syncsc.codes.interleaving import Layout
from lossweep.endpoints.syncsc.codes.measurements import WINDOW, Evidence
from lossweep.endpoints.syncsc.codes.motion import Motion, covariance_of
from lossweep.endpoints.syncsc.codes.parity import COARSE, KNEE, STEP, VARIANCE, from_wire, rows_of, to_wire
from lossweep.endpoints.syncsc.codes.residual import Residual, ResidualConfig
from lossweep.endpoints.syncsc.semantics import STEP as GRID
from lossweep.experiments.training.codes.pacsc_s import lost_packets


def motion(frames: int, seed: int = 0) -> np.ndarray:
    """Slow smooth numbers about a place of their own, on the grid that is sent."""
    random = np.random.default_rng(seed)
    speed = np.convolve(random.normal(0, 0.05, 16 * (frames + 9)), np.ones(10), "valid")[: 16 * frames]
    x = random.normal(0, 0.5, 16) + np.cumsum(speed.reshape(16, frames).T, 0) * 0.5
    x = 1.5 * np.tanh(x / 1.5)
    return (np.round(x / GRID) * GRID).astype(np.float32)


def rmse(name: str, sent: np.ndarray, lost: np.ndarray, *arguments: float) -> float:
    code = code_of(name, *arguments)
    payloads = [None if gone else p.payload for p, gone in zip(code.packets(sent), lost, strict=False)]
    return float(np.sqrt(np.square(code.decode(payloads, len(sent), sent[0]) - sent).mean()))


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
    sent, random = motion(400, 3), np.random.default_rng(int(10 * loss))
    lost = lost_packets(400, loss, burst, random)
    assert rmse("pacsc-s", sent, lost, 0.5, 4, 8) <= 0.9 * rmse("rs", sent, lost, 0.5, 4, 8)


def test_windows_hold_the_conditional_mean():
    """Against conditioning written out: all numbers and measurements jointly Gaussian, one number at a time."""
    known, layout, sent = Motion.load(), Layout(0.5, 2, 0), motion(16, 1)
    code = code_of("pacsc-s", 0.5, 2)
    random = np.random.default_rng(2)
    payloads = [p.payload if random.random() < 0.3 else None for p in code.packets(sent)]
    reference = sent[0] + 0.25
    mean = Evidence.of(payloads, layout, known, reference).windows(np.array([3]), known).mean[0].numpy()
    rows = rows_of(known.parity[0.5]).numpy()
    for number in (0, 6, 9):
        measured, values = [np.eye(17)[0]], [reference[number]]
        for i, payload in enumerate(payloads):
            if payload is not None:
                block, esi = divmod(i, 8)
                value = np.frombuffer(payload, ">f2")[number] if esi < 4 else from_wire(payload)[number]
                row = np.zeros(17)
                row[1 + 4 * block : 5 + 4 * block] = rows[esi]
                measured.append(row)
                values.append(value)
        h, r = np.array(measured), known.covariance[number].numpy()
        joint = r[np.abs(np.subtract.outer(np.arange(17), np.arange(17)))]
        gain = joint @ h.T @ np.linalg.inv(h @ joint @ h.T + VARIANCE * np.eye(len(h)))
        assert mean[number, -16:] == pytest.approx((gain @ values)[1:], abs=2e-3)


def test_a_change_within_contradicts_no_packet():
    known, layout, code, sent = Motion.load(), Layout(0.5, 4, 0), code_of("pacsc-s"), motion(32)
    payloads = [p.payload if i % 8 in (2, 5, 7) else None for i, p in enumerate(code.packets(sent))]
    windows = Evidence.of(payloads, layout, known, sent[0]).windows(np.array([3]), known)
    change = windows.within(torch.randn(1, 16, WINDOW, dtype=torch.float64))
    for segment in range(8):
        told = rows_of(known.parity[0.5])[[2, 5, 7]] @ change[0, :, 4 * segment : 4 * segment + 4].T
        assert told.abs().max() < 1e-3
    assert change.abs().max() > 0.1


def test_an_untrained_network_changes_nothing():
    known, code, sent = Motion.load(), code_of("pacsc-s"), motion(32)
    payloads = [p.payload if i % 3 == 0 else None for i, p in enumerate(code.packets(sent))]
    windows = Evidence.of(payloads, code.layout, known, sent[0]).windows(np.arange(4), known)
    assert (Residual(ResidualConfig())(windows) == windows.mean).all()


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
        code_of("pacsc-s", 0.5, group, look_ahead)
