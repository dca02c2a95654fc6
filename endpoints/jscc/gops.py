"""A clip cut into groups of pictures for endpoints that send symbols, and how many channel uses each may take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import Clip, ClipError, Playback
from lossweep.endpoints.codecs.video.decode import Picture, picture
from lossweep.endpoints.jscc.contract import SymbolError

GREY = 128


def gops(clip: Clip, length: int, multiple: int = 8) -> Iterator[NDArray[np.uint8]]:
    """Groups of `length` pictures, uint8 [n, height, width, 3]; the last one takes what is left, up to 2 length - 1.

    Raises:
        ClipError: no pictures, fewer than `length`, or a size that is no multiple of `multiple`.
    """
    if clip.video is None:
        raise ClipError(f"clip {clip.name} has no pictures")
    if len(clip.video) < length:
        raise ClipError(
            f"clip {clip.name} has {len(clip.video)} frames, fewer than a group of {length}; choose a longer clip"
        )
    height, width = clip.video[0].shape[:2]
    if height % multiple or width % multiple:
        raise ClipError(
            f"clip {clip.name} has {width}x{height} pixels; symbols need multiples of {multiple}: give the clip a size"
        )
    count = len(clip.video) // length
    for i in range(count):
        end = len(clip.video) if i == count - 1 else (i + 1) * length
        yield np.stack(clip.video[i * length : end])


def uses_of(rho: float, pictures: int, height: int, width: int, least: int) -> int:
    """Channel uses of some pictures at a bandwidth ratio: k = rho * 3 * height * width * pictures.

    Args:
        least: channel uses without which nothing can be sent.
    Raises:
        SymbolError: fewer than `least`.
    """
    k = int(rho * 3 * height * width * pictures)
    if k < least:
        raise SymbolError(
            f"rho {rho:g} leaves {k} symbols for {pictures} pictures of {width}x{height}; at least {least} are needed"
        )
    return k


def playback(pictures: Sequence[NDArray[np.uint8] | None], width: int, height: int, fps: float) -> Playback:
    """What the screen shows; None is a picture that was not received: the last one stays, grey before the first."""
    last: Picture | None = None
    nothing = picture(np.full((height, width, 3), GREY, np.uint8))
    shown, outcomes = [], []
    for one in pictures:
        if one is not None:
            last = picture(one)
            outcomes.append("whole")
        else:
            outcomes.append("grey" if last is None else "frozen")
        shown.append(last or nothing)
    if not shown:
        shown, outcomes = [nothing], ["grey"]
    clip = Clip("received", [one.pixels for one in shown], fps)
    return Playback(clip, tuple(outcomes), tuple(one.digest for one in shown))
