"""Arithmetic of GF(2^8) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (RFC 5510, Section 8.1)."""

from __future__ import annotations

from lossweep.endpoints.fec.parity import xor

_POLYNOMIAL = 0x11D


def _tables() -> tuple[list[int], list[int]]:
    powers, logs, value = [0] * 510, [0] * 256, 1
    for exponent in range(255):
        powers[exponent] = powers[exponent + 255] = value
        logs[value] = exponent
        value = value << 1 ^ (_POLYNOMIAL if value & 0x80 else 0)
    return powers, logs


_POWERS, _LOGS = _tables()


def multiply(a: int, b: int) -> int:
    """The product of two elements."""
    return _POWERS[_LOGS[a] + _LOGS[b]] if a and b else 0


def inverse(a: int) -> int:
    """The inverse of an element, which is not 0."""
    return _POWERS[255 - _LOGS[a]]


_SCALED = [bytes(multiply(a, b) for b in range(256)) for a in range(256)]


def scaled(factor: int, data: bytes) -> bytes:
    """Every byte times a factor."""
    return data if factor == 1 else data.translate(_SCALED[factor])


def combination(parts: list[tuple[int, bytes]]) -> bytes:
    """The sum of byte strings, each times a factor; shorter ones count as padded with zeros."""
    return xor([scaled(factor, data) for factor, data in parts])
