"""Recorded losses, read from text or from a capture."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.captures import is_capture, only_stream, read_rtp
from lossweep.channels.traces import TraceError, numbers, read_bytes, read_lines


@dataclass(frozen=True)
class LossSequence:
    """Which packets of a sequence were lost.

    Attributes:
        lost: bool [packets], one or more.
    """

    lost: NDArray[np.bool_]

    @property
    def loss_rate(self) -> float:
        """Fraction lost."""
        return float(np.mean(self.lost))

    def in_time(self, interval_s: float) -> LossFractions:
        """The same losses as a function of time, one packet each `interval_s` seconds."""
        starts = np.arange(len(self.lost), dtype=np.float64) * interval_s
        return LossFractions(starts, self.lost.astype(np.float64), len(self.lost) * interval_s)


@dataclass(frozen=True)
class LossFractions:
    """Loss fractions by time.

    Attributes:
        start_s: float64 [rows], increasing, from 0 on.
        fraction: float64 [rows] in [0, 1]; holds until the next row.
        duration_s: after this time the record begins again.
    """

    start_s: NDArray[np.float64]
    fraction: NDArray[np.float64]
    duration_s: float

    @property
    def loss_rate(self) -> float:
        """Fraction lost of packets that are even in time."""
        lengths = np.diff(self.start_s, append=self.duration_s)
        return float(np.sum(self.fraction * lengths) / self.duration_s)

    def at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """The fraction at each time >= 0, float64 [times]."""
        return self.fraction[np.searchsorted(self.start_s, time_s % self.duration_s, side="right") - 1]


def read_losses(file: str, ssrc: int | None = None) -> LossSequence | LossFractions:
    """Reads recorded losses.

    A capture (pcap or rtpdump) of one received RTP stream: the numbers that are missing between the first and the
    last are lost. Text of 0 (received) and 1 (lost), with or without blanks between. Lines of one number: the
    sequence numbers received, possibly wrapping at 65536. Lines of two numbers: time in seconds and the loss fraction
    from then on; fractions outside [0, 1] are clamped, with one message on stderr. Lines of four (SparkTraces):
    time, capacity, RTT, loss fraction.

    Args:
        file: plain or gzip.
        ssrc: which RTP stream of a capture; None: the only one.
    Raises:
        TraceError: unreadable, empty, or none of these; naming the file and the line.
    """
    if is_capture(read_bytes(file)[:16]):
        return LossSequence(_missing(only_stream(file, read_rtp(file), ssrc).sequence_number))
    lines = read_lines(file)
    if all(set(line) <= set("01 \t,") for line in lines):
        digits = np.frombuffer("".join(lines).encode(), dtype=np.uint8)
        return LossSequence(digits[digits >= ord("0")] == ord("1"))
    columns = len(lines[-1].replace(",", " ").replace(";", " ").split())
    if columns == 1:
        received = numbers(file, lines, 1)[:, 0]
        if (received != np.floor(received)).any() or (received < 0).any():
            raise TraceError(f"trace {file}: sequence numbers must be integers, 0 or more")
        return LossSequence(_missing(received.astype(np.int64)))
    rows = numbers(file, lines, 4 if columns >= 4 else 2)
    return _fractions(file, rows[:, 0], rows[:, -1])


def extended(received: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sequence numbers in order of arrival, counted from the smallest; 16-bit numbers are extended where they wrap."""
    steps = np.diff(received)
    if received.max(initial=0) < 1 << 16:
        steps = (steps + (1 << 15)) % (1 << 16) - (1 << 15)
    numbers = np.concatenate([[0], np.cumsum(steps)])
    return numbers - numbers.min()


def _missing(received: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Losses from sequence numbers in order of arrival."""
    numbers = extended(received)
    lost = np.ones(int(numbers.max()) + 1, dtype=bool)
    lost[numbers] = False
    return lost


def _fractions(file: str, time_s: NDArray[np.float64], fraction: NDArray[np.float64]) -> LossFractions:
    if len(time_s) < 2 or (np.diff(time_s) <= 0.0).any():
        raise TraceError(f"trace {file}: it needs two rows or more, with increasing times")
    outside = np.count_nonzero((fraction < 0.0) | (fraction > 1.0))
    if outside:
        print(f"lossweep: {file}: {outside} loss fractions outside [0, 1] are clamped", file=sys.stderr)
    start_s = time_s - time_s[0]
    duration_s = float(start_s[-1] + np.median(np.diff(start_s)))
    return LossFractions(start_s, np.clip(fraction, 0.0, 1.0), duration_s)
