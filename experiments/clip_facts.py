"""What a clip holds, as its container and its first picture say; the clip itself is not loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from lossweep.endpoints.clip import ClipError
from lossweep.experiments.clips.source import BUILT_IN, CAPTION_SUFFIXES, TRANSCRIPT_SUFFIXES
from lossweep.experiments.parts import ClipParams

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

_PACKETS_TRIED = 300


@dataclass(frozen=True)
class Facts:
    """What is known of a clip, as it is cut and scaled.

    Attributes:
        parts: "video", "speech", "words": what it holds; words are those of captions or transcripts.
        seconds: length.
        fps: frames per second.
        width, height: of the pictures, in pixels, as displayed and padded to even; 0 without pictures.
    """

    parts: frozenset[str]
    seconds: float
    fps: float = 25.0
    width: int = 0
    height: int = 0

    @property
    def frames(self) -> int:
        """Pictures of the clip."""
        return max(1, round(self.seconds * self.fps))

    @property
    def pixels_per_s(self) -> float:
        """0 without pictures."""
        return self.fps * self.width * self.height


PORTRAIT = Facts(frozenset({"video", "speech", "words"}), seconds=8.0, width=256, height=256)


def facts_of(clip: ClipParams) -> Facts | None:
    """What a clip holds; None where its container does not say.

    Raises:
        ClipError: a file that cannot be opened, with neither pictures nor sound, or of which no picture decodes.
    """
    whole = PORTRAIT if clip.source == BUILT_IN else _of_file(clip.source)
    if whole is None:
        return None
    seconds = whole.seconds if clip.seconds is None else min(whole.seconds, clip.seconds)
    width, height = (clip.size, clip.size) if clip.size and whole.height else (whole.width, whole.height)
    captions = {"words"} if any(file.suffix.lower() in CAPTION_SUFFIXES for file in clip.files()) else set()
    parts = whole.parts | captions
    return replace(whole, parts=parts, seconds=seconds, fps=clip.fps or whole.fps, width=width, height=height)


@lru_cache(maxsize=1024)
def _of_file(source: str) -> Facts | None:
    path = Path(source.partition("#")[0] if ".tsv#" in source else source)
    if path.suffix.lower() in TRANSCRIPT_SUFFIXES:
        return None
    import av

    from lossweep.experiments.clips.container import audio_stream, open_media, video_stream
    from lossweep.experiments.clips.view import whole_view

    with open_media(path) as container:
        pictures, sound = video_stream(container), audio_stream(container)
        seconds = container.duration / av.time_base if container.duration is not None else None
        if pictures is None and sound is None:
            raise ClipError(f"{path}: no pictures and no sound in this file; name another one")
        if pictures is None:
            return None if seconds is None else Facts(frozenset({"speech"}), seconds)
        if pictures.duration is not None and pictures.time_base is not None:
            seconds = float(pictures.duration * pictures.time_base)
        frame = _first_frame(container, pictures)
        if seconds is None or pictures.average_rate is None or frame is None:
            return None
        width, height = whole_view(frame, pictures.sample_aspect_ratio).even
        parts = frozenset({"video"} if sound is None else {"video", "speech"})
        return Facts(parts, seconds, float(pictures.average_rate), width, height)


def _first_frame(container: InputContainer, stream: av.VideoStream) -> av.VideoFrame | None:
    """The first frame that decodes; None where none of the first packets gives one.

    Raises:
        ClipError: no packet of the stream gives one.
    """
    import av

    from lossweep.experiments.clips.container import NOTHING_DECODES

    packets = container.demux(stream)
    for _ in range(_PACKETS_TRIED):
        try:
            packet = next(packets, None)
            if packet is None:
                raise ClipError(f"{container.name.removeprefix('file:')}: {NOTHING_DECODES}")
            for frame in packet.decode():
                return frame
        except av.FFmpegError:
            continue
    return None
