"""The receiver's pictures, drawn when somebody looks, and never twice."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.generator.renderer import Drawing

HELD = 1200
"""Pictures kept for the next clip that shows them, 0.2 MB each."""
_drawn: OrderedDict[str, NDArray[np.uint8]] = OrderedDict()


@dataclass(frozen=True)
class Known:
    """What the receiver knows beforehand.

    Attributes:
        picture: the reference, uint8 [256, 256, 3].
        identity: [80].
        coefficients: [16], of the face in the reference.
    """

    picture: NDArray[np.uint8]
    identity: NDArray[np.float32]
    coefficients: NDArray[np.float32]

    def digest(self) -> bytes:
        """A hash of all three."""
        parts = (self.picture, self.identity, self.coefficients)
        return hashlib.blake2b(b"".join(np.ascontiguousarray(p).tobytes() for p in parts)).digest()


class DrawnPictures(Sequence[NDArray[np.uint8]]):
    """Pictures of a clip as a drawing makes them of its numbers.

    Args:
        drawing: draws each picture from its own numbers alone.
        name: of the drawing and what it was made with; equal names draw equal pictures.
        known: the reference.
        coefficients: [frames, 16].
    Attributes:
        digests: one a frame; equal ones are equal pictures.
    """

    def __init__(self, drawing: Drawing, name: str, known: Known, coefficients: NDArray[np.float32]) -> None:
        self.drawing, self.known, self.coefficients = drawing, known, coefficients
        key = hashlib.blake2b(name.encode() + known.digest()).digest()
        self.digests = tuple(
            hashlib.blake2b(np.ascontiguousarray(row).tobytes(), key=key, digest_size=16).hexdigest()
            for row in coefficients
        )
        self._held: dict[str, NDArray[np.uint8]] = {}

    def __len__(self) -> int:
        return len(self.digests)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        self.draw(range(len(self)))
        return (self._held[digest] for digest in self.digests)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:  # type: ignore[override]
        self.draw([range(len(self))[index]])
        return self._held[self.digests[index]]

    def draw(self, which: Sequence[int]) -> None:
        """Draws these frames in one call, but for those that were drawn before."""
        wanted = {self.digests[i]: i for i in which if self.digests[i] not in self._held}
        for digest in [d for d in wanted if d in _drawn]:
            _drawn.move_to_end(digest)
            self._held[digest] = _drawn[digest]
            del wanted[digest]
        if not wanted:
            return
        known = self.known
        pictures = self.drawing.draw(
            known.picture, known.coefficients, known.identity, self.coefficients[list(wanted.values())]
        )
        for digest, picture in zip(wanted, pictures, strict=True):
            self._held[digest] = _drawn[digest] = picture
        while len(_drawn) > HELD:
            _drawn.popitem(last=False)
