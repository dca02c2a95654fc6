"""Encodings kept in the cache folder by content: pictures, settings, library versions, and the code that encodes."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.cache import cache_folder, clear_left_overs, read, write
from lossweep.channels.content import files_hash
from lossweep.endpoints.codecs.video import codec as codec_module
from lossweep.endpoints.codecs.video import encode as encode_module
from lossweep.endpoints.codecs.video import program
from lossweep.endpoints.codecs.video.codec import Codec
from lossweep.endpoints.codecs.video.encode import Coded, encode, versions
from lossweep.endpoints.packetize import annexb


def cached_encode(
    codec: Codec,
    video: Sequence[NDArray[np.uint8]],
    video_hash: str,
    fps: float,
    gop: int,
    quantizer: float,
    resolution: int,
) -> Coded:
    """`encode`, or its earlier result from the cache. A kept file that is damaged is made again.

    Args:
        video_hash: `content_hash` of the pictures; for the others see `encode`.
    Raises:
        EncodeError: see `encode`.
    """
    settings = [codec.encoder, codec.options(gop, quantizer), codec.messages, fps, resolution]
    settings += [program.program_version()] if codec.in_program else []
    key = json.dumps([video_hash, settings, versions(), _sources()], sort_keys=True)
    path = cache_folder() / "encodings" / f"{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}.npz"
    data = read(path)
    if data is not None:
        try:
            return _loaded(data, codec, gop, quantizer)
        except Exception:  # whatever damaged bytes lead to; the encoding is made again
            pass
    coded = encode(codec, video, fps, gop, quantizer, resolution)
    write(path, _stored(coded))
    return coded


@lru_cache(maxsize=1)
def _sources() -> str:
    clear_left_overs(cache_folder() / "encodings")
    return files_hash(
        Path(module.__file__ or "") for module in (codec_module, encode_module, program, annexb)
    )


def _stored(coded: Coded) -> bytes:
    sizes = np.array([len(unit) for unit in coded.access_units])
    data = np.frombuffer(b"".join(coded.access_units), np.uint8)
    file = io.BytesIO()
    np.savez(file, sizes=sizes, data=data, shape=[coded.width, coded.height], bpp=coded.bpp)
    return file.getvalue()


def _loaded(data: bytes, codec: Codec, gop: int, quantizer: float) -> Coded:
    with np.load(io.BytesIO(data)) as stored:
        ends = np.cumsum(stored["sizes"])
        units_data = stored["data"].tobytes()
        width, height = map(int, stored["shape"])
        bpp = float(stored["bpp"])
    if not len(ends) or ends[-1] != len(units_data):
        raise ValueError("the access units are not whole")
    units = tuple(units_data[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True))
    return Coded(codec.name, units, gop, quantizer, width, height, bpp)
