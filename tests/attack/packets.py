"""Packets and payloads with changed, cut, added and random bytes: parsers raise their own errors, receivers none."""

from __future__ import annotations

import random
from collections.abc import Callable

from lossweep.endpoints.clip import Clip
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.adu import FecError, RepairHeader
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.endpoints.packetize import aac, av1, h264, h265, opus, red
from lossweep.endpoints.packetize.access_unit import PayloadError
from lossweep.endpoints.packetize.source_block import SourceBlockError, from_symbols
from lossweep.endpoints.receiver import receive
from lossweep.experiments.clips import load_clips
from lossweep.sim.delivery import Arrival
from lossweep.sim.rtp import RtpError, parse
from lossweep.sim.sender_report import SenderReport

OPTIONS = {"h264": {"quantizer": 40, "gop": 8}, "opus": {"fec": True}, "text": {}, "aac": {}}
RECEIVED_SHARE = 0.001
"""Share of the mutations that go through a whole receiver, which takes a thousand times as long as a parser."""
PARSERS: tuple[tuple[str, Callable[[bytes], object], type[Exception]], ...] = (
    ("RTP", parse, RtpError),
    ("sender report", SenderReport.parse, RtpError),
    ("repair header", RepairHeader.parse, FecError),
    ("H.264", lambda data: h264.depacketize([data]), PayloadError),
    ("H.265", lambda data: h265.depacketize([data]), PayloadError),
    ("AV1", lambda data: av1.depacketize([data]), PayloadError),
    ("Opus", opus.depacketize, PayloadError),
    ("RED", red.depacketize, PayloadError),
    ("AAC", aac.depacketize, PayloadError),
    ("source block", lambda data: from_symbols([data[:20], data[20:40]]), SourceBlockError),
)


def attack(seed: int, count: int) -> list[str]:
    """Mutates packets `count` times.

    Returns:
        One line per exception of a kind that the parser or receiver does not promise.
    """
    chance, findings = random.Random(seed), []
    (clip,) = load_clips("portrait", seconds=1.28)
    streams = {name: _encoded(name, clip) for name in OPTIONS}
    sent = [packet for encoded in streams.values() for packet in encoded.stream.packets]
    for number in range(count):
        packet = mutated(chance.choice(sent), chance)
        name, parser, error = PARSERS[number % len(PARSERS)]
        data = packet if name == "RTP" else packet[12:]
        try:
            parser(data)
        except error:
            pass
        except Exception as foreign:
            findings.append(f"{name}: {type(foreign).__name__}: {foreign} on {data.hex()[:80]}")
        if chance.random() < RECEIVED_SHARE:
            findings += _receive(*chance.choice([*streams.items()]), chance)
    return findings


def mutated(packet: bytes, chance: random.Random) -> bytes:
    """A packet with some bytes changed, cut, added or drawn anew."""
    data = bytearray(packet)
    for _ in range(chance.randrange(1, 4)):
        how = chance.randrange(5)
        if how == 0 and data:
            data[chance.randrange(len(data))] = chance.randrange(256)
        elif how == 1:
            data = data[: chance.randrange(len(data) + 1)]
        elif how == 2:
            data += chance.randbytes(chance.randrange(1, 20))
        elif how == 3:
            at = chance.randrange(len(data) + 1)
            data[at:at] = chance.randbytes(chance.randrange(1, 5))
        else:
            data[12:] = chance.randbytes(len(data[12:]))
    return bytes(data)


def _encoded(name: str, clip: Clip):
    cls = ENDPOINTS.get(name)
    return cls(cls.Params.model_validate({"name": name} | OPTIONS[name]), ReedSolomon(0.5)).encode(clip)


def _receive(name: str, encoded, chance: random.Random) -> list[str]:
    arrivals = [
        Arrival(mutated(packet, chance) if chance.random() < 0.2 else packet, float(when))
        for packet, when in zip(encoded.stream.packets, encoded.stream.available_s, strict=True)
        if chance.random() < 0.9
    ]
    try:
        received = receive(arrivals, encoded.session.streams, 2.0)
        ENDPOINTS.get(name).decode(received, encoded.session)
    except Exception as foreign:
        return [f"receiver of {name}: {type(foreign).__name__}: {foreign}"]
    return []
