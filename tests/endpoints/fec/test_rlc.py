"""Sliding-window RLC: the numbers of RFC 8682, the payload ID of RFC 8681, losses as measured elsewhere, streams."""

import contextlib
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.gf256 import combination, inverse, multiply
from lossweep.endpoints.fec.packets import repair_packets
from lossweep.endpoints.fec.repair_format import Repair
from lossweep.endpoints.fec.rlc import Rlc, RlcFormat, coefficients
from lossweep.endpoints.fec.tinymt32 import TinyMT32
from lossweep.endpoints.session import RepairStream, RtpStream
from lossweep.sim.repair import PatternProgress, repair_times
from lossweep.sim.rtp import RtpHeader, parse
from lossweep.sim.simulate import simulate, simulate_by_events
from lossweep.sim.stream import Block, Stream

sys.path.insert(0, str(Path(__file__).parents[3] / "results/validation"))
from rlc import residuals

FORMAT = RlcFormat()
FIGURE_2 = """
2545341989  981918433 3715302833 2387538352 3591001365 3820442102 2114400566 2196103051 2783359912  764534509
 643179475 1822416315  881558334 4207026366 3690273640 3240535687 2921447122 3984931427 4092394160   44209675
2188315343 2908663843 1834519336 3774670961 3019990707 4065554902 1239765502 4035716197 3412127188  552822483
"""


def test_tinymt32_gives_the_numbers_of_rfc_8682():
    numbers = TinyMT32(1)
    assert [numbers.word() for _ in range(30)] == list(map(int, FIGURE_2.split()))


def test_the_field_is_that_of_rfc_5510():
    """x^8 = x^4 + x^3 + x^2 + 1; every element but 0 has its inverse; products distribute."""
    assert multiply(0x80, 2) == 0x1D
    assert all(multiply(a, inverse(a)) == 1 for a in range(1, 256))
    rng = np.random.default_rng(1)
    for a, b, c in rng.integers(0, 256, (200, 3)).tolist():
        assert multiply(a, b ^ c) == multiply(a, b) ^ multiply(a, c)
        assert multiply(multiply(a, b), c) == multiply(a, multiply(b, c))
        assert combination([(a, bytes([b])), (1, bytes([c, 9]))]) == bytes([multiply(a, b) ^ c, 9])


def test_density_of_the_coefficients():
    """Nonzero with probability (DT + 1) / 16; none is 0 at DT 15 (RFC 8681, Section 3.6)."""
    assert all(coefficients(7, 500))
    for threshold in (0, 3, 7):
        share = np.mean([np.count_nonzero(coefficients(key, 100, threshold)) for key in range(100)]) / 100
        assert share == pytest.approx((threshold + 1) / 16, abs=4 * 0.005)


def test_repair_packets_come_evenly_over_a_sliding_window():
    code = Rlc(2 / 3, 3).make(8)
    assert [tuple(code.depends_on(esi)) for esi in range(8, 12)] == [(0,), (0, 1, 2), (2, 3, 4), (4, 5, 6)]
    assert [Rlc(0.25).make(2).depends_on(esi)[-1] for esi in range(2, 8)] == [0, 0, 0, 1, 1, 1]
    assert [Rlc(0.5).make(4, 6).depends_on(esi)[-1] for esi in range(4, 6)] == [0, 2]


def test_payload_id_golden_bytes():
    """RFC 8681, figure 8: repair key, density threshold and window size, first symbol; then the combination."""
    packets = [RtpHeader(96, (0xFFFF + i) % 2**16, 9 * i, 7).serialize() + bytes([i]) * i for i in range(3)]
    payloads = FORMAT.payloads(packets, Rlc(0.5, 2).make(3), 0)
    assert [payload[:8].hex() for payload in payloads] == [
        "0000f0010000ffff",
        "0001f0020000ffff",
        "0002f00200010000",
    ]
    (factor,) = coefficients(0, 1)
    first = b"\x00\x00\x0c" + packets[0]
    assert payloads[0][8:] == bytes(multiply(factor, byte) for byte in first)
    assert [len(payload) for payload in payloads] == [8 + 15, 8 + 16, 8 + 17]


@given(st.binary(max_size=20))
@settings(max_examples=200, deadline=None)
def test_parsing_any_bytes_raises_only_fec_error(payload):
    with contextlib.suppress(FecError):
        FORMAT.parse(payload)


