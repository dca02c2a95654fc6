"""OpenCV, which only training needs."""

from __future__ import annotations

from typing import Any

from lossweep.channels.errors import MissingPackage


def opencv() -> Any:
    """The module cv2.

    Raises:
        MissingPackage: it is not there, and how to get it.
    """
    try:
        import cv2
    except ImportError:
        raise MissingPackage("training the generator needs OpenCV; pip install lossweep[tracker]") from None
    return cv2
