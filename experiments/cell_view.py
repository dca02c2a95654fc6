"""What one cell sent, lost and showed, as the page draws it: frames, film, sound, words, packets."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossweep.channels.errors import MissingPackage
from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.experiments.recompute import Replay
from lossweep.experiments.sweep import Sweep

INSTANTS = 6
SIDE = 160
BINS = 400
"""Points of a waveform."""
STATES = ("arrived", "recovered", "late", "lost")
OUTCOMES = ("whole", "concealed", "frozen", "grey")


@dataclass(frozen=True)
class Frame:
    """One frame of a strip: the picture as a data URI, and the frame's outcome."""

    data: str
    note: str


@dataclass(frozen=True)
class Packets:
    """The packets of a cell, in the order of sending. All lists have one entry per packet.

    Attributes:
        lanes: names of the RTP streams: "video", "video, repair".
        lane: index into `lanes`.
        state: index into STATES; "recovered" is a source packet that repair gave back in time.
        sent_ms, size_bytes: of the packet.
        delay_ms: from sending to arrival; None where it did not arrive.
    """

    lanes: tuple[str, ...]
    lane: list[int]
    state: list[int]
    sent_ms: list[float]
    size_bytes: list[int]
    delay_ms: list[float | None]


@dataclass(frozen=True)
class Waveform:
    """Sound in BINS equal parts: smallest and largest sample of each, in 1/100 of full scale."""

    seconds: float
    low: list[int]
    high: list[int]


@dataclass(frozen=True)
class Original:
    """The clip beside which a cell is shown."""

    frames: tuple[Frame, ...] = ()
    sound: Waveform | None = None


@dataclass(frozen=True)
class CellView:
    """One cell.

    Attributes:
        title: system and network in words.
        clip: key of its `Original`.
        values: label and value of what was measured.
        frames: shown pictures, at the same instants as those of the original.
        outcomes: one letter per frame, the first of its OUTCOMES.
        fps: frames per second.
        film: a film or sound as a data URI; "" where there is none.
        film_kind: "video" or "audio".
        words: pairs of the word that was sent and what is shown of it (None: nothing).
        sound: what is heard.
        packets: None where the cell has none (it sends symbols).
        note: why there is no film, one line; "" otherwise.
    """

    cell: str
    title: str
    clip: str
    values: tuple[tuple[str, str], ...]
    frames: tuple[Frame, ...] = ()
    outcomes: str = ""
    fps: float = 25.0
    film: str = ""
    film_kind: str = ""
    words: tuple[tuple[str, str | None], ...] = ()
    sound: Waveform | None = None
    packets: Packets | None = field(default=None)
    note: str = ""


def view(sweep: Sweep, name: str, title: str, replay: Replay, with_film: bool = True) -> CellView:
    """The view of a cell.

    Args:
        name: the cell's id, in the sweep's table.
        title: the system in words.
        replay: the cell computed again.
        with_film: with the film or sound.
    """
    clip, shown = replay.clip, replay.playback
    row = sweep.table[sweep.table["cell"] == name].iloc[0]
    pictures = clip.video is not None and shown.clip.video is not None
    film, kind, note = _film(shown) if with_film else ("", "", "")
    words: tuple[tuple[str, str | None], ...] = ()
    if clip.words and shown.clip.words is not None:
        from lossweep.experiments.metrics.alignment import align_words

        words = tuple(
            (str(w.text), said) for w, said in zip(clip.words, align_words(clip, shown), strict=True)
        )
    return CellView(
        cell=name,
        title=title,
        clip=str(row["clip"]),
        values=_values(sweep, row),
        frames=frames(clip, shown) if pictures else (),
        outcomes="".join(one[0] for one in shown.outcomes(_length(clip))) if pictures else "",
        fps=clip.fps,
        film=film,
        film_kind=kind,
        words=words,
        sound=waveform(shown.clip.speech),
        packets=packets(replay),
        note=note,
    )


def original(clip: Clip) -> Original:
    """The clip itself, at the instants of `CellView.frames`."""
    pictures = (
        ()
        if clip.video is None
        else tuple(_frame(clip.video[i], f"{i / clip.fps:.1f} s") for i in instants(clip))
    )
    return Original(pictures, waveform(clip.speech))


