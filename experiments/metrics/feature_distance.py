"""Perceptual distances between features of a network, each picture through the network only once."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from experiments.metrics.metric import Picture, checked

if TYPE_CHECKING:
    import torch

CACHE_BYTES = 1_200_000_000
"""Features kept by one process: 270 pictures of LPIPS squeeze at 256x256, so the references of a clip of 8 s
and what is shown beside them; with torch itself a worker stays below 2 GB."""

CUDA_BATCH = 16
"""Pictures in one forward pass on CUDA. Short batches are filled up, so that every pass has the same shape
and runs the same kernels: a picture's features do not depend on the other pictures of its batch."""

BLOCK = 1 << 16
"""Vectors are compared in pieces of this length, which stay in a core's own cache."""

STORED_SCALE = 64.0
"""Vectors are stored times this, where float16 has its full precision."""


class FeatureDistance:
    """A distance that is the sum over layers of the mean over positions of squared differences of features.

    With each layer divided by the root of its number of positions this is the squared distance between two
    vectors, one a picture, which are kept by the picture's digest. Known deviation: they are kept as float16,
    so that more of them are kept, which moves an LPIPS score by less than 1e-5.

    A subclass gives `maps`. On the CPU pictures go through the network one by one on one thread, on CUDA in
    filled-up batches; a score is the same, bit for bit, whatever else is scored in the same or an earlier call.

    Args:
        device: "cpu" or "cuda".

    Attributes:
        forwards: pictures that went through the network so far.
    """

    name: str
    least_side: int

    def __init__(self, device: str) -> None:
        self.device = device
        self.forwards = 0
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._kept_bytes = 0

    def maps(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        """Features of pictures, layer by layer.

        Args:
            pixels: uint8 [pictures, height, width, 3], RGB.
        Returns:
            float32 [pictures, channels, rows, columns] each.
        """
        raise NotImplementedError

    def scores(self, pairs: Sequence[tuple[Picture, Picture]]) -> list[float]:
        """One score a pair (shown, reference); exactly 0 for identical pictures, symmetric.

        Raises:
            ValueError: not uint8 RGB, of different shapes, or too small for the network.
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
                vectors = self._vectors([picture for pair in chunk for picture in pair])
                for shown, reference in chunk:
                    scores.append(_distance(vectors[shown.digest], vectors[reference.digest]))
        return scores

    def _vectors(self, pictures: list[Picture]) -> dict[str, torch.Tensor]:
        found = {p.digest: self._kept[p.digest] for p in pictures if p.digest in self._kept}
        missing = list({p.digest: p for p in pictures if p.digest not in found}.values())
        for batch in self._batches(missing):
            for picture, vector in zip(batch, self._forward(batch), strict=True):
                found[picture.digest] = vector
        for digest, vector in found.items():
            self._keep(digest, vector)
        return found

    def _batches(self, pictures: list[Picture]) -> Iterator[list[Picture]]:
        by_shape: dict[tuple[int, ...], list[Picture]] = {}
        for picture in pictures:
            by_shape.setdefault(picture.pixels.shape, []).append(picture)
        size = 1 if self.device == "cpu" else CUDA_BATCH
        for same in by_shape.values():
            for start in range(0, len(same), size):
                yield same[start : start + size]

    def _forward(self, batch: list[Picture]) -> list[torch.Tensor]:
        import torch

        size = 1 if self.device == "cpu" else CUDA_BATCH
        pixels = torch.zeros((size, *batch[0].pixels.shape), dtype=torch.uint8)
        for slot, picture in zip(pixels, batch, strict=False):
            slot.numpy()[:] = picture.pixels
        self.forwards += len(batch)
        scaled = [
            (layer * (STORED_SCALE / math.sqrt(layer.shape[2] * layer.shape[3]))).half().flatten(1)
            for layer in self.maps(pixels.to(self.device))
        ]
        return [vector.clone() for vector in torch.cat(scaled, dim=1)[: len(batch)]]

    def _keep(self, digest: str, vector: torch.Tensor) -> None:
        if digest not in self._kept:
            self._kept_bytes += vector.nbytes
        self._kept[digest] = vector
        self._kept.move_to_end(digest)
        while self._kept_bytes > CACHE_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._kept_bytes -= oldest.nbytes


def _distance(a: torch.Tensor, b: torch.Tensor) -> float:
    pieces = zip(a.split(BLOCK), b.split(BLOCK), strict=True)
    squared = sum((x.float() - y.float()).square_().sum() for x, y in pieces)
    return squared.item() / STORED_SCALE**2


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
