"""What was computed of a content before is not computed again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

K = TypeVar("K")
V = TypeVar("V")


def content_hash(array: NDArray[np.float32]) -> bytes:
    """BLAKE2b digest of the bytes of an array."""
    return hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=16).digest()


def get_or_make(cache: LRUCache[K, V], key: K, make: Callable[[], V]) -> V:
    """The value in the cache; made, and kept there, where it is not."""
    try:
        return cache[key]
    except KeyError:
        value = cache[key] = make()
        return value
