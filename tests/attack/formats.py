"""What is parsed from bytes of others: each format with examples, its parser, and the only error that this raises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lossweep.channels.pcap import PcapError, read_frames
from lossweep.endpoints.clip import Clip, ClipError
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.code import CODES, CodeFamily
from lossweep.endpoints.packetize import aac, av1, h264, h265, opus, red
from lossweep.endpoints.packetize.access_unit import PayloadError
from lossweep.endpoints.packetize.source_block import SourceBlockError, from_symbols
from lossweep.experiments.clips.captions import parse_captions
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.scenario_file import find
from lossweep.experiments.yaml_reader import read_yaml
from lossweep.sim.call.rtx import unwrap
from lossweep.sim.rtcp.nack import Nack
from lossweep.sim.rtcp.packet import split
from lossweep.sim.rtcp.pli import PictureLoss
from lossweep.sim.rtcp.report import ReceiverReport, ReportBlock
from lossweep.sim.rtcp.transport_cc import TransportFeedback
from lossweep.sim.rtcp.xr import Delay, ExtendedReport, Summary
from lossweep.sim.rtp import RtpError, RtpHeader, parse
from lossweep.sim.sender_report import SenderReport

HEADER = 12
"""Bytes of an RTP header without CSRC."""
CODE_OPTIONS = {
    "none": {},
    "flexfec": {"code_rate": 0.5, "pattern": "2d"},
    "ulpfec": {"code_rate": 0.5, "pattern": "random"},
    "rlc": {"code_rate": 0.5, "window": 8},
    "streaming": {"code_rate": 0.5, "delay": 4},
}
"""Of codes that have more than a code rate, or none."""
STREAMS = {
    "h264": {"quantizer": 40, "gop": 8},
    "h265": {"quantizer": 40, "gop": 8},
    "av1": {"quantizer": 55, "gop": 8},
    "opus": {"redundancy": 1},
    "aac": {},
    "text": {},
}
CAPTIONS = (
    b"1\n00:00:01,000 --> 00:00:02,000\nhello <i>you</i>\n\n2\n00:00:02,000 --> 00:00:03,500\nagain\n",
    b"WEBVTT\n\nNOTE no\n\n00:01.000 --> 00:02.000 align:start\nhel<00:00:01.500>lo <c>you</c>\n",
)


@dataclass(frozen=True)
class Format:
    """A parser, valid bytes to begin from, and the error that it promises for all other bytes."""

    name: str
    seeds: Sequence[bytes]
    parser: Callable[[bytes], object]
    error: type[Exception]


def families() -> dict[str, CodeFamily]:
    """Every packet code whose package is there, by name."""
    found = {}
    for name in CODES.names():
        if getattr(CODES.get(name), "protects", "face") == "packets":
            found[name] = CODES.get(name).from_params(**CODE_OPTIONS.get(name, {"code_rate": 0.5}))
    return found


def encoded(name: str, clip: Clip, family: CodeFamily):
    """A clip as an endpoint sends it with a packet code."""
    cls = ENDPOINTS.get(name)
    return cls(cls.Params.model_validate({"name": name} | STREAMS[name]), family).encode(clip)


def formats(clip: Clip) -> list[Format]:
    """All formats; packets are those of a clip."""
    codes = families()
    packets = {name: encoded(name, clip, codes["rs"]).stream.packets for name in STREAMS}
    payloads = {name: [packet[HEADER:] for packet in sent[:40]] for name, sent in packets.items()}
    everything = [packet for sent in packets.values() for packet in sent[:40]]
    found = [
        Format("RTP", everything, parse, RtpError),
        Format("RTX", everything, lambda data: unwrap(RtpHeader(97, 1, 2, 3), data, 4, 96), RtpError),
        Format("H.264", payloads["h264"], lambda data: h264.depacketize([data]), PayloadError),
        Format("H.265", payloads["h265"], lambda data: h265.depacketize([data]), PayloadError),
        Format("AV1", payloads["av1"], lambda data: av1.depacketize([data]), PayloadError),
        Format("Opus", payloads["opus"], opus.depacketize, PayloadError),
        Format("RED", payloads["opus"], red.depacketize, PayloadError),
        Format("AAC", payloads["aac"], aac.depacketize, PayloadError),
        Format(
            "source block",
            payloads["aac"],
            lambda data: from_symbols([data[:20], data[20:40]]),
            SourceBlockError,
        ),
        Format("captions", CAPTIONS, lambda data: parse_captions(data.decode("latin-1"), "x.vtt"), ClipError),
        Format(
            "scenario",
            [find("smoke").read_bytes()],
            lambda data: read_yaml(data.decode("latin-1"), "x.yaml"),
            ScenarioError,
        ),
        Format("capture", [_capture(everything[:4])], lambda data: list(read_frames(data)), PcapError),
    ]
    return found + _rtcp() + [_repair(name, family, packets["h264"]) for name, family in codes.items()]


def _rtcp() -> list[Format]:
    block = ReportBlock(1, 0.1, 5, 1000, 3, 4, 5)
    report = ExtendedReport(1, 2**40, (Delay(2, 3, 4),), (Summary(2, 10, 20, 1, 0),))
    feedback = TransportFeedback(1, 2, 100, (256, None, 300, 7000, None, 7001), 3)
    kinds = (
        ("sender report", [SenderReport(1, 2, 3, 4, 5).serialize()], SenderReport.parse),
        ("receiver report", [ReceiverReport(1, (block, block)).serialize()], _first(ReceiverReport.parse)),
        ("extended report", [report.serialize()], _first(ExtendedReport.parse)),
        ("transport feedback", [feedback.serialize()], _first(TransportFeedback.parse)),
        ("NACK", [Nack(1, 2, (5, 6, 40)).serialize()], _first(Nack.parse)),
        ("PLI", [PictureLoss(1, 2).serialize()], _first(PictureLoss.parse)),
    )
    return [Format(name, seeds, parser, RtpError) for name, seeds, parser in kinds]


def _first(read: Callable) -> Callable[[bytes], object]:
    return lambda data: [read(part) for part in split(data)[:1]]


def _repair(name: str, family: CodeFamily, source: Sequence[bytes]) -> Format:
    k = 8
    code = family.make(k)
    seeds = family.repair_format.payloads(list(source[:k]), code, 0) or [bytes(16)]
    return Format(f"repair of {name}", seeds, family.repair_format.parse, FecError)


def _capture(packets: Sequence[bytes]) -> bytes:
    head = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000065000000")
    return head + b"".join(
        (i).to_bytes(4, "little") + bytes(4) + len(p).to_bytes(4, "little") * 2 + p
        for i, p in enumerate(packets)
    )
