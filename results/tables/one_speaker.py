"""`python results/tables/one_speaker.py --data DIR --out FOLDER`: sentences of GRID's man that no voice was trained on.

Every sixth of the held-out sentences, as a clip with captions: one word a cue, with the corpus' times. The sound is
moved as much later as GRID's pictures are late (one frame, `sound_lag` on the training sentences), so that picture
and sound are in sync. Nothing is encoded again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import av

from lossweep.endpoints.clip import Word
from lossweep.endpoints.tts.synthesizer import FPS
from lossweep.experiments.training.face.split import clips_folder, grid
from lossweep.experiments.training.tts.recorded_clips import grid_words

LATE_FRAMES = 1
EVERY = 6


def in_sync(source: Path, target: Path, later_s: float) -> None:
    """Copies a video file with its sound that much later."""
    with av.open(str(source)) as file, av.open(str(target), "w") as out:
        streams = {
            one.index: out.add_stream_from_template(one) for one in (*file.streams.video, *file.streams.audio)
        }
        for packet in file.demux(*file.streams.video, *file.streams.audio):
            if packet.dts is None:
                continue
            by = round(later_s / packet.time_base) if packet.stream.type == "audio" else 0
            packet.pts, packet.dts = packet.pts + by, packet.dts + by
            packet.stream = streams[packet.stream.index]
            out.mux(packet)


def captions(words: tuple[Word, ...]) -> str:
    """A WebVTT file with a cue for each word."""

    def clock(time_s: float) -> str:
        return f"00:{int(time_s // 60):02}:{time_s % 60:06.3f}"

    cues = (f"{clock(w.start_s)} --> {clock(w.end_s)}\n{w.text}\n" for w in words)
    return "WEBVTT\n\n" + "\n".join(cues)


def main() -> None:
    """Writes the clips and their captions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/ and grid_s1/")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    later_s = LATE_FRAMES / FPS
    for person in [one for one in grid(args.data) if one.held_out][::EVERY]:
        source = clips_folder(args.data) / person.file
        target = args.out / source.name
        in_sync(source, target, later_s)
        said = grid_words(source.parent / "align" / f"{source.stem}.align")
        moved = tuple(Word(w.text, w.start_s + later_s, w.end_s + later_s) for w in said)
        target.with_suffix(".vtt").write_text(captions(moved), encoding="utf-8")


if __name__ == "__main__":
    main()
