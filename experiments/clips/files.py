"""Clips from media files that ffmpeg reads."""

from __future__ import annotations

import os
from pathlib import Path

import av

from lossweep.endpoints.clip import SPEECH_RATE, Clip, ClipError, Word
from lossweep.experiments.clips.container import open_media, video_stream
from lossweep.experiments.clips.pictures import Pictures, read_pictures
from lossweep.experiments.clips.sidecars import read_sidecars
from lossweep.experiments.clips.sound import Sound, read_sound

_NOTED_S = 0.1
"""Sound without pictures of at least this length is said to be cut; encoders leave up to 0.05 s at the beginning."""
_BROKEN_OFF_S = 0.5


def read_file(path: Path, fps: float | None, size: int | None, seconds: float | None = None) -> Clip:
    """A video or sound file as a clip.

    Pictures are as they are displayed: see `read_pictures`. Frame i is the one that is on the screen i / fps
    after the first. Speech is mixed to mono, begins with the first picture and is cut or padded with silence to
    the length of the pictures; None if the file has no sound. A file without pictures is a clip of sound alone.
    Words come from captions beside the file, else None; what was said without times from `<name>.txt`: see
    `read_sidecars`. `Clip.notes` says what was changed or is not used.

    Args:
        path: of the file.
        fps: wanted frames per second; None for the file's own.
        size: wanted width and height of the square around a large face or of the centre square, in pixels; None for
            the file's own size.
        seconds: keeps only the beginning, this long.
    Raises:
        ClipError: the file cannot be read, holds neither picture nor sound, or more than the memory holds.
    """
    try:
        pictures, sound = _read_media(path, fps, size, seconds)
    except (av.FFmpegError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or "it needs more memory than there is"
        raise ClipError(f"{path}: cannot be decoded ({reason}); repair or convert the file") from error
    if pictures is not None:
        duration_s = len(pictures.video) / pictures.fps
    elif sound is not None:
        duration_s = len(sound.samples) / SPEECH_RATE
    else:
        raise ClipError(f"{path}: no pictures and no sound that decode in this file; name another one")
    beside = read_sidecars(path)
    notes = [*(pictures.notes if pictures else ()), *(sound.notes if sound else ())]
    if pictures is not None:
        notes += _ends(path, pictures, sound, seconds)
    notes += beside.notes
    captions = beside.captions
    words = None
    if captions is not None:
        words = _during(captions.words, duration_s)
        notes += captions.notes
        if len(words) < len(captions.words) and seconds is None:
            notes.append(
                f"{len(captions.words) - len(words)} words of its captions come after its end: left out"
            )
    elif not beside.problem and _has_subtitles(path):
        notes.append("its built-in subtitles are not used; put them beside it (ffmpeg -i CLIP CLIP.srt)")
    return Clip(
        name=os.fsencode(path.stem).decode("utf-8", "replace"),
        video=None if pictures is None else pictures.video,
        fps=25.0 if pictures is None else pictures.fps,
        speech=None if sound is None else sound.samples,
        words=words,
        source="" if captions is None else captions.source,
        transcript=beside.transcript,
        language="" if captions is None else captions.language,
        notes=tuple(notes),
        words_problem=beside.problem,
    )


def _read_media(
    path: Path, fps: float | None, size: int | None, seconds: float | None
) -> tuple[Pictures | None, Sound | None]:
    pictures = read_pictures(path, fps, size, seconds)
    if pictures is None:
        return None, read_sound(path, None, seconds)
    return pictures, read_sound(path, pictures.start_s, len(pictures.video) / pictures.fps)


def _ends(path: Path, pictures: Pictures, sound: Sound | None, seconds: float | None) -> list[str]:
    """What is said of sound without pictures, which is cut, and of a file that is shorter than its header says."""
    end_s = pictures.start_s + len(pictures.video) / pictures.fps
    notes = []
    if sound is not None and sound.begin_s < pictures.start_s - _NOTED_S:
        before_s = pictures.start_s - sound.begin_s
        notes.append(f"its sound begins {before_s:.2f} s before its first picture and is cut there")
    if seconds is not None and end_s - pictures.start_s >= seconds - 1 / pictures.fps:
        return notes  # the end is not wanted
    if sound is not None and sound.end_s > end_s + _NOTED_S:
        return [*notes, "its sound goes on after its last picture and is cut there"]
    with open_media(path) as container:
        others = len(container.streams) - 1 - (sound is not None)
        stream = video_stream(container)
        said_s = max((container.duration or 0) / av.time_base, _duration_s(stream))
        begin_s = (container.start_time or 0) / av.time_base
    held_s = max(end_s, sound.end_s if sound is not None else 0.0) - begin_s
    if not others and said_s > held_s + _BROKEN_OFF_S:
        notes.append(f"the file breaks off: it says that it lasts {said_s:.2f} s and holds {held_s:.2f} s")
    return notes


def _duration_s(stream: av.VideoStream | None) -> float:
    """That of the frames that the header counts; 0 where it counts none."""
    return stream.frames / float(stream.average_rate) if stream is not None and stream.average_rate else 0.0


def _during(words: tuple[Word, ...], duration_s: float) -> tuple[Word, ...]:
    """The words that begin before the clip's end, ended with it."""
    return tuple(Word(w.text, w.start_s, min(w.end_s, duration_s)) for w in words if w.start_s < duration_s)


def _has_subtitles(path: Path) -> bool:
    with open_media(path) as container:
        return bool(container.streams.subtitles)
