"""Recovery of a block's lost source packets from the bytes that arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from lossweep.endpoints.fec.adu import FecError, restore
from lossweep.endpoints.fec.code import CODES, BlockCode
from lossweep.endpoints.session import FecParameters


@dataclass
class SourceBlock:
    """A block as its repair packets describe it, with their symbols.

    Attributes:
        first: extended number of its first source packet.
        k: source packets.
        repair: ESI -> repair symbol, and when it arrived.
    """

    first: int
    k: int
    repair: dict[int, tuple[bytes, float]] = field(default_factory=dict)


def rebuild(
    block: SourceBlock, source: Mapping[int, tuple[bytes, float]], fec: FecParameters
) -> dict[int, tuple[bytes, float]]:
    """The source packets that the code recovers, each at the first moment at which it can.

    A source packet that arrives after its own recovery counts as recovered.

    Args:
        block: with its repair symbols.
        source: ESI -> source packet that arrived, and when.
        fec: the code, as the session names it.
    Returns:
        ESI -> packet, and when it was rebuilt. Empty where nothing is missing, and where the symbols do not fit
        the code or a packet.
    """
    if not block.repair:
        return {}
    first_repair_s = min(arrived_s for _, arrived_s in block.repair.values())
    if len(source) == block.k and max(arrived_s for _, arrived_s in source.values()) <= first_repair_s:
        return {}
    try:
        code = code_of(fec, block.k, max(block.repair) + 1 if fec.adaptive else None)
    except ValueError:
        return {}
    repair = {esi: got for esi, got in block.repair.items() if esi < code.n}
    arrived = np.zeros(code.n, bool)
    out: dict[int, tuple[bytes, float]] = {}
    for esi, now_s in sorted(
        ((esi, got[1]) for esi, got in {**source, **repair}.items()), key=lambda e: e[1]
    ):
        arrived[esi] = True
        if not arrived[block.k :].any():
            continue
        missing = [i for i in np.flatnonzero(code.recovers(arrived) & ~arrived[: block.k]) if i not in out]
        if not missing:
            continue
        known = {int(i): source[int(i)][0] for i in np.flatnonzero(arrived[: block.k])}
        symbols = {int(i): repair[int(i)][0] for i in np.flatnonzero(arrived) if i >= block.k}
        try:
            packets = restore(known, symbols, code)
        except FecError:
            return out
        for i in missing:
            packet = packets[i]
            if packet is not None:
                out[int(i)] = packet, now_s
    return out


@lru_cache(maxsize=256)
def code_of(fec: FecParameters, k: int, n: int | None = None) -> BlockCode:
    """The code of a block of k source packets; n follows from the code rate unless it is given.

    Raises:
        ValueError: there is no such code.
    """
    family = CODES.get(fec.code).from_params(**dict(fec.options))
    return family.make(k, n)