def packets(replay: Replay) -> Packets | None:
    """The packets of a cell; None where it sends symbols."""
    if replay.stream is None or replay.delivery is None:
        return None
    table = replay.delivery.table()
    lanes: dict[int, str] = {}
    for stream in replay.streams:
        lanes[stream.ssrc] = stream.name
        if stream.repair is not None:
            lanes[stream.repair.ssrc] = f"{stream.name}, repair"
    ssrcs = [int.from_bytes(packet[8:12], "big") for packet in replay.stream.packets]
    names = tuple(dict.fromkeys(lanes.get(ssrc, "other") for ssrc in ssrcs))
    state = np.select([table["recovered"], table["lost"], table["late"]], [1, 3, 2], 0)
    delay = 1000 * (table["arrived_s"] - table["sent_s"])
    order = np.argsort(table["sent_s"].to_numpy(), kind="stable")
    return Packets(
        lanes=names,
        lane=[names.index(lanes.get(ssrcs[i], "other")) for i in order],
        state=[int(state[i]) for i in order],
        sent_ms=[round(1000 * float(table["sent_s"].iloc[i]), 1) for i in order],
        size_bytes=[int(table["size_bytes"].iloc[i]) for i in order],
        delay_ms=[None if pd.isna(delay.iloc[i]) else round(float(delay.iloc[i]), 1) for i in order],
    )


def waveform(speech: NDArray[np.float32] | None) -> Waveform | None:
    """Sound as a page draws it; None where there is none."""
    if speech is None or not len(speech):
        return None
    edges = np.linspace(0, len(speech), min(BINS, len(speech)) + 1).astype(int)[:-1]
    levels = [np.clip(100 * of.reduceat(speech, edges), -100, 100) for of in (np.minimum, np.maximum)]
    low, high = ([int(v) for v in np.round(level)] for level in levels)
    return Waveform(round(len(speech) / SPEECH_RATE, 3), low, high)


def frames(clip: Clip, shown: Playback) -> tuple[Frame, ...]:
    """Frames of what is shown, with their outcomes."""
    at = instants(clip)
    outcomes = shown.outcomes(_length(clip))
    return tuple(_frame(p, outcomes[i]) for i, p in zip(at, shown.pictures(at), strict=True))


def instants(clip: Clip) -> list[int]:
    """Numbers of the frames in a strip."""
    return [int(i) for i in np.linspace(0, _length(clip) - 1, INSTANTS + 2)[1:-1]]


def record(path: Path, received: Playback, inside: bool) -> str:
    """What a page names as the source of a film or sound: the file itself as a data URI, or its place beside the page.

    Args:
        path: without suffix.
        inside: a data URI.
    Raises:
        MissingPackage: no ffmpeg program, or it failed.
    """
    from lossweep.experiments.mp4 import film, sound

    heard = received.clip
    with tempfile.TemporaryDirectory() as folder:
        file = (Path(folder) if inside else path.parent) / path.name
        file.parent.mkdir(exist_ok=True)
        if heard.video is not None:
            file = file.with_name(f"{file.name}.mp4")
            pictures = received.pictures(range(len(heard.video)))
            film(file, pictures, heard.fps, heard.speech, received.sound_late_s)
            kind = "video/mp4"
        else:
            file = file.with_name(f"{file.name}.m4a")
            sound(file, np.zeros(1, np.float32) if heard.speech is None else heard.speech)
            kind = "audio/mp4"
        return inline(file.read_bytes(), kind) if inside else f"{file.parent.name}/{file.name}"


def inline(data: bytes, kind: str) -> str:
    """A data URI; `kind` as "image/png"."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _film(shown: Playback) -> tuple[str, str, str]:
    """A film or sound, its kind, and why there is none."""
    if shown.clip.video is None and shown.clip.speech is None:
        return "", "", ""
    kind = "audio" if shown.clip.video is None else "video"
    try:
        return record(Path("cell"), shown, inside=True), kind, ""
    except MissingPackage as error:
        return "", "", str(error)


def _values(sweep: Sweep, row: pd.Series) -> tuple[tuple[str, str], ...]:
    """What was measured of a cell, in the table's order: label with unit, and value."""
    known: Sequence[str] = [str(name) for name in sweep.table.columns]
    columns = [sweep.column(name) for name in known]
    return tuple(
        (column.heading(), f"{float(row[column.name]) * column.factor:.4g}")
        for column in columns
        if column.role in ("rate", "network", "quality")
        and pd.api.types.is_numeric_dtype(sweep.table[column.name])
        and pd.notna(row[column.name])
    )


def _length(clip: Clip) -> int:
    return 0 if clip.video is None else len(clip.video)


def _frame(pixels: NDArray[np.uint8], note: str) -> Frame:
    from PIL import Image

    height, width = pixels.shape[:2]
    size = (SIDE, max(1, round(SIDE * height / width)))
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size).save(buffer, "JPEG", quality=85)
    return Frame(inline(buffer.getvalue(), "image/jpeg"), note)
