"""The cases that the contract tests of packet endpoints share: every registered endpoint, sent and received."""

import dataclasses
import hashlib
from functools import lru_cache

import numpy as np
import pytest

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback, Word
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.endpoints.receiver import receive
from lossweep.experiments.clips import load_clips
from lossweep.sim.simulate import simulate

VIDEO = {"quantizer": 40, "gop": 8}
OPTIONS: dict[str, list[dict]] = {
    "h264": [VIDEO, VIDEO | {"packetization": "object"}],
    "h265": [VIDEO],
    "av1": [VIDEO],
    "syncsc": [{"drawing": "warp"}, {"drawing": "warp", "references": 3}],
    "text": [
        {},
        {"concealment": "ngram", "window_words": 3, "windows_interleaved": 2, "look_ahead_windows": 1},
    ],
    "opus": [{}, {"redundancy": 2}, {"bitrate": 24_000, "fec": True}],
    "system": [
        {"video": {"name": "h264"} | VIDEO, "speech": "opus", "words": "text"},
        {"video": {"name": "syncsc", "drawing": "frozen"}, "words": "text", "voice": "visual"},
    ],
}
"""Options of endpoints that need some; every other one is made with none."""
SENDERS = [n for n in ENDPOINTS.names() if getattr(ENDPOINTS.get(n), "carries", "packets") == "packets"]
"""Those that send packets; `test_symbol_endpoints` has those that send symbols."""
CASES = [(name, options) for name in SENDERS for options in OPTIONS.get(name, [{}])]
IDS = [
    "-".join([name, *(str(v) for v in options.values() if not isinstance(v, dict))])
    for name, options in CASES
]
cases = pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)


@lru_cache(maxsize=1)
def portrait() -> Clip:
    """1.32 s of the built-in clip, from where it speaks."""
    clip, start_s, end_s = load_clips("portrait", seconds=3)[0], 0.8, 2.12
    words = [word for word in clip.words if start_s <= word.start_s and word.end_s < end_s]
    return dataclasses.replace(
        clip,
        video=clip.video[round(start_s * clip.fps) : round(end_s * clip.fps)],
        speech=clip.speech[round(start_s * SPEECH_RATE) : round(end_s * SPEECH_RATE)],
        words=tuple(Word(word.text, word.start_s - start_s, word.end_s - start_s) for word in words),
    )


def other() -> Clip:
    """Nothing of it is in the clip above but the face."""
    clip, whole = portrait(), load_clips("portrait", seconds=3)[0]
    words = tuple(dataclasses.replace(word, text="other") for word in clip.words[:2])
    return Clip("other", whole.video[40:60], 25.0, 0.5 * whole.speech[32_000:], words)


def endpoint(case: int):
    name, options = CASES[case]
    cls = ENDPOINTS.get(name)
    return cls(cls.Params.model_validate({"name": name} | options), ReedSolomon(0.5))


@lru_cache(maxsize=len(CASES))
def encoded(case: int):
    return endpoint(case).encode(portrait())


def delivered(stream, loss_rate=0.0, seed=1, jitter_s=0.0, playout_delay_s="auto"):
    delay = Delay(propagation_delay_s=0.02, jitter_s=jitter_s)
    return simulate(stream, Bernoulli(loss_rate), delay, seed=seed, playout_delay_s=playout_delay_s)


def decoded(case: int, arrivals, playout_delay_s: float) -> Playback:
    session = encoded(case).session
    return type(endpoint(case)).decode(receive(arrivals, session.streams, playout_delay_s), session)


def digest(shown: Playback) -> str:
    """Of all that is seen, heard and read."""
    clip = shown.clip
    speech = b"" if clip.speech is None else np.ascontiguousarray(clip.speech).tobytes()
    semantics = b"" if shown.semantics is None else np.ascontiguousarray(shown.semantics).tobytes()
    rest = repr((shown.outcome, shown.digests, clip.words, clip.fps)).encode()
    return hashlib.blake2b(b"|".join([speech, semantics, rest]), digest_size=16).hexdigest()


def source_packets(case: int) -> list[int]:
    """Index of each in the stream."""
    return [i for b in encoded(case).stream.blocks for i in range(b.first, b.first + b.code.k)]
