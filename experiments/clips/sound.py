"""The sound of a media file at 16 kHz mono, each piece at its own time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.experiments.clips.container import audio_stream, open_media
from lossweep.experiments.clips.memory import check_fits
from lossweep.experiments.clips.timeline import RunningTime

_MIX = {"rematrix_maxval": "1.0"}  # the mean of two channels, which cannot clip
_BYTES_PER_S = 2 * 4 * SPEECH_RATE  # the resampled runs, and what they are laid into
TOLERANCE_S = 0.010
"""A frame that begins up to this far from the end of the one before it continues it: timestamps are rounded."""


@dataclass(frozen=True)
class Sound:
    """Decoded sound.

    Attributes:
        samples: float32 [samples] in [-1, 1], 16 kHz mono.
        begin_s, end_s: the file's times of the first sample and of the end, up to a second beyond what was wanted.
        notes: what was left out or chosen, one line each.
    """

    samples: NDArray[np.float32]
    begin_s: float
    end_s: float
    notes: tuple[str, ...] = ()


@dataclass
class _Run:
    """Frames without a gap and of one format, resampled together."""

    start_s: float
    form: tuple[str, str, int]
    resampler: av.AudioResampler = field(
        default_factory=lambda: av.AudioResampler(format="flt", layout="mono", rate=SPEECH_RATE, options=_MIX)
    )
    samples_in: int = 0
    parts: list[NDArray[np.float32]] = field(default_factory=list)

    @property
    def end_s(self) -> float:
        return self.start_s + self.samples_in / self.form[2]

    def add(self, frame: av.AudioFrame | None) -> None:
        self.parts += [part.to_ndarray()[0] for part in self.resampler.resample(frame)]
        self.samples_in += frame.samples if frame is not None else 0


def read_sound(path: Path, start_s: float | None, duration_s: float | None) -> Sound | None:
    """The default sound stream of a file; gaps in its timestamps are silence, as with ffmpeg's `aresample=async=1`.

    Frames whose sample rate or channel layout differ from those before are resampled on their own. Packets that
    do not decode are skipped.

    Args:
        start_s: the file's time of the first sample wanted; None for the sound's own beginning.
        duration_s: length wanted, padded with silence; None for all of it.
    Returns:
        None where there is no sound, or none that decodes.
    Raises:
        ClipError: as `open_media`; more than the memory holds.
    """
    with open_media(path) as container:
        stream = audio_stream(container)
        if stream is None:
            return None
        length_s = (container.duration or 0) / av.time_base if duration_s is None else duration_s
        check_fits(path, f"{length_s / 3600:.1f} h of sound", _BYTES_PER_S, length_s)
        runs, undecoded = _runs(container, stream, start_s, duration_s)
        notes = [f"{undecoded} of its sound packets do not decode: silence instead"] if undecoded else []
        if stream.channels > 1 or stream.rate > SPEECH_RATE:
            channels = {1: "mono", 2: "stereo"}.get(stream.channels, f"{stream.channels} channels")
            form = f"{stream.rate / 1000:g} kHz {channels}"
            notes.append(f"its sound ({form}) is converted to {SPEECH_RATE // 1000} kHz mono")
        others = len(container.streams.audio) - 1
        if others:
            which = f"{stream.codec_context.name}, {stream.layout.name}, stream {stream.index}"
            notes.append(f"of its {others + 1} sound streams the default one is used ({which})")
    if not runs:
        return None
    samples = _assembled(runs, runs[0].start_s if start_s is None else start_s, duration_s)
    return Sound(samples, runs[0].start_s, runs[-1].end_s, tuple(notes))


def _runs(
    container: av.container.InputContainer,
    stream: av.AudioStream,
    start_s: float | None,
    duration_s: float | None,
) -> tuple[list[_Run], int]:
    """The sound in order of the file, up to a second more than wanted, and how many packets do not decode."""
    runs: list[_Run] = []
    undecoded, clock = 0, RunningTime()
    try:
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    _add(runs, frame, clock)
            except av.FFmpegError:
                undecoded += 1
            begin_s = start_s if start_s is not None or not runs else runs[0].start_s
            if duration_s is not None and runs and runs[-1].end_s > (begin_s or 0.0) + duration_s + 1:
                break
    except av.FFmpegError:  # the file breaks off
        pass
    if runs:
        runs[-1].add(None)
    return runs, undecoded


def _add(runs: list[_Run], frame: av.AudioFrame, clock: RunningTime) -> None:
    """Continues the last run, or begins one after a gap or a change of format."""
    form = (frame.format.name, frame.layout.name, max(frame.sample_rate, 1))
    expected_s = runs[-1].end_s if runs else 0.0
    length_s = frame.samples / form[2]
    at_s = expected_s if frame.time is None else clock.at(frame.time, length_s)
    near = bool(runs) and abs(at_s - expected_s) <= TOLERANCE_S
    if not near or runs[-1].form != form:
        if runs:
            runs[-1].add(None)
        runs.append(_Run(expected_s if near else at_s, form))
    runs[-1].add(frame)


def _assembled(runs: list[_Run], start_s: float, duration_s: float | None) -> NDArray[np.float32]:
    """The runs laid at their times from `start_s` on, silence elsewhere."""
    pieces = [
        (round((run.start_s - start_s) * SPEECH_RATE), np.concatenate(run.parts)) for run in runs if run.parts
    ]
    ends = [first + len(samples) for first, samples in pieces]
    wanted = max(ends, default=0) if duration_s is None else round(duration_s * SPEECH_RATE)
    sound = np.zeros(max(wanted, 0), np.float32)
    for first, samples in pieces:
        samples = samples[max(-first, 0) :]
        first = max(first, 0)
        part = samples[: max(wanted - first, 0)]
        sound[first : first + len(part)] = part
    return np.clip(sound, -1.0, 1.0)
