"""Text traces: reading lines and numbers, with errors that name the file and the line."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import LossweepError

MAX_TRACE_BYTES = 1 << 30


class TraceError(LossweepError, ValueError):
    """A trace or capture that cannot be used; the message names the file and what is wrong with it."""


def read_bytes(file: str) -> bytes:
    """The content of a trace; a gzip file is unpacked, environment variables and ~ in its name are expanded.

    Raises:
        TraceError: missing, unreadable, broken gzip, empty, or more than 1 GiB unpacked.
    """
    path = Path(os.path.expanduser(os.path.expandvars(file)))
    try:
        with open(path, "rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else open(path, "rb") as content:
            data: bytes = content.read(MAX_TRACE_BYTES + 1)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "not a whole gzip file"
        raise TraceError(f"cannot read trace {file}: {reason}") from None
    if not data:
        raise TraceError(f"trace {file} is empty")
    if len(data) > MAX_TRACE_BYTES:
        raise TraceError(f"trace {file} has more than 1 GiB; cut it into parts")
    return data


def read_lines(file: str) -> list[str]:
    """The lines of a text trace that are neither empty nor comments (#).

    Raises:
        TraceError: unreadable, no text, or without a line.
    """
    try:
        text = read_bytes(file).decode()
    except UnicodeDecodeError:
        raise TraceError(f"trace {file} is no text") from None
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise TraceError(f"trace {file} is empty")
    return lines


def numbers(file: str, lines: list[str], columns: int) -> NDArray[np.float64]:
    """The first numbers of every line, float64 [lines, columns]; separators are blanks, tabs, commas, semicolons.

    A first line without numbers (a header) is left out; "ms" behind a number is ignored.

    Raises:
        TraceError: a line with fewer numbers, or a number that is not finite, naming the line.
    """
    rows = []
    for number, line in enumerate(lines, 1):
        cells = line.replace(",", " ").replace(";", " ").replace("ms", " ").split()[:columns]
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError:
            if number == 1:
                continue
            raise TraceError(f"trace {file}, line {number}: {line[:40]!r} is not {columns} numbers") from None
        if len(cells) < columns or not np.isfinite(rows[-1]).all():
            raise TraceError(f"trace {file}, line {number}: {line[:40]!r} is not {columns} finite numbers")
    if not rows:
        raise TraceError(f"trace {file} holds no numbers")
    return np.array(rows)


def read_delays(file: str) -> NDArray[np.float64]:
    """Measured one-way delays, float64 [delays] in seconds: the first number of each line.

    Raises:
        TraceError: unreadable, empty, or a negative delay.
    """
    delays = numbers(file, read_lines(file), 1)[:, 0]
    if (delays < 0.0).any():
        raise TraceError(f"trace {file} has a negative delay ({delays.min():g} s)")
    return delays
