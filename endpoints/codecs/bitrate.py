"""Bitrates as people write them: 16000, "500k", "1.5 Mbit/s"."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

_WRITTEN = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([kKmM])?(?:bit/s|bps|b/s)?\s*")
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}
LEAST = 1_000


def bits_per_second(value: object) -> object:
    """A text such as "500k" as bits per second; anything else as it is.

    Raises:
        ValueError: fewer than 1000 bits per second, which are meant as kbit/s.
    """
    if isinstance(value, str) and (found := _WRITTEN.fullmatch(value)) is not None:
        value = round(float(found[1]) * _FACTORS[(found[2] or "").lower()])
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < LEAST:
        raise ValueError(f"{value:g} bit/s; did you mean {value:g}k (kbit/s)?")
    return value


Bitrate = Annotated[int, BeforeValidator(bits_per_second)]
"""Bits per second, in a pydantic model."""
