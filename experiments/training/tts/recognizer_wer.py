"""`python -m lossweep.experiments.training.tts.recognizer_wer --data DIR`: word error rates of recognizers.

On English clips whose transcript comes from their corpus, one of each person with eight words or more, and on the GRID
sentences that are held out.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

from lossweep.channels.errors import LossweepError
from lossweep.endpoints.asr.recognizer import DEFAULT, Recognizer, recognizer
from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.experiments.metrics.recognition import normalize_words
from lossweep.experiments.metrics.word_recovery import edit_distance
from lossweep.experiments.training.face.split import clips_folder, grid
from lossweep.experiments.training.tts.recorded_clips import NEW_CLIPS, SAID, grid_words, read_speech

CLIPS, SENTENCES, FEWEST_WORDS = 10, 30, 8


def english_clips(data: Path) -> list[tuple[Path, list[str]]]:
    """Ten clips and the words of their transcripts, evenly over those of clips_new.csv."""
    root = clips_folder(data).parent
    with (root / NEW_CLIPS).open(newline="", encoding="utf-8") as lines:
        rows = [
            row
            for row in csv.DictReader(lines)
            if row["file"].startswith("clips_english/")
            and row["transcript_source"] == "repo"
            and len(row["transcript"].split()) >= FEWEST_WORDS
        ]
    first = {row["identity"]: row for row in reversed(rows)}
    some = sorted(first.values(), key=rows.index)
    some = some[:: max(1, len(some) // CLIPS)][:CLIPS]
    return [(root / row["file"], normalize_words(row["transcript"])) for row in some]


def grid_sentences(data: Path) -> list[tuple[Path, list[str]]]:
    """Held-out GRID sentences and their words."""
    letters = {said: written for written, said in SAID.items()}
    out = []
    for person in [one for one in grid(data) if one.held_out][:SENTENCES]:
        path = clips_folder(data) / person.file
        words = grid_words(path.parent / "align" / f"{path.stem}.align")
        out.append((path, [letters.get(str(word.text), str(word.text)) for word in words]))
    return out


def line(ears: Recognizer, what: str, clips: list[tuple[Path, list[str]]]) -> str:
    """One line: word error rate, number of words, CPU seconds per second of speech."""
    wrong = words = 0
    start_s, seconds = time.process_time(), 0.0
    for path, said in clips:
        speech = read_speech(path)
        heard = normalize_words(" ".join(str(word.text) for word in ears.words(speech)))
        wrong, words = wrong + edit_distance(said, heard), words + len(said)
        seconds += len(speech) / SPEECH_RATE
    rate = (time.process_time() - start_s) / seconds
    return f"{ears.label}, {len(clips)} {what}: WER {wrong / words:.3f} of {words} words, {rate:.2f} s per s"


def main(argv: list[str] | None = None) -> int:
    """Prints the lines; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lossweep.experiments.training.tts.recognizer_wer", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/ and clips_english/")
    parser.add_argument("--recognizer", nargs="+", default=[DEFAULT], help="names or model folders")
    args = parser.parse_args(argv)
    try:
        for name in args.recognizer:
            ears = recognizer(name)
            print(line(ears, "English clips", english_clips(args.data)), flush=True)
            print(line(ears, "GRID sentences", grid_sentences(args.data)), flush=True)
    except LossweepError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
