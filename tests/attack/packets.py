"""Packets and files with changed, cut, added and random bytes: parsers raise their own errors, receivers none."""

from __future__ import annotations

import contextlib
import random
import time
from typing import Any

import formats

from lossweep.channels.errors import OptionError
from lossweep.endpoints.clip import Clip
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.receiver import receive
from lossweep.experiments.clips import load_clips
from lossweep.sim.delivery import Arrival

RECEIVED_SHARE = 0.001
"""Share of the mutations that go through a whole receiver, which takes a thousand times as long as a parser."""
NEWS_S = 60
"""Seconds between two lines of progress."""


def attack(seed: int, count: int) -> list[str]:
    """Mutates packets `count` times.

    Returns:
        One line per exception of a kind that the parser or receiver does not promise.
    """
    chance, findings = random.Random(seed), []
    (clip,) = load_clips("portrait", seconds=1.28)
    targets = formats.formats(clip)
    streams = _streams(clip)
    news_s = time.monotonic() + NEWS_S
    for number in range(count):
        target = targets[number % len(targets)]
        data = mutated(chance.choice(target.seeds), chance)
        try:
            target.parser(data)
        except target.error:
            pass
        except Exception as foreign:
            findings.append(f"{target.name}: {type(foreign).__name__}: {foreign} on {data.hex()[:400]}")
        if chance.random() < RECEIVED_SHARE:
            findings += _receive(*chance.choice(streams), chance)
        if time.monotonic() > news_s:
            news_s += NEWS_S
            print(f"  {number + 1} of {count} mutations, {len(findings)} findings", flush=True)
    return findings


def _streams(clip: Clip) -> list[tuple[str, Any]]:
    """Every endpoint with every code that it takes."""
    found = []
    for name in formats.STREAMS:
        for code, family in formats.families().items():
            with contextlib.suppress(OptionError):
                found.append((f"{name} with {code}", formats.encoded(name, clip, family)))
    return found


def mutated(packet: bytes, chance: random.Random) -> bytes:
    """A packet with some bytes changed, cut, added or drawn anew."""
    data = bytearray(packet)
    for _ in range(chance.randrange(1, 4)):
        how = chance.randrange(6)
        if how == 0 and data:
            data[chance.randrange(len(data))] = chance.randrange(256)
        elif how == 1 and data:
            data[chance.randrange(min(len(data), 16))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif how == 2:
            data = data[: chance.randrange(len(data) + 1)]
        elif how == 3:
            data += chance.randbytes(chance.randrange(1, 20))
        elif how == 4:
            at = chance.randrange(len(data) + 1)
            data[at:at] = chance.randbytes(chance.randrange(1, 5))
        else:
            data[12:] = chance.randbytes(len(data[12:]))
    return bytes(data)


def _receive(name: str, encoded, chance: random.Random) -> list[str]:
    state = chance.getstate()
    arrivals = [
        Arrival(mutated(packet, chance) if chance.random() < 0.2 else packet, float(when))
        for packet, when in zip(encoded.stream.packets, encoded.stream.available_s, strict=True)
        if chance.random() < 0.9
    ]
    try:
        received = receive(arrivals, encoded.session.streams, 2.0)
        ENDPOINTS.get(name.split()[0]).decode(received, encoded.session)
    except Exception as foreign:
        return [f"receiver of {name}: {type(foreign).__name__}: {foreign} (state {hash(state)})"]
    return []
