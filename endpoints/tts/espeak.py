"""Speech with word and phoneme times from libespeak-ng, by its C interface."""

from __future__ import annotations

import ctypes
import shutil
import tempfile
import threading
from dataclasses import dataclass
from math import gcd

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import MissingPackage, OptionError
from lossweep.endpoints.clip import SPEECH_RATE, ClipError, Word

# espeak-ng's speak_lib.h
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_PHONEME_EVENTS = 0x0001
_INITIALIZE_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_PARAMETER_RATE, _PARAMETER_PITCH, _PARAMETER_RANGE = 1, 3, 4
_EVENT_END_OF_LIST, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Phoneme:
    """A phoneme in espeak-ng's notation (Kirshenbaum-like; "" or names like "_:" are silence)."""

    name: str
    start_s: float
    end_s: float


def _library() -> tuple[ctypes.CDLL, int]:
    """A new instance of libespeak-ng, and its sample rate in Hz.

    Synthesis leaves state in the library's static variables, which espeak_Terminate does not clear: the same
    text would sound different the second time. So each use loads a private copy of the library file.
    """
    with tempfile.TemporaryDirectory() as folder:
        library = ctypes.CDLL(shutil.copy(espeakng_loader.get_library_path(), folder))
    rate = library.espeak_Initialize(
        _AUDIO_OUTPUT_SYNCHRONOUS,
        0,
        str(espeakng_loader.get_data_path()).encode(),
        _INITIALIZE_PHONEME_EVENTS | _INITIALIZE_DONT_EXIT,
    )
    if rate <= 0:
        raise MissingPackage("libespeak-ng did not start; reinstall the package espeakng-loader")
    return library, rate


def speak(
    text: str, voice: str = "en-us", words_per_minute: int = 175, pitch: int = 50, melody: int = 50
) -> tuple[NDArray[np.float32], tuple[Word, ...], tuple[Phoneme, ...]]:
    """Synthesises `text`, with the times of words and phonemes.

    Words are separated by blanks in `text` and include punctuation. A word ends where the next one or a silence
    begins. Equal texts give equal speech. Safe to call from several threads: calls run one at a time.

    Args:
        text: plain text.
        voice: name of an espeak-ng voice, with or without a variant ("en-us+f3").
        words_per_minute: 80 to 450.
        pitch: 0 to 100; 50 is the voice's own.
        melody: 0 (monotone) to 100; 50 is the voice's own.
    Returns:
        Speech, float32 [samples] in [-1, 1], 16 kHz mono; words; phonemes. Times are in seconds from the
            first sample.
    Raises:
        ClipError: no such voice, or no words in the text.
    Source: speak_lib.h of espeak-ng 1.52.
    """
    if not text.split():
        raise ClipError("the text has no words; give at least one")
    with _LOCK:
        samples, events, rate = _synthesize(text, voice, (words_per_minute, pitch, melody))
    from scipy.signal import resample_poly  # loads scipy.stats, which takes a second

    common = gcd(SPEECH_RATE, rate)
    speech = resample_poly(samples / 32768.0, SPEECH_RATE // common, rate // common)
    phonemes = _phonemes(events, len(samples) / rate)
    words = _words(text, events, phonemes, len(samples) / rate)
    return np.clip(speech, -1, 1).astype(np.float32), words, phonemes


def _synthesize(text: str, voice: str, manner: tuple[int, int, int]) -> tuple[NDArray, list[tuple], int]:
    library, rate = _library()
    chunks: list[NDArray[np.int16]] = []
    events: list[tuple[int, float, int, str]] = []

    @_Callback
    def collect(wav, count, event):
        if count > 0:
            chunks.append(np.ctypeslib.as_array(wav, (count,)).copy())
        at = 0
        while event[at].type != _EVENT_END_OF_LIST:
            e = event[at]
            if e.type in (_EVENT_WORD, _EVENT_PHONEME):
                name = e.id.string.decode("utf-8", "replace") if e.type == _EVENT_PHONEME else ""
                events.append((e.type, e.audio_position / 1000.0, e.text_position, name))
            at += 1
        return 0

    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise OptionError(f"libespeak-ng has no voice {voice!r}; try 'en-us'")
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # it starts from the time of day
    for parameter, value in zip((_PARAMETER_RATE, _PARAMETER_PITCH, _PARAMETER_RANGE), manner, strict=True):
        library.espeak_SetParameter(parameter, value, 0)
    library.espeak_SetSynthCallback(collect)
    encoded = text.encode()
    library.espeak_Synth(
        ctypes.c_char_p(encoded), ctypes.c_size_t(len(encoded) + 1), 0, 1, 0, _CHARS_UTF8, None, None
    )
    return np.concatenate([np.zeros(1, np.int16), *chunks])[bool(chunks) :], events, rate


def _phonemes(events: list[tuple], end_s: float) -> tuple[Phoneme, ...]:
    marks = [(start, name) for kind, start, _, name in events if kind == _EVENT_PHONEME]
    ends = [start for start, _ in marks[1:]] + [end_s]
    return tuple(Phoneme(name, start, end) for (start, name), end in zip(marks, ends, strict=True))


def _words(text: str, events: list[tuple], phonemes: tuple[Phoneme, ...], end_s: float) -> tuple[Word, ...]:
    """Words between blanks, with the time of the first espeak word that begins in each."""
    offsets, at = [], 0
    for token in text.split():
        at = text.index(token, at)
        offsets.append((at, token))
        at += len(token)
    starts = {}
    for kind, start, position, _ in events:
        if kind == _EVENT_WORD:
            index = max((i for i, (at, _) in enumerate(offsets) if at <= position - 1), default=0)
            starts.setdefault(index, start)
    words = []
    for i, (_, token) in enumerate(offsets):
        if i not in starts:
            continue
        following = min((starts[j] for j in starts if j > i), default=end_s)
        silence = min((p.start_s for p in phonemes if is_silence(p) and p.start_s > starts[i]), default=end_s)
        words.append(Word(token, starts[i], min(following, silence)))
    return tuple(words)


def is_silence(phoneme: Phoneme) -> bool:
    """Whether the phoneme is a pause."""
    return phoneme.name.strip("_:!| ") == ""
