"""Numbers of NumPy's PCG64 from places far apart, many at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
_MASK = (1 << 128) - 1
_LOW = np.uint64(0xFFFFFFFF)
_32, _58, _63, _11 = (np.uint64(n) for n in (32, 58, 63, 11))

Words = tuple[NDArray[np.uint64], NDArray[np.uint64]]
"""High and low halves of 128-bit numbers."""


def strided_uniforms(bits: np.random.PCG64, rows: int, stride: int, draws: int) -> NDArray[np.float64]:
    """What `Generator(bits).random()` gives at the places row * stride + draw, float64 [rows, draws].

    For draws much less than stride this is much faster than drawing everything between. `bits` stays as it is.

    Source: O'Neill, PCG, 2014 (PCG XSL RR 128/64): state = MULTIPLIER state + increment, then output.
    """
    state, increment = (bits.state["state"][name] for name in ("state", "inc"))
    states = _repeated(state, _jump(stride, increment), rows)
    uniforms = np.empty((draws, rows))
    for draw in range(draws):
        states = _step(states, (MULTIPLIER, increment))
        uniforms[draw] = (_output(states) >> _11) * 2.0**-53
    return uniforms.T


def _jump(steps: int, increment: int) -> tuple[int, int]:
    """Multiplier and increment of so many steps at once."""
    factor, added, power, sum_ = 1, 0, MULTIPLIER, increment
    while steps:
        if steps & 1:
            factor, added = factor * power & _MASK, (added * power + sum_) & _MASK
        power, sum_, steps = power * power & _MASK, (power + 1) * sum_ & _MASK, steps >> 1
    return factor, added


def _repeated(state: int, jump: tuple[int, int], count: int) -> Words:
    """The state after 0, 1, ..., count - 1 jumps; each pass doubles what is there."""
    high, low = np.empty(count, dtype=np.uint64), np.empty(count, dtype=np.uint64)
    high[0], low[0] = state >> 64, state & (1 << 64) - 1
    done = 1
    while done < count:
        more = min(done, count - done)
        high[done : done + more], low[done : done + more] = _step((high[:more], low[:more]), jump)
        jump = (jump[0] * jump[0] & _MASK, (jump[0] + 1) * jump[1] & _MASK)
        done += more
    return high, low


def _step(words: Words, map_: tuple[int, int]) -> Words:
    """multiplier * words + increment modulo 2^128."""
    high, low = words
    times_high, times_low, plus_high, plus_low = (
        np.uint64(part) for number in map_ for part in (number >> 64, number & (1 << 64) - 1)
    )
    low_0, low_1, times_0, times_1 = low & _LOW, low >> _32, times_low & _LOW, times_low >> _32
    product_00, product_01, product_10 = low_0 * times_0, low_0 * times_1, low_1 * times_0
    middle = (product_00 >> _32) + (product_01 & _LOW) + (product_10 & _LOW)
    carried = low_1 * times_1 + (product_01 >> _32) + (product_10 >> _32) + (middle >> _32)
    new_low: NDArray[np.uint64] = (product_00 & _LOW) + (middle << _32) + plus_low
    overflow = np.where(new_low < plus_low, np.uint64(1), np.uint64(0))
    new_high: NDArray[np.uint64] = carried + high * times_low + low * times_high + plus_high + overflow
    return new_high, new_low


def _output(words: Words) -> NDArray[np.uint64]:
    high, low = words
    mixed: NDArray[np.uint64] = high ^ low
    turn: NDArray[np.uint64] = high >> _58
    return (mixed >> turn) | (mixed << ((np.uint64(64) - turn) & _63))
