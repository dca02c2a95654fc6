"""Reads the golden captures that `make_captures.py` makes."""

from itertools import groupby
from pathlib import Path

from lossweep.sim.rtp import RtpHeader, parse

HERE = Path(__file__).parent


def stream(codec: str) -> bytes:
    """The elementary stream that ffmpeg sent."""
    return (HERE / f"{codec}_stream.bin").read_bytes()


def packets(codec: str) -> list[tuple[RtpHeader, bytes]]:
    """The RTP packets in which ffmpeg sent it, as headers and payloads."""
    framed, out = (HERE / f"{codec}_packets.bin").read_bytes(), []
    while framed:
        end = 2 + int.from_bytes(framed[:2], "big")
        out.append(parse(framed[2:end]))
        framed = framed[end:]
    return out


def frames(codec: str) -> list[list[bytes]]:
    """The payloads of each access unit."""
    by_time = groupby(packets(codec), key=lambda packet: packet[0].timestamp)
    return [[payload for _, payload in members] for _, members in by_time]
