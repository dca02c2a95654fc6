"""What codes of a whole stream have in common: repair packets between the source packets, solved as they arrive."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.fec.block_code import BlockCode
from lossweep.sim.stream import Progress


class SlidingBlock(BlockCode):
    """A stream of k source packets; each repair packet depends on some packets before it."""

    @abstractmethod
    def progress(self) -> Progress:
        """The state of a stream of which nothing has arrived."""

    def played_with(self, esi: int) -> int:
        """The last source packet that a repair packet depends on: until its playout the repair packet serves."""
        return max(self.depends_on(esi))

    def recovers(self, arrived: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Source packets known after all arrivals, in the order in which they are sent, bool [k]."""
        progress, known = self.progress(), arrived[: self.k].copy()
        for esi in self.order:
            if arrived[esi]:
                known[progress.add(esi)] = True
        return known

    @cached_property
    def order(self) -> list[int]:
        """All ESIs in the order of sending."""
        places = [(i, 0) for i in range(self.k)]
        places += [(self.sent_after(esi), esi) for esi in range(self.k, self.n)]
        return sorted(range(self.n), key=places.__getitem__)
