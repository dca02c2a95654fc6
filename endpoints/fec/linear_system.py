"""Linear equations over GF(2^8) that come one by one, and what they determine so far."""

from __future__ import annotations

from collections.abc import Mapping

from lossweep.endpoints.fec.gf256 import combination, inverse, multiply, scaled

Solved = list[tuple[int, bytes]]
"""Unknowns that became known, and their values."""


class LinearSystem:
    """Source symbols by number, and equations between them in reduced row echelon form.

    An unknown is determined exactly when its row has no other unknown, so every symbol is given back at the first
    moment at which the equations allow it. Where only the pattern is of interest, all values are b"".

    Args:
        span: equations with an unknown that is so much older than the newest known symbol are dropped.
    """

    def __init__(self, span: int) -> None:
        self.known: dict[int, bytes] = {}
        self._rows: dict[int, tuple[dict[int, int], bytes]] = {}
        self._span, self._newest = span, 0

    def know(self, number: int, value: bytes) -> Solved:
        """Takes a symbol; what becomes known by it, without the symbol itself."""
        if number in self.known:
            return []
        self.known[number] = value
        self._newest = max(self._newest, number)
        own = self._rows.pop(number, None)
        solved: Solved = []
        for pivot, (factors, total) in list(self._rows.items()):
            factor = factors.pop(number, 0)
            if factor:
                self._rows[pivot] = factors, combination([(1, total), (factor, value)])
                if len(factors) == 1:
                    solved += self._take(pivot)
        return solved + self.equate(*own) if own is not None else solved

    def equate(self, factors: Mapping[int, int], total: bytes) -> Solved:
        """Takes an equation, the sum of factor times symbol; what becomes known by it.

        Args:
            factors: symbol number -> factor, not 0.
        """
        self._forget()
        unknown, parts = dict[int, int](), [(1, total)]
        for number, factor in factors.items():
            if number in self.known:
                parts.append((factor, self.known[number]))
            elif number in self._rows:
                row, value = self._rows[number]
                parts.append((factor, value))
                for other, own in row.items():
                    _add(unknown, other, multiply(factor, own))
                _add(unknown, number, factor)
            else:
                _add(unknown, number, factor)
        if not unknown:
            return []
        pivot = min(unknown)
        total, by = combination(parts), inverse(unknown[pivot])
        row = {number: multiply(by, factor) for number, factor in unknown.items()}
        self._rows[pivot] = row, scaled(by, total)
        return self._eliminate(pivot)

    def _forget(self) -> None:
        oldest = self._newest - self._span
        for pivot, (factors, _) in list(self._rows.items()):
            if min(factors) < oldest:
                del self._rows[pivot]

    def _eliminate(self, pivot: int) -> Solved:
        """Removes a new pivot from the other rows."""
        own, value = self._rows[pivot]
        solved: Solved = []
        for other, (factors, total) in list(self._rows.items()):
            factor = factors.get(pivot, 0)
            if other == pivot or not factor:
                continue
            for number, one in own.items():
                _add(factors, number, multiply(factor, one))
            self._rows[other] = factors, combination([(1, total), (factor, value)])
            if len(factors) == 1:
                solved += self._take(other)
        return solved + (self._take(pivot) if len(own) == 1 else [])

    def _take(self, pivot: int) -> Solved:
        """Moves an unknown that its row determines to the known symbols."""
        _, value = self._rows.pop(pivot)
        self.known[pivot] = value
        return [(pivot, value)]


def _add(factors: dict[int, int], number: int, factor: int) -> None:
    total = factors.get(number, 0) ^ factor
    if total:
        factors[number] = total
    else:
        factors.pop(number, None)
