"""A clip of a talking head (pictures, speech, words), and the playback of what a receiver restored."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import LossweepError

SPEECH_RATE = 16_000


class ClipError(LossweepError, ValueError):
    """Something is wrong with a clip; one line that names the clip or file, and what to do."""


@dataclass(frozen=True)
class Word:
    """A spoken word. `text` is None where a receiver does not know it."""

    text: str | None
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Clip:
    """Pictures, speech and words of one clip; any of the three may be absent (None).

    Attributes:
        name: for tables and plots.
        video: uint8 [frames, height, width, 3], RGB; at a receiver a sequence of such pictures, in which
            a picture may be repeated.
        fps: frames per second; frame i is on the screen from i / fps to (i + 1) / fps.
        speech: float32 [samples] in [-1, 1], 16 kHz mono.
        words: in order of time.
        source: how the words' times were obtained, where they were not measured ("even pace"); else "".
        transcript: the true words, where `words` were recognized and the transcript is known.
        language: of the words, as the captions name it ("de"); "" where unknown.
        notes: what was changed in the clip or is not used, one line each.
        words_problem: why its captions cannot be read, one line; "" otherwise.
    """

    name: str
    video: Sequence[NDArray[np.uint8]] | None = None
    fps: float = 25.0
    speech: NDArray[np.float32] | None = None
    words: tuple[Word, ...] | None = None
    source: str = ""
    transcript: str | None = None
    language: str = ""
    notes: tuple[str, ...] = ()
    words_problem: str = ""

    @property
    def duration_s(self) -> float:
        """Length of the longest of the three."""
        video = len(self.video) / self.fps if self.video is not None else 0.0
        speech = len(self.speech) / SPEECH_RATE if self.speech is not None else 0.0
        words = self.words[-1].end_s if self.words else 0.0
        return max(video, speech, words)

    def require_english(self, why: str) -> None:
        """Raises unless the captions are (or may be) English.

        Args:
            why: what needs English ("TextPC").
        Raises:
            ClipError: the captions name another language.
        """
        if self.language and not self.language.lower().startswith("en"):
            raise ClipError(
                f"clip {self.name}: its captions are in {self.language!r}, but {why} supports English only; "
                "provide English captions or remove it"
            )


@dataclass(frozen=True)
class Playback:
    """What a receiver shows and plays, without the playout delay.

    A receiver does not know when the clip ends: it plays what it has, and the last picture is held.

    Attributes:
        clip: the restored clip; `clip.video[i]` is what the screen shows from i / fps on, at least one picture
            where the endpoint sends pictures.
        outcome: one per frame: "whole", "concealed", "frozen" (the last picture is held), "grey" (nothing yet).
        digests: one per frame: content hash of the picture shown. Equal pictures have equal digests.
        semantics: the coefficients that are shown, float32 [frames, 16] in standard deviations; None where none
            were sent.
        sound_late_s: delay of the sound relative to the picture captured at the same time, by the timestamps.
    """

    clip: Clip
    outcome: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    semantics: NDArray[np.float32] | None = None
    sound_late_s: float = 0.0

    def outcomes(self, frames: int) -> tuple[str, ...]:
        """Outcome of each of `frames` frames; after the receiver's last frame its picture is held."""
        stays = "grey" if all(one == "grey" for one in self.outcome) else "frozen"
        return (self.outcome + (stays,) * (frames - len(self.outcome)))[:frames]

    def pictures(self, which: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Pictures of these frames, the last one's for those after it; lazily rendered ones in one call."""
        video = self.clip.video
        if video is None:
            return []
        held = [min(i, len(video) - 1) for i in which]
        if isinstance(video, LazyVideo):
            video.draw(held)
        return [video[i] for i in held]


class LazyVideo(Sequence[NDArray[np.uint8]]):
    """Pictures that are rendered when they are read."""

    @abstractmethod
    def draw(self, which: Sequence[int]) -> None:
        """Renders these frames in one call, but for those rendered before."""