@pytest.mark.parametrize(
    ("scheme", "loss", "burst", "measured"),
    [
        ("RLC ew10", 0.1, 3, (0.0365, 0.0274, 0.0274, 0.0274)),
        ("RLC ew40", 0.1, 3, (0.0400, 0.0159, 0.0030, 0.0000)),
        ("RLC ew40", 0.05, 8, (0.0384, 0.0274, 0.0093, 0.0036)),
        ("RS 20/30", 0.1, 3, (0.0609, 0.0179, 0.0179, 0.0179)),
    ],
)
def test_residual_loss_is_that_of_another_program(scheme, loss, burst, measured):
    """One run of 40,000 packets each (anchors/rlc_vs_rs.txt), within 4 standard deviations of runs of this one."""
    runs = np.array([residuals(scheme, loss, burst, seed)[:4] for seed in range(1, 5)])
    margin = 4 * runs.std(0, ddof=1) * np.sqrt(1 + 1 / len(runs)) + 1.5e-4
    assert (np.abs(runs.mean(0) - measured) <= margin).all()


def stream_of(code, packets, repair):
    """A packet every 10 ms; repair packets with the last packet that they depend on."""
    ready = [0.01 * i for i in range(code.k)]
    ready += [ready[max(code.depends_on(esi))] for esi in range(code.k, code.n)]
    media = ready[: code.k] + [0.01 * min(code.depends_on(esi)) for esi in range(code.k, code.n)]
    block = Block(0, 0, code, 0.0, 0.01 * code.k)
    return Stream((*packets, *repair), np.array(media), np.array(ready), (block,))


def test_a_long_stream_from_pattern_from_bytes_and_event_by_event():
    family, rng = Rlc(2 / 3, 20), np.random.default_rng(4)
    code = family.make(400)
    line = RtpStream("video", 7, 96, 90_000, 65_400, 0, RepairStream(8, 97, family.parameters()))
    packets = [
        RtpHeader(96, (65_400 + i) % 2**16, 900 * i, 7).serialize() + rng.bytes(int(rng.integers(60)))
        for i in range(code.k)
    ]
    sent = stream_of(code, packets, repair_packets(packets, code, 0, line, 0, [0] * (code.n - code.k)))
    path = Bernoulli(0.25), Delay(0.04, 0.01)
    arrays = simulate(sent, *path, seed=1, playout_delay_s=0.2)
    events = simulate_by_events(sent, *path, seed=1, playout_delay_s=0.2)
    assert (arrays.usable == events.usable).all()
    assert arrays.recovered.sum() > 40
    assert (~arrays.usable[: code.k]).any()
    arrived_s = np.where(arrays.lost, np.inf, arrays.arrived_s)
    repaired_s = repair_times(sent.blocks, arrived_s)[: code.k]
    repair = []
    for esi in sorted(np.flatnonzero(np.isfinite(arrived_s)), key=arrived_s.__getitem__):
        if esi >= code.k:
            payload = FORMAT.parse(parse(sent.packets[esi])[1])
            repair.append(Repair(min(code.depends_on(esi)), payload, float(arrived_s[esi])))
    source = {i: (packets[i], float(arrived_s[i])) for i in range(code.k) if np.isfinite(arrived_s[i])}
    rebuilt = FORMAT.rebuild(repair, source, line, family.make)
    sooner = {i: repaired_s[i] for i in range(code.k) if repaired_s[i] < arrived_s[i]}
    assert {i: when_s for i, (_, when_s) in rebuilt.items()} == sooner
    assert all(packet == packets[i] for i, (packet, _) in rebuilt.items())


def test_arrival_by_arrival_as_the_whole_pattern_says():
    code, rng = Rlc(0.5, 4).make(12), np.random.default_rng(5)
    for _ in range(30):
        order = rng.permutation(code.n)[: int(rng.integers(8, code.n))].tolist()
        step, whole = code.progress(), PatternProgress(code)
        for esi in order:
            assert sorted(step.add(esi)) == sorted(whole.add(esi))


def test_errors_name_the_thing():
    with pytest.raises(ValueError, match="window is 0; it must be a whole number in 1 to 4095"):
        Rlc(0.5, 0)
    with pytest.raises(ValueError, match="window is 5000"):
        Rlc(0.5, 5000)
