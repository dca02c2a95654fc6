"""The pseudorandom numbers of RLC's coefficients: TinyMT32 (RFC 8682)."""

from __future__ import annotations

MAT1, MAT2, TMAT = 0x8F7011EE, 0xFC78FF1F, 0x3793FDFF
"""The parameter set of RFC 8682, Section 2.1."""
_WORD = 0xFFFFFFFF
_FIRST_STEPS = 8


class TinyMT32:
    """The generator, with a state of 127 bits.

    Args:
        seed: uint32.
    Source: RFC 8682, Sections 2.1 and 2.2.
    """

    def __init__(self, seed: int) -> None:
        state = [seed & _WORD, MAT1, MAT2, TMAT]
        for i in range(1, _FIRST_STEPS):
            before = state[(i - 1) & 3]
            state[i & 3] ^= (i + 1812433253 * (before ^ before >> 30)) & _WORD
        self._state = tuple(state)
        for _ in range(_FIRST_STEPS):
            self._step()

    def word(self) -> int:
        """The next number, uint32."""
        self._step()
        first, _, third, fourth = self._state
        mixed = (first + (third >> 8)) & _WORD
        return fourth ^ mixed ^ (TMAT if mixed & 1 else 0)

    def _step(self) -> None:
        first, second, third, y = self._state
        x = (first & 0x7FFFFFFF) ^ second ^ third
        x = (x ^ x << 1) & _WORD
        y ^= y >> 1 ^ x
        third_next = (x ^ y << 10) & _WORD
        odd = y & 1
        self._state = (second, third ^ (MAT1 if odd else 0), third_next ^ (MAT2 if odd else 0), y)
