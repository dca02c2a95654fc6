"""Perceptual distances between features of a network, each picture through the network only once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from cachetools import LRUCache

from lossweep.experiments.metrics.metric import FrameMetric, Picture, checked

if TYPE_CHECKING:
    import torch

    Features = LRUCache[str, list[torch.Tensor]]

REFERENCE_BYTES, SHOWN_BYTES = 980_000_000, 220_000_000
"""Features kept by one process: 220 references of LPIPS squeeze at 256x256, a clip of 8 s, and 50 pictures
shown. Apart, since references come back in every cell and would be pushed out by what is shown once; with
torch itself a worker stays below 2 GB."""

CUDA_BATCH = 16
"""Pictures in one forward pass on CUDA. Short batches are filled up, so that every pass has the same shape
and runs the same kernels: a picture's features do not depend on the other pictures of its batch."""

BLOCK = 1 << 16
"""Vectors are compared in pieces of this length, which stay in a core's own cache."""

STEPS = 32767
"""Features are stored as int16 in [0, STEPS]."""


class FeatureDistance(FrameMetric):
    """A distance that is the sum over layers of the mean over positions of squared differences of features.

    Features are kept by the picture's digest. Known deviation: they are kept as int16, so that more of them
    are kept, which moves an LPIPS score by less than 1e-5. The rounding is dithered, by the same draws for
    all pictures; without it the errors of a plain grey picture would add up over positions.

    A subclass gives `maps` and `peaks`. On the CPU pictures go through the network one by one on one thread,
    on CUDA in filled-up batches; a score is the same, bit for bit, whatever else is scored beside or before
    it.

    Args:
        device: "cpu" or "cuda".

    Attributes:
        peaks: upper bound of each layer's features.
        forwards: pictures that went through the network so far.
    """

    least_side: int
    peaks: list[float]

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self.forwards = 0
        self._references: Features = LRUCache(REFERENCE_BYTES, getsizeof=_bytes)
        self._shown: Features = LRUCache(SHOWN_BYTES, getsizeof=_bytes)

    def maps(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        """Features of pictures, layer by layer.

        Args:
            pixels: uint8 [pictures, height, width, 3], RGB.
        Returns:
            float32 [pictures, channels, rows, columns] each, in [0, peak].
        """
        raise NotImplementedError

    def scores(self, pairs: Sequence[tuple[Picture, Picture]]) -> list[float]:
        """One score per pair (shown, reference); exactly 0 for identical pictures, symmetric.

        Raises:
            MetricError: not uint8 RGB, of different shapes, or too small for the network.
        """
        import torch

        for pair in pairs:
            checked(pair, self.name, self.least_side)
        pairs_at_once = 1 if self.device == "cpu" else CUDA_BATCH // 2
        scores = []
        with (
            torch.inference_mode(),
            _one_thread(),
            torch.backends.cudnn.flags(deterministic=True, allow_tf32=False),
        ):
            for start in range(0, len(pairs), pairs_at_once):
                chunk = pairs[start : start + pairs_at_once]
                vectors = self._vectors(*zip(*chunk, strict=True))
                for shown, reference in chunk:
                    scores.append(self._distance(vectors[shown.digest], vectors[reference.digest]))
        return scores

    def _distance(self, a: list[torch.Tensor], b: list[torch.Tensor]) -> float:
        total = 0.0
        for x, y, peak in zip(a, b, self.peaks, strict=True):
            pieces = zip(x.flatten().split(BLOCK), y.flatten().split(BLOCK), strict=True)
            squared = sum((p - q).float().square_().sum() for p, q in pieces)
            total += squared.item() * (peak / STEPS) ** 2 / x[0].numel()
        return total

    def forget(self) -> None:
        """Drops the features that were kept."""
        self._references.clear()
        self._shown.clear()

    def _vectors(
        self, shown: Sequence[Picture], references: Sequence[Picture]
    ) -> dict[str, list[torch.Tensor]]:
        pictures = {p.digest: p for p in (*shown, *references)}
        kept = {digest: self._references.get(digest) or self._shown.get(digest) for digest in pictures}
        found = {digest: vector for digest, vector in kept.items() if vector is not None}
        for batch in self._batches([p for digest, p in pictures.items() if digest not in found]):
            for picture, vector in zip(batch, self._forward(batch), strict=True):
                found[picture.digest] = vector
        for part, seen in ((self._references, references), (self._shown, shown)):
            for picture in seen:
                if _bytes(found[picture.digest]) <= part.maxsize:
                    part[picture.digest] = found[picture.digest]
        return found

    def _batches(self, pictures: list[Picture]) -> Iterator[list[Picture]]:
        by_shape: dict[tuple[int, ...], list[Picture]] = {}
        for picture in pictures:
            by_shape.setdefault(picture.pixels.shape, []).append(picture)
        size = 1 if self.device == "cpu" else CUDA_BATCH
        for same in by_shape.values():
            for start in range(0, len(same), size):
                yield same[start : start + size]

    def _forward(self, batch: list[Picture]) -> list[list[torch.Tensor]]:
        import torch

        size = 1 if self.device == "cpu" else CUDA_BATCH
        pixels = torch.zeros((size, *batch[0].pixels.shape), dtype=torch.uint8)
        for slot, picture in zip(pixels, batch, strict=False):
            slot.numpy()[:] = picture.pixels
        self.forwards += len(batch)
        maps = zip(self.maps(pixels.to(self.device)), self.peaks, strict=True)
        stored = [_rounded(layer * (STEPS / peak)) for layer, peak in maps]
        return [[layer[i].clone() for layer in stored] for i in range(len(batch))]


def _bytes(vector: list[torch.Tensor]) -> int:
    return sum(layer.nbytes for layer in vector)


def _rounded(layer: torch.Tensor) -> torch.Tensor:
    import torch

    draws = _dither(tuple(layer.shape[1:]), layer.device)
    return (layer + draws).floor_().clamp_(0, STEPS).to(torch.int16).contiguous()


@lru_cache(maxsize=32)
def _dither(shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    import torch

    draws = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    return draws[None].contiguous(memory_format=torch.channels_last)[0].to(device)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch splits sums by thread; with one, their bits do not depend on the machine's number of cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
