"""What a session looks like in SDP, so that other programs can play its packets."""

from __future__ import annotations

from collections.abc import Iterator

from lossweep.endpoints.codecs.audio.aac import AacSession
from lossweep.endpoints.codecs.audio.opus import OpusSession
from lossweep.endpoints.codecs.video.endpoint import VideoSession
from lossweep.endpoints.session import RtpStream, Session
from lossweep.endpoints.system import SystemSession

AAC_HBR = "streamtype=5;profile-level-id=15;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3"
"""RFC 3640, Section 3.3.6."""
VIDEO = {"h264": "H264", "h265": "H265", "av1": "AV1"}


def ports(session: Session, first: int) -> dict[int, int]:
    """The UDP port of each SSRC: `first`, `first` + 2, ..., streams before their repair streams."""
    ssrcs = [stream.ssrc for stream in session.streams]
    ssrcs += [stream.repair.ssrc for stream in session.streams if stream.repair is not None]
    return {ssrc: first + 2 * place for place, ssrc in enumerate(ssrcs)}


def session_description(session: Session, first_port: int = 5004) -> str:
    """An SDP file for a session on loopback, one media section for each RTP stream.

    Repair streams, and media without a registered payload format, are `application` sections whose names begin with
    x-lossweep; players leave them out.

    Args:
        session: of the sender.
        first_port: UDP port of the first stream; the others as `ports` gives them.
    Source: RFC 8866; RFC 6184 (H.264), RFC 7798 (H.265), AV1 RTP payload format, RFC 7587 (Opus), RFC 2198 (RED),
        RFC 3640 (AAC).
    """
    port = ports(session, first_port)
    lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=lossweep", "c=IN IP4 127.0.0.1", "t=0 0"]
    for part in _parts(session):
        for stream in part.streams:
            lines += _media(part, stream, port[stream.ssrc])
            if stream.repair is not None and stream.repair.fec.code != "none":
                kind = stream.repair.payload_type
                lines.append(f"m=application {port[stream.repair.ssrc]} RTP/AVP {kind}")
                lines.append(f"a=rtpmap:{kind} x-lossweep-{stream.repair.fec.code}/{stream.clock_rate}")
    return "\r\n".join(lines) + "\r\n"


def _parts(session: Session) -> Iterator[Session]:
    if isinstance(session, SystemSession):
        for part in session.parts:
            yield from _parts(part.session)
    else:
        yield session


def _media(session: Session, stream: RtpStream, port: int) -> list[str]:
    kind, clock = stream.payload_type, stream.clock_rate
    medium, name, more = "application", f"x-lossweep-{stream.name}/{clock}", []
    if isinstance(session, VideoSession) and session.packetization == "rtp":
        medium, name = "video", f"{VIDEO[session.codec]}/{clock}"
        more = [f"a=fmtp:{kind} packetization-mode=1"] if session.codec == "h264" else []
        more.append(f"a=framerate:{session.fps:g}")
    elif isinstance(session, AacSession):
        medium, name = "audio", f"mpeg4-generic/{clock}/1"
        more = [f"a=fmtp:{kind} {AAC_HBR};config={session.config.hex()}"]
    elif isinstance(session, OpusSession):
        medium, name = "audio", "opus/48000/2"
        if session.redundant is not None:
            inner = session.redundant
            name = "red/48000/2"
            more = [f"a=fmtp:{kind} {inner}/{inner}", f"a=rtpmap:{inner} opus/48000/2"]
    return [f"m={medium} {port} RTP/AVP {kind}", f"a=rtpmap:{kind} {name}", *more]
