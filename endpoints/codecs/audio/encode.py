"""Speech to coded frames through PyAV, with the exact time of each."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import SPEECH_RATE, Clip, ClipError


@dataclass(frozen=True)
class CodedSpeech:
    """Coded frames of equal duration.

    Attributes:
        frames: coded frames; decoded one after another they give the speech, `delay` samples late.
        frame_samples: samples per frame, at 16 kHz.
        delay: samples that the decoder gives before the first one of the clip (Opus: pre-skip; AAC: priming).
        ready: int64 [frames]; samples that the encoder had been given when the frame came out.
        samples: of the clip's speech.
        extradata: what the decoder must know beforehand.
    """

    frames: tuple[bytes, ...]
    frame_samples: int
    delay: int
    ready: NDArray[np.int64]
    samples: int
    extradata: bytes

    @property
    def bps(self) -> float:
        """Bits per second of the coded frames alone."""
        return 8 * sum(map(len, self.frames)) * SPEECH_RATE / (len(self.frames) * self.frame_samples)


def speech_of(clip: Clip, codec: str) -> NDArray[np.float32]:
    """The clip's speech.

    Raises:
        ClipError: there is none.
    """
    if clip.speech is None or not len(clip.speech):
        raise ClipError(f"clip {clip.name} has no sound, which {codec} sends")
    return clip.speech


def encode(
    speech: NDArray[np.float32],
    encoder: str,
    sample_format: str,
    frame_samples: int,
    bitrate: int,
    options: dict[str, str],
) -> CodedSpeech:
    """Encodes speech; zeros behind it until every sample of it can be decoded. Equal input, equal bytes.

    Args:
        speech: float32 [samples] in [-1, 1], 16 kHz mono.
        encoder: libavcodec name.
        sample_format: of FFmpeg, as the encoder takes it; floating point.
        frame_samples: samples per frame.
        bitrate: bits per second.
        options: of the encoder.
    """
    context = cast(av.AudioCodecContext, av.CodecContext.create(encoder, "w"))
    context.sample_rate, context.layout, context.format = SPEECH_RATE, "mono", sample_format
    context.time_base, context.bit_rate, context.options = Fraction(1, SPEECH_RATE), bitrate, options
    frames: list[bytes] = []
    ready: list[int] = []
    delay = given = 0
    while len(frames) * frame_samples < len(speech) + delay:
        piece = np.zeros((1, frame_samples), np.float32)
        here = speech[given : given + frame_samples]
        piece[0, : len(here)] = here
        frame = av.AudioFrame.from_ndarray(piece, format=sample_format, layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SPEECH_RATE, given, context.time_base
        given += frame_samples
        for packet in context.encode(frame):
            if not frames:
                delay = -(packet.pts or 0)
            frames.append(bytes(packet))
            ready.append(given)
    extradata = bytes(context.extradata or b"")
    return CodedSpeech(tuple(frames), frame_samples, delay, np.array(ready), len(speech), extradata)
