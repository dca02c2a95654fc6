"""Synthetic utterances: sentences of the lectures, spoken by libespeak-ng in many voices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from lossweep.channels.errors import TrainingDataError
from lossweep.endpoints.clip import SPEECH_RATE, Word
from lossweep.endpoints.tts.espeak import speak
from lossweep.endpoints.tts.phonemes import TimedPhoneme, to_phonemes
from lossweep.endpoints.tts.synthesizer import FRAME, TARGET_LOUDNESS, loudness

SPEAKERS = 320
SHORTEST_S, LONGEST_S = 1.8, 8.0
ROOM = 3e-4
"""Root mean square of the background noise (-70 dB)."""
ACCENTS = ("en-us",) * 7 + ("en-us-nyc", "en", "en-gb-x-rp", "en-gb-scotland", "en-029")
TRAINED = (
    *("m1", "m2", "m3", "m4", "m6", "m7", "f1", "f2", "f4", "f5", "klatt", "klatt2", "klatt3", "klatt4"),
    *("Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Gene", "Gene2", "Hugo", "Jacky", "Lee"),
    *("Marco", "Michael", "Nguyen", "adam", "anika", "aunty", "belinda", "benjamin", "caleb", "david", "ed"),
    *(
        "edward",
        "grandpa",
        "ian",
        "iven",
        "john",
        "linda",
        "max",
        "norbert",
        "pablo",
        "quincy",
        "rob",
        "steph",
    ),
    *("steph2", "travis", "victor"),
)
HELD_OUT = ("m5", "m8", "f3", "Henrique", "Mario", "Mike", "antonio", "boris", "grandma", "klatt5", "robert")
_SENTENCE = re.compile(r"[A-Z][A-Za-z',\- ]+[.?!]")


@dataclass(frozen=True)
class Speaker:
    """A voice of libespeak-ng and its settings; `size` scales formants and pitch, above 1 upwards."""

    voice: str
    pitch: int
    melody: int
    size: float
    held_out: bool

    @property
    def name(self) -> str:
        """For the index."""
        return f"{self.voice} {self.pitch} {self.melody} {self.size:g}"


@dataclass(frozen=True)
class SyntheticUtterance:
    """A sentence spoken by a synthetic speaker; see `corpus.Utterance`."""

    speaker: Speaker
    speech: NDArray[np.float32]
    words: tuple[tuple[str, float, float], ...]
    phonemes: tuple[tuple[str, float, float], ...]
    receiver_phonemes: tuple[TimedPhoneme, ...]


def speakers(seed: int = 1) -> list[Speaker]:
    """320 speakers, one in eight held out: the variant of their voice is not used in training with any accent."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(SPEAKERS):
        held_out = i % 8 == 0
        voice = f"{rng.choice(ACCENTS)}+{rng.choice(HELD_OUT if held_out else TRAINED)}"
        pitch, melody = int(rng.integers(25, 76)), int(rng.integers(20, 81))
        out.append(Speaker(voice, pitch, melody, round(float(rng.uniform(0.88, 1.14)), 2), held_out))
    return out


def sentences(data: Path) -> tuple[list[str], list[str]]:
    """Sentences of 4 to 22 words from `data`/text/lectures_*.txt: for training, and the last 5 % for held-out speakers.

    Raises:
        TrainingDataError: there is no such file.
    """
    files = sorted((Path(data) / "text").glob("lectures_*.txt"))
    if not files:
        raise TrainingDataError(f"{data} has no text/lectures_*.txt; give the folder with the texts")
    found = [
        sentence
        for file in files
        for line in file.read_text(encoding="utf-8").splitlines()
        for sentence in re.split(r"(?<=[.?!]) +", line.strip())
        if _SENTENCE.fullmatch(sentence) and 4 <= len(sentence.split()) <= 22 and "--" not in sentence
    ]
    cut = int(len(found) * 0.95)
    return found[:cut], found[cut:]


def synthesize_utterances(data: Path, hours: float, seed: int = 1) -> Iterator[SyntheticUtterance]:
    """Speech of about that length in total, speakers in turn, 1.8 to 8 s per sentence.

    Each is a multiple of 40 ms long, with up to half a second of room noise before and after, at the common
    loudness.
    """
    texts, everyone = sentences(data), speakers(seed)
    first, seconds = 0, 0.0
    while seconds < 3600 * hours:
        tasks = [(i, everyone[i % SPEAKERS], seed) for i in range(first, first + SPEAKERS)]
        first += SPEAKERS
        # Each call of `speak` keeps a copy of the library in memory, so it is done in a process that ends.
        with get_context("spawn").Pool(1) as pool:
            for one in pool.map(partial(say, texts), tasks):
                if one is not None and seconds < 3600 * hours:
                    seconds += len(one.speech) / SPEECH_RATE
                    yield one


def say(texts: tuple[list[str], list[str]], task: tuple[int, Speaker, int]) -> SyntheticUtterance | None:
    """A sentence by the speaker of a task (number of its random numbers, speaker, seed); None if too short or long."""
    number, speaker, seed = task
    rng = np.random.default_rng((seed, number))
    text = str(rng.choice(texts[speaker.held_out]))
    speech, words, phonemes = speak(
        text, speaker.voice, int(rng.integers(140, 201)), speaker.pitch, speaker.melody
    )
    scale = round(100 * speaker.size)
    speech = resample_poly(speech, 100, scale)
    if not SHORTEST_S < len(speech) / SPEECH_RATE < LONGEST_S or loudness(speech) < 1e-3:
        return None
    before, after = rng.uniform(0.05, 0.5, 2)
    lead = round(before * SPEECH_RATE)
    length = -(-(lead + len(speech) + round(after * SPEECH_RATE)) // FRAME) * FRAME
    sound = rng.normal(0, ROOM, length).astype(np.float32)
    sound[lead : lead + len(speech)] += speech * (TARGET_LOUDNESS / loudness(speech))

    def shift(seconds: float) -> float:
        return round(seconds * 100 / scale + before, 4)

    timed = tuple((w.text or "", shift(w.start_s), shift(w.end_s)) for w in words)
    return SyntheticUtterance(
        speaker,
        np.clip(sound, -1, 1),
        timed,
        tuple((p.name, shift(p.start_s), shift(p.end_s)) for p in phonemes),
        to_phonemes([Word(*w) for w in timed]),
    )
