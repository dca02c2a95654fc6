"""The network's speed beside plain SimPy and, if it was measured, ns-3, in one run on one core.

Run with `python tests/benchmarks/bench_network.py [--ns3 PYTHON]`, PYTHON being one that has PyPI's `ns3`.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import simpy

from lossweep.channels.bursts_in_time import BurstsInTime
from lossweep.channels.capacity import Capacity
from lossweep.channels.delay import Delay
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.channels.packets import Packets
from lossweep.channels.path import start
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.sim.pipeline import Pipeline
from lossweep.sim.repair import mds_repair_times
from lossweep.sim.simulate import simulate, simulate_by_events
from lossweep.sim.stream import Block, Stream

K, N, BLOCK_S = 32, 63, 0.16
CHAIN = GilbertElliott.from_burst(loss_rate=0.05, mean_burst_length=4)
IN_TIME = BurstsInTime(loss_rate=0.05, mean_burst_s=0.05)
LINK = Capacity(capacity_bps=1e6, queue_packets=100)
JITTER = Delay(0.05, 0.005)


def stream(code: object, blocks: int) -> Stream:
    n = code.n
    starts = np.repeat(np.arange(blocks) * BLOCK_S, n)
    parts = tuple(Block(i, i * n, code, i * BLOCK_S, BLOCK_S) for i in range(blocks))
    return Stream((bytes(112),) * (n * blocks), starts, starts + BLOCK_S, parts)


def best(work: Callable[[], object], runs: int = 5) -> float:
    """Processor seconds of the fastest run."""
    seconds = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        seconds.append(time.process_time() - begin)
    return min(seconds)


def simpy_pipeline(packets: int) -> None:
    """One process sends; a timeout with a callback carries each packet."""
    env = simpy.Environment()
    received = [0]

    def receive(_: simpy.Event) -> None:
        received[0] += 1

    def send():
        for number in range(packets):
            env.timeout(20.0, number).callbacks.append(receive)
            yield env.timeout(1.0)

    env.process(send())
    env.run()
    assert received[0] == packets


def in_parts(packets: int, part_blocks: int = 8000) -> float:
    """Packets through losses in time, a link, jitter and Reed-Solomon, part by part; the residual loss."""
    gap_s = BLOCK_S / N
    blocks = packets // N
    pipeline = Pipeline(start([IN_TIME, LINK, JITTER], seed=1, repetition=0, end_s=0.0))
    left, held = 0, np.full((0, N), np.inf)
    base = 0
    for first in range(0, blocks, part_blocks):
        count = min(part_blocks, blocks - first)
        sbn, esi = np.divmod(np.arange(count * N) + first * N, N)
        sent = Packets(sbn * N + esi, sbn, esi, np.full(count * N, 140), (sbn * N + esi) * gap_s)
        last = first + count == blocks
        arrived = pipeline.apply(sent, np.inf if last else float(sent.time_s[-1]))
        held = np.concatenate([held, np.full((count, N), np.inf)])
        held.reshape(-1)[arrived.index - base * N] = arrived.time_s
        done = len(held) if last else max(0, len(held) - 10)  # later ones may still be on their way
        whole = mds_repair_times(K, held[:done])
        deadline_s = (base + 1 + np.arange(done)) * BLOCK_S + 0.3
        usable = (held[:done, :K] <= deadline_s[:, None]) | (whole <= deadline_s)[:, None]
        left += int(np.count_nonzero(~usable))
        held, base = held[done:], base + done
    return left / (blocks * K)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ns3", metavar="PYTHON")
    parser.add_argument("--many", type=int, default=10_000_000, help="packets that go through in parts")
    options = parser.parse_args()
    seconds = best(lambda: in_parts(options.many), 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    coded, plain = stream(ReedSolomon(0.5).make(K, N), 8000), stream(NoCode().make(1), 200_000)
    few = stream(ReedSolomon(0.5).make(K, N), 800)
    times = np.arange(50_000_000) * 0.002
    number = np.arange(5_000_000)
    step = Packets(number, number // N, number % N, np.full(len(number), 140), number * 0.002)
    rng = np.random.default_rng
    rows = {
        "plain SimPy, one timeout with a callback per packet": (100_000, lambda: simpy_pipeline(100_000)),
        "closed loop (events): loss, jitter, RS(63, 32), playout": (
            len(few.packets),
            lambda: simulate_by_events(few, CHAIN, JITTER, seed=1),
        ),
        "open loop: loss per packet, jitter, RS(63, 32), playout": (
            len(coded.packets),
            lambda: simulate(coded, CHAIN, JITTER, seed=1),
        ),
        "open loop: loss in time, queue, jitter, RS(63, 32), playout": (
            len(coded.packets),
            lambda: simulate(coded, IN_TIME, LINK, JITTER, seed=1),
        ),
        "open loop: loss in time, queue, jitter, no FEC": (
            len(plain.packets),
            lambda: simulate(plain, IN_TIME, LINK, JITTER, seed=1),
        ),
        "losses alone, packet chain (sojourns)": (100_000_000, lambda: CHAIN.sample(100_000_000, rng(1))),
        "losses alone, packet chain by packet slots": (
            len(step),
            lambda: start([CHAIN], seed=1, repetition=0, end_s=0.0)[0].lost(step),
        ),
        "losses alone, chain of the clock": (len(times), lambda: IN_TIME.sample(times, rng(1))),
    }
    base = None
    for title, (packets, work) in rows.items():
        rate = packets / best(work)
        base = base or rate
        print(f"{title:<62}{rate / 1e6:>10.3f} M packets/s{rate / base:>9.1f} x SimPy", flush=True)
    rate = options.many / seconds
    title = f"open loop in parts, {options.many:.0e} packets"
    print(f"{title:<62}{rate / 1e6:>10.3f} M packets/s{rate / base:>9.1f} x SimPy; peak {peak:.2f} GB")
    if options.ns3:
        script = Path(__file__).parents[2] / "results" / "validation" / "ns3_speed.py"
        done = subprocess.run([options.ns3, str(script)], capture_output=True, text=True, check=True)
        rate = float(done.stdout.split()[-1])
        title = "ns-3, UDP over a point-to-point link with an error model"
        print(f"{title:<62}{rate / 1e6:>10.3f} M packets/s{rate / base:>9.1f} x SimPy")


if __name__ == "__main__":
    main()
