"""Media files, opened so that a file can name no other file, and the streams that ffmpeg would take."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition

from lossweep.endpoints.clip import ClipError

_FORMATS = (
    "mov,mp4,m4a,3gp,matroska,webm,avi,flv,gif,asf,mpegts,mpeg,mpegvideo,m4v,h264,hevc,ivf,obu,yuv4mpegpipe,"
    "mxf,ogg,wav,w64,mp3,aac,flac,aiff,caf,amr,au,ac3,eac3"
)
"""Demuxers that read one file only. Playlists (concat, hls, dash, imf, sdp, image2, ...) are not among them."""

NOTHING_DECODES = "no frame of it decodes; repair or convert the file"
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}


def open_media(path: Path) -> InputContainer:
    """Opens a media file by ffmpeg's libraries.

    The name is taken as that of a local file, whatever it looks like, and only containers that hold their media
    themselves are opened, so a file from elsewhere cannot make lossweep read other files or addresses.

    Raises:
        ClipError: no regular file, an empty one, or none that is opened.
    """
    if not path.is_file():
        raise ClipError(
            f"{path}: {'a broken link' if path.is_symlink() else 'no regular file'}; name a media file"
        )
    if path.stat().st_size == 0:
        raise ClipError(f"{path}: an empty file; copy it again")
    try:
        return av.open(f"file:{path}", container_options=_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ClipError(
            f"{path}: not a video or sound file that ffmpeg reads, or damaged ({reason}); playlists are not opened"
        ) from None


def video_stream(container: InputContainer) -> av.VideoStream | None:
    """The pictures that ffmpeg takes: of the streams marked as default the one with most pixels; no cover pictures."""
    streams = [s for s in container.streams.video if _has_decoder(s) and not _is_cover(s)]
    return max(streams, key=lambda s: (_default(s), s.width * s.height), default=None)


def covers(container: InputContainer) -> int:
    """How many of the video streams are cover pictures."""
    return sum(map(_is_cover, container.streams.video))


def audio_stream(container: InputContainer) -> av.AudioStream | None:
    """The sound that ffmpeg takes: of the streams marked as default the one with most channels."""
    streams = [s for s in container.streams.audio if _has_decoder(s)]
    return max(streams, key=lambda s: (_default(s), s.channels), default=None)


def _is_cover(stream: av.VideoStream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)


def _has_decoder(stream: av.VideoStream | av.AudioStream) -> bool:
    return stream.codec_context is not None


def _default(stream: av.VideoStream | av.AudioStream) -> bool:
    return bool(stream.disposition & Disposition.default)
