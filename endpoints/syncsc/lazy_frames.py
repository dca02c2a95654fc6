"""The receiver's pictures: lazily rendered, cached by content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from lossweep.endpoints.clip import LazyVideo
from lossweep.endpoints.syncsc.generator.renderer import Renderer

_rendered: LRUCache[str, NDArray[np.uint8]] = LRUCache(maxsize=1200)
"""Pictures kept for the next clip that shows them, 0.2 MB each."""
GREY = 128


@dataclass(frozen=True)
class Reference:
    """What a renderer reads of a picture that both ends share.

    Attributes:
        picture: uint8 [256, 256, 3].
        identity: float32 [80].
        coefficients: float32 [16], of the face in the picture.
    """

    picture: NDArray[np.uint8]
    identity: NDArray[np.float32]
    coefficients: NDArray[np.float32]

    def digest(self) -> bytes:
        """A hash of all three."""
        parts = (self.picture, self.identity, self.coefficients)
        return hashlib.blake2b(b"".join(np.ascontiguousarray(p).tobytes() for p in parts)).digest()


class RenderedFrames(LazyVideo):
    """Pictures of a clip as a renderer makes them from its coefficients.

    Args:
        renderer: renders each picture from its own coefficients alone.
        name: of the renderer and what it was made with; equal names render equal pictures.
        references: known beforehand, one or more.
        coefficients: [frames, 16].
        shares: [frames, references], how much of each picture is rendered from each reference.
        grey: how many frames at the start are mid-grey.
    Attributes:
        digests: one per frame; equal ones are equal pictures.
    """

    def __init__(
        self,
        renderer: Renderer,
        name: str,
        references: Sequence[Reference],
        coefficients: NDArray[np.float32],
        shares: NDArray[np.floating],
        grey: int = 0,
    ) -> None:
        self.renderer, self.references, self.coefficients = renderer, references, coefficients
        self.shares = shares
        known = hashlib.blake2b(name.encode() + b"".join(one.digest() for one in references)).digest()
        blank = np.full_like(references[0].picture, GREY)
        blank_digest = hashlib.blake2b(blank.tobytes(), digest_size=16).hexdigest()
        self.digests = tuple(
            blank_digest
            if i < grey
            else hashlib.blake2b(row.tobytes() + part.tobytes(), key=known, digest_size=16).hexdigest()
            for i, (row, part) in enumerate(zip(coefficients, shares, strict=True))
        )
        self._held: dict[str, NDArray[np.uint8]] = {blank_digest: blank}

    def __len__(self) -> int:
        return len(self.digests)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        self.draw(range(len(self)))
        return (self._held[digest] for digest in self.digests)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:  # type: ignore[override]
        self.draw([range(len(self))[index]])
        return self._held[self.digests[index]]

    def draw(self, which: Sequence[int]) -> None:
        """Renders these frames in one call per reference, but for those that were rendered before."""
        wanted = {self.digests[i]: i for i in which if self.digests[i] not in self._held}
        for digest in [d for d in wanted if d in _rendered]:
            self._held[digest] = _rendered[digest]
            del wanted[digest]
        rows = np.array(list(wanted.values()), np.intp)
        parts: list[list[tuple[float, NDArray[np.uint8]]]] = [[] for _ in rows]
        for known, share in zip(self.references, self.shares[rows].T, strict=True):
            some = np.flatnonzero(share)
            if some.size:
                pictures = self.renderer.draw(
                    known.picture, known.coefficients, known.identity, self.coefficients[rows[some]]
                )
                for i, picture in zip(some, pictures, strict=True):
                    parts[i].append((share[i], picture))
        for digest, part in zip(wanted, parts, strict=True):
            self._held[digest] = _rendered[digest] = _mixed(part)


def _mixed(parts: list[tuple[float, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """The weighted mean of pictures whose weights sum to 1."""
    if len(parts) == 1:
        return parts[0][1]
    return np.round(sum(share * picture.astype(np.float32) for share, picture in parts)).astype(np.uint8)
