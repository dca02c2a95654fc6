"""One stream through one path: from Stream to Delivery."""

from __future__ import annotations

from typing import Literal

import numpy as np
import simpy

from lossweep.channels.delay import Delay
from lossweep.channels.loss import LossModel
from lossweep.sim.delivery import Delivery
from lossweep.sim.path import Path
from lossweep.sim.receiver import Receiver
from lossweep.sim.sender import departures, sender
from lossweep.sim.stream import Stream

AUTO_DELAY_QUANTILE = 1 - 1e-6


def simulate(
    stream: Stream,
    loss: LossModel,
    delay: Delay,
    *,
    seed: int,
    repetition: int = 0,
    playout_delay_s: float | Literal["auto"] = "auto",
    pacing_factor: float = 2.5,
) -> Delivery:
    """Sends a stream through a lossy path to a receiver with repair and a fixed jitter buffer.

    Same arguments, same delivery, bit for bit. For the same seed and repetition all streams meet the same
    chance in the same packet slot (sbn, esi): the same losses where the channel has no memory, and nearly
    always the same channel state where it has.

    Args:
        stream: packets in blocks.
        loss: its state runs on over the whole stream, in order of departure.
        delay: one-way delay.
        seed, repetition: integers >= 0; together they name the network's chance.
        playout_delay_s: the wait between capture and display, or "auto": the longest time that a packet
            spends at the sender after its media time (so the block's duration is in it), plus the delay that
            all but one packet in a million do not exceed.
        pacing_factor: see `lossweep.sim.sender.departures`.
    Returns:
        One line a packet, in the stream's order; sent = arrived + lost.
    Raises:
        ValueError: an empty stream, blocks that are not the stream's packets, a negative seed or playout
            delay, pacing_factor < 1.
    """
    sbn, esi, source = _slots(stream)
    if seed < 0 or repetition < 0:
        raise ValueError(f"seed {seed} and repetition {repetition} must both be 0 or more")
    order, plan = departures(stream, pacing_factor)
    if playout_delay_s == "auto":
        wait_s = float(np.max(plan - stream.media_time_s[order]))
        playout_delay_s = max(0.0, wait_s + delay.quantile(AUTO_DELAY_QUANTILE))
    if not 0.0 <= playout_delay_s < float("inf"):
        raise ValueError(f"playout_delay_s is {playout_delay_s!r}; it must be 'auto' or seconds, 0 or more")

    start = min(0.0, float(plan[0]))
    env = simpy.Environment(initial_time=start)
    receiver = Receiver(stream, playout_delay_s)
    path = Path(
        env,
        loss,
        delay,
        sbn,
        esi,
        seed=seed,
        repetition=repetition,
        receive=lambda index: receiver.receive(index, env.now),
    )
    env.process(sender(env, order, plan, path.send))
    env.run()

    in_time, recovered = receiver.buffer.in_time(), receiver.repaired()
    return Delivery(
        sbn=sbn,
        esi=esi,
        source=source,
        size_bytes=np.array([len(packet) for packet in stream.packets], dtype=np.int64),
        sent_s=path.sent_s,
        arrived_s=np.asarray(receiver.buffer.arrived_s),
        lost=path.lost,
        late=receiver.buffer.late(),
        recovered=recovered,
        usable=in_time | recovered,
        playout_delay_s=float(playout_delay_s),
    )


def _slots(stream: Stream) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = np.array([block.code.n for block in stream.blocks], dtype=np.int64)
    k = np.array([block.code.k for block in stream.blocks], dtype=np.int64)
    first = np.cumsum(n) - n
    if not len(stream.packets):
        raise ValueError("the stream has no packets; nothing can be simulated")
    if n.sum() != len(stream.packets) or any(
        (b.sbn, b.first) != (i, f) for i, (b, f) in enumerate(zip(stream.blocks, first, strict=True))
    ):
        raise ValueError(
            f"the stream's {len(stream.packets)} packets are not its blocks' {n.sum()}, block after block"
        )
    esi = np.arange(n.sum()) - np.repeat(first, n)
    return np.repeat(np.arange(len(n)), n), esi, esi < np.repeat(k, n)
