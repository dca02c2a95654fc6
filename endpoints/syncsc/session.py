"""What a receiver of face coefficients knows beforehand: the stream, how it is coded, and the reference pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.session import SESSION_CONFIG, FecParameters, RtpStream
from lossweep.endpoints.syncsc.codes.packet_coded import Coding, Interpolation


@dataclass(frozen=True)
class FaceReference:
    """A picture that both ends share before the session starts, and the face in it.

    Attributes:
        png: the picture, 256 x 256, RGB.
        identity: of the face; what the endpoint's renderer reads.
        coefficients: 16, in standard deviations, as they are sent for a frame.
    """

    __pydantic_config__ = SESSION_CONFIG
    png: bytes
    identity: tuple[float, ...]
    coefficients: tuple[float, ...]

    @classmethod
    def of(
        cls, picture: NDArray[np.uint8], identity: NDArray[np.floating], coefficients: NDArray[np.floating]
    ) -> FaceReference:
        """Of a picture uint8 [256, 256, 3], identity [ids] and coefficients [16] in standard deviations."""
        from PIL import Image

        with io.BytesIO() as file:
            Image.fromarray(picture).save(file, "png", optimize=True)
            return cls(file.getvalue(), tuple(identity.tolist()), tuple(coefficients.tolist()))

    def picture(self) -> NDArray[np.uint8]:
        """uint8 [256, 256, 3]."""
        from PIL import Image

        with Image.open(io.BytesIO(self.png)) as image:
            return np.array(image.convert("RGB"))


@dataclass(frozen=True)
class FaceSession:
    """What a receiver knows beforehand, as from SDP, and the references.

    Attributes:
        streams: the one stream, source and repair rows by ESI; its name is "video".
        fec: the packet code.
        group, look_ahead: the layout of a block; see `Layout`.
        coding: of the rows; see `PacketCoded`.
        fps: frames per second.
        references: shared before the session starts, one or more; the first one is the clip's first frame.
        interpolation, drawing: how this receiver fills in what is missing, and which renderer it has.
    """

    __pydantic_config__ = SESSION_CONFIG
    streams: tuple[RtpStream, ...]
    fec: FecParameters
    group: int
    look_ahead: int
    coding: Coding
    fps: float
    references: tuple[FaceReference, ...]
    interpolation: Interpolation
    drawing: str
