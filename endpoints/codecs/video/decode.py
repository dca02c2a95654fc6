"""Access units of one block to pictures, as far as they arrived."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from weakref import WeakValueDictionary

import av
import numpy as np
from cachetools import LRUCache, cached
from numpy.typing import NDArray

from lossweep.endpoints.codecs.video.codec import Codec


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture: uint8 [height, width, 3] RGB, its content hash, whether loss was concealed in it."""

    pixels: NDArray[np.uint8]
    digest: str
    concealed: bool = False


# Different arrival patterns decode to mostly the same pictures, so pictures are interned.
_held: WeakValueDictionary[str, Picture] = WeakValueDictionary()
BYTES_HELD = 1 << 30


def _size(pictures: tuple[Picture, ...]) -> int:
    return sum(picture.pixels.nbytes for picture in pictures) + 1


_blocks: LRUCache = LRUCache(BYTES_HELD, getsizeof=_size)


def picture(pixels: NDArray[np.uint8], concealed: bool = False) -> Picture:
    """A `Picture` with its content hash."""
    pixels = np.ascontiguousarray(pixels)
    digest = hashlib.blake2b(pixels, digest_size=16).hexdigest()
    key = digest + "concealed" * concealed
    return _held.setdefault(key, Picture(pixels, digest, concealed))


@cached(_blocks)
def decode_block(
    codec: Codec, whole: tuple[bytes, ...], damaged: bytes, width: int, height: int
) -> tuple[Picture, ...]:
    """Pictures of one closed GOP: its leading whole access units and, if the codec conceals, one damaged one.

    A new decoder gets only this block, so its output does not depend on earlier blocks. The
    access units after the first that is not whole are not decoded: their references are not what the
    encoder had. A damaged IDR has no reference to conceal from and is not decoded either. The latest
    `BYTES_HELD` bytes of pictures are kept, so equal bytes are decoded once.

    Args:
        whole: access units from the IDR on, all whole.
        damaged: what arrived of the one after them, b"" if nothing.
        width, height: size to scale the pictures to.
    Returns:
        Pictures in order, one for each access unit of `whole` and perhaps one more, concealed; fewer where the
        decoder refuses an access unit (its bytes were damaged on the way).
    """
    if not whole:
        return ()
    tail = [damaged] if damaged and codec.conceals else []
    context = av.CodecContext.create(codec.decoder, "r")
    context.thread_count = 1
    frames: dict[int | None, av.VideoFrame] = {}
    with _quiet():
        for index, unit in enumerate([*whole, *tail, None]):
            packet = None if unit is None else av.Packet(unit)
            if packet is not None:
                packet.pts = index
            try:
                for frame in context.decode(packet):
                    frames.setdefault(frame.pts, frame)
            except (av.FFmpegError, ValueError):
                break
    out: list[Picture] = []
    while len(out) in frames and len(out) < len(whole) + len(tail):
        out.append(picture(_rgb(frames[len(out)], width, height), len(out) >= len(whole)))
    return tuple(out)


def _rgb(frame: av.VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
    return frame.reformat(width, height, "rgb24", interpolation="BICUBIC").to_ndarray()


class _quiet:
    """Keeps libavcodec's messages on damaged input off the screen."""

    def __enter__(self) -> None:
        self.level = av.logging.get_level()
        av.logging.set_level(av.logging.PANIC)
        logging.getLogger("libav").setLevel(logging.CRITICAL)

    def __exit__(self, *_: object) -> None:
        av.logging.set_level(self.level)
