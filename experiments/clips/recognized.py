"""Words of a clip by a recognizer, where there are no captions or where the recognizer is asked for."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import replace

from lossweep.endpoints.asr.recognizer import DEFAULT, recognizer
from lossweep.endpoints.clip import Clip, ClipError, Word
from lossweep.experiments.clips.cache import folder


def with_words(clip: Clip) -> Clip:
    """The clip with words; those that the default recognizer hears where it has none but sound.

    Raises:
        ClipError: it has captions that cannot be read; as `recognize`.
    """
    if clip.words_problem:
        raise ClipError(f"clip {clip.name}: {clip.words_problem}")
    if clip.words is not None or clip.speech is None:
        return clip
    return recognize(clip, DEFAULT)


def recognize(clip: Clip, name: str) -> Clip:
    """The clip with the words that a recognizer hears; what it had before becomes its transcript.

    What was recognized is kept in the user's cache.

    Args:
        clip: with speech.
        name: see `lossweep.endpoints.asr.recognizer.recognizer`.
    Raises:
        ClipError: no sound, no such recognizer, or no word heard; naming the clip.
    """
    if clip.speech is None:
        raise ClipError(f"clip {clip.name} has no sound to recognize words in")
    chosen = recognizer(name)
    key = hashlib.sha256(chosen.label.encode() + clip.speech.tobytes()).hexdigest()[:24]
    path = folder().parent / "recognized" / f"{key}.json"
    try:
        words = tuple(Word(*word) for word in json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        words = chosen.words(clip.speech)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False
            ) as part:
                json.dump([(word.text, word.start_s, word.end_s) for word in words], part)
            os.replace(part.name, path)
    if not words:
        raise ClipError(
            f"clip {clip.name}: {chosen.label} hears no word in it; give captions beside the video"
        )
    said = " ".join(word.text or "" for word in clip.words) if clip.words else clip.transcript
    return replace(clip, words=words, source=f"recognized by {chosen.label}", transcript=said)
