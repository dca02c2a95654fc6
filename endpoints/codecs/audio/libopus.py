"""The decoder of libopus, for what PyAV cannot ask of it: concealment and in-band FEC.

FFmpeg's wrapper decodes what arrived and takes an empty packet for the end of the stream, so neither a lost
packet nor the low-bitrate redundancy (LBRR) of its successor can be decoded through it. The same shared
library, which comes with PyAV, has both, and is called directly.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


class OpusError(RuntimeError):
    """libopus is not installed, or refuses a packet; one line."""


class OpusDecoder:
    """A mono decoder with its state.

    Args:
        sample_rate: 8000, 12000, 16000, 24000 or 48000.
    Raises:
        OpusError: no libopus here, or a sampling rate it does not take.
    """

    def __init__(self, sample_rate: int) -> None:
        self._library = library()
        error = ctypes.c_int()
        self._state = self._library.opus_decoder_create(sample_rate, 1, ctypes.byref(error))
        if not self._state:
            raise OpusError(f"libopus makes no decoder for {sample_rate} Hz (error {error.value})")

    def __del__(self) -> None:
        if getattr(self, "_state", None):
            self._library.opus_decoder_destroy(self._state)

    def decode(self, packet: bytes, samples: int) -> NDArray[np.float32]:
        """The speech in a packet, float32 [samples].

        Raises:
            OpusError: libopus refuses the packet, or it does not hold `samples` samples.
        """
        return self._call(packet, samples, fec=False)

    def recover(self, successor: bytes, samples: int) -> NDArray[np.float32]:
        """The lost packet before `successor`, from the redundancy in it; concealment where it has none."""
        return self._call(successor, samples, fec=True)

    def conceal(self, samples: int) -> NDArray[np.float32]:
        """What libopus puts where a packet is missing: extrapolation that fades; silence at the start."""
        return self._call(None, samples, fec=False)

    def _call(self, packet: bytes | None, samples: int, fec: bool) -> NDArray[np.float32]:
        pcm = np.empty(samples, np.float32)
        pointer = pcm.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        size = len(packet) if packet is not None else 0
        got = self._library.opus_decode_float(self._state, packet, size, pointer, samples, int(fec))
        if got != samples:
            raise OpusError(f"libopus gave {got} for a packet of {size} bytes, not {samples} samples")
        return pcm


def has_redundancy(packet: bytes) -> bool:
    """Whether the packet carries LBRR, the in-band FEC of the packet before it."""
    return library().opus_packet_has_lbrr(packet, len(packet)) == 1


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """libopus: the one in PyAV's wheel, else the system's.

    Raises:
        OpusError: neither is there; one line that says how to install it.
    """
    package = Path(av.__file__).parent
    folders = (package.parent / "av.libs", package / ".dylibs")
    bundled = [str(path) for folder in folders for path in sorted(folder.glob("*opus*"))]
    system = ctypes.util.find_library("opus")
    for name in [*bundled, *([system] if system else [])]:
        try:
            return _typed(ctypes.CDLL(name))
        except (OSError, AttributeError):
            continue
    install = "brew install opus" if sys.platform == "darwin" else "apt install libopus0"
    raise OpusError(f"no libopus 1.5 or later beside PyAV or on this system; `{install}` brings it")


def _typed(found: ctypes.CDLL) -> ctypes.CDLL:
    integer, state, data = ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p
    found.opus_decoder_create.argtypes = [ctypes.c_int32, integer, ctypes.POINTER(integer)]
    found.opus_decoder_create.restype = state
    found.opus_decoder_destroy.argtypes = [state]
    found.opus_decoder_destroy.restype = None
    pcm = ctypes.POINTER(ctypes.c_float)
    found.opus_decode_float.argtypes = [state, data, ctypes.c_int32, pcm, integer, integer]
    found.opus_packet_has_lbrr.argtypes = [data, ctypes.c_int32]
    return found
