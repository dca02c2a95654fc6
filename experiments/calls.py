"""Cells in which something reacts to the network: a call instead of the open loop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.codecs.video.endpoint import VideoEndpoint
from lossweep.endpoints.codecs.video.live import LiveEncoder, begins_key
from lossweep.endpoints.endpoint import Encoded, Endpoint
from lossweep.endpoints.receiver import ReceivedPacket, receive
from lossweep.endpoints.session import RtpStream, Session
from lossweep.endpoints.system import SystemEndpoint, together
from lossweep.experiments.call_params import CallParams
from lossweep.experiments.cell import Cell
from lossweep.experiments.e_model import e_model
from lossweep.experiments.metrics.freezes import freezes
from lossweep.experiments.result import Row
from lossweep.sim.call.call import Party, calls
from lossweep.sim.call.fec_rule import FecRule
from lossweep.sim.call.fec_rules import FollowLoss, Hairpin, Hybrid, NoFec, Oracle
from lossweep.sim.call.flow import Flow
from lossweep.sim.call.frames import frame_times, outcomes
from lossweep.sim.call.mechanisms import Mechanisms
from lossweep.sim.call.nack import NackRule
from lossweep.sim.call.rate_controls import RATE_CONTROLS
from lossweep.sim.call.result import CallResult
from lossweep.sim.call.sources import LiveSource, Source, StreamSource
from lossweep.sim.call.speech_frames import speech_frames
from lossweep.sim.call.statistics import call_statistics, fairness
from lossweep.sim.call.webrtc_fec import WebRtcFec
from lossweep.sim.jitter_buffer import CLOCK_RESOLUTION_S, deadlines
from lossweep.sim.stream import Stream

LATE_S = 60.0
"""A packet that is later than this serves no decoder."""
TRANSPORT_FEEDBACK_S = 0.1
FEC_RULES: dict[str, type[FecRule]] = {
    "none": NoFec,
    "webrtc": WebRtcFec,
    "follow": FollowLoss,
    "oracle": Oracle,
    "hybrid": Hybrid,
    "hairpin": Hairpin,
}


@dataclass(frozen=True)
class Caller:
    """The sending side of calls of one clip and endpoint; what calls have in common is kept in it.

    Attributes:
        encoded: what the endpoint sends without reaction.
        live: encoder of the pictures; None where none is asked during a call.
        others: packets of the other parts of a system; None where there are none.
    """

    endpoint: Endpoint
    encoded: Encoded[Session]
    live: LiveEncoder | None
    others: Stream | None


def caller(cell: Cell, clip: Clip, endpoint: Endpoint, encoded: Encoded[Session]) -> Caller:
    """The sending side of a cell's calls.

    Raises:
        ValueError: a mechanism needs an encoder that is asked during the call, and the endpoint has none.
    """
    assert cell.call is not None
    if not cell.call.needs_encoder:
        return Caller(endpoint, encoded, None, None)
    video = endpoint.parts.get("video") if isinstance(endpoint, SystemEndpoint) else endpoint
    if not isinstance(video, VideoEndpoint):
        raise ValueError(
            "pli, adaptive_fec and congestion_control ask the encoder during the call; they need h264, h265 or av1 "
            f"with packetization rtp, alone or in a system, not {cell.endpoint_name}"
        )
    others = None
    if isinstance(endpoint, SystemEndpoint):
        others = together(
            [one.encode(clip).stream for name, one in endpoint.parts.items() if name != "video"]
        )
    return Caller(endpoint, encoded, video.live(clip), others)


def run(cell: Cell, sending: Caller) -> list[CallResult]:
    """The call of a cell, and those that share its path."""
    assert cell.call is not None
    path = cell.path
    forward = cell.channel.make(path.propagation_delay_s, path.jitter_s)
    reverse = None
    if cell.call.reverse is not None:
        reverse = cell.call.reverse.make(path.propagation_delay_s, path.jitter_s)
    return calls(
        [_party(cell, sending, number) for number in range(cell.call.parties)],
        forward.elements,
        () if reverse is None else reverse.elements,
        seed=cell.seed,
        repetition=cell.repetition,
        path_loss=forward.loss_rate,
    )


def _party(cell: Cell, sending: Caller, number: int) -> Party:
    """One sender with its receiver; the first begins at 0."""
    assert cell.call is not None
    flows, pacing = flows_of(sending), cell.path.pacing_factor
    if sending.live is None:
        return Party([StreamSource(sending.encoded.stream, flows, pacing)], flows, mechanisms(cell))
    live = sending.live.twin()
    live.restart(cell.call.repeat)
    video = getattr(sending.endpoint, "parts", {}).get("video", sending.endpoint)
    begin_s = number * cell.call.party_interval_s
    flow = live.flow(begin_s)
    slots = 1 if sending.others is None else 2
    sources: list[Source] = [LiveSource(live, flow, video.fec_frames, pacing, 0, slots, begin_s)]
    if sending.others is not None:
        sources.append(StreamSource(sending.others, flows, pacing, 1, slots))
    return Party(sources, [flow, *(one for one in flows if one.ssrc != flow.ssrc)], mechanisms(cell))


def mechanisms(cell: Cell) -> Mechanisms:
    """The mechanisms that a cell names."""
    params = cell.call
    assert params is not None
    delay_s = cell.path.playout_delay_s
    if isinstance(delay_s, str):
        raise ValueError(
            "a call needs path.playout_delay_s in seconds, such as 0.2; auto is of the open loop"
        )
    controls = params.congestion_control != "none"
    return Mechanisms(
        nack=NackRule(max_retries=params.max_retries) if params.nack else None,
        fec=FEC_RULES[params.adaptive_fec]() if params.adaptive_fec != "code" else None,
        pli=params.pli,
        rate=partial(_rate_control, params) if controls else None,
        playout_delay_s=delay_s,
        adaptive_playout=params.playout == "adaptive",
        report_interval_s=params.report_interval_s,
        transport_feedback_s=TRANSPORT_FEEDBACK_S if controls else None,
        code_repairs=params.adaptive_fec == "code" and cell.code.make().lowest_code_rate < 1,
    )


def _rate_control(params: CallParams):  # type: ignore[no-untyped-def]
    kind = RATE_CONTROLS[params.congestion_control]
    return kind(params.start_rate_bps, params.least_rate_bps, params.largest_rate_bps)


def flows_of(sending: Caller) -> list[Flow]:
    """The streams of a call, as both ends know them."""
    return [_flow(stream, sending) for stream in sending.encoded.session.streams]


def _flow(stream: RtpStream, sending: Caller) -> Flow:
    endpoint = sending.endpoint
    video = endpoint.parts.get("video") if isinstance(endpoint, SystemEndpoint) else endpoint
    begins = None
    if stream.name == "video" and isinstance(video, VideoEndpoint) and video.params.packetization == "rtp":
        begins = partial(begins_key, video.codec.name)
    return Flow(
        stream.name,
        stream.ssrc,
        stream.payload_type,
        stream.clock_rate,
        stream.first_sequence_number,
        stream.first_timestamp,
        None if stream.repair is None else stream.repair.ssrc,
        begins,
    )


def columns(cell: Cell, clip: Clip, sending: Caller, results: Sequence[CallResult]) -> Row:
    """What the table holds of a call beside its parameters."""
    result = results[0]
    row: Row = dict(call_statistics(result))
    if len(results) > 1:
        row["fairness"] = fairness(results)
    for flow in flows_of(sending):
        if flow.begins_key is not None:
            row |= _of_frames(result, flow, clip.fps)
        elif flow.name == "speech":
            row |= _of_speech(result, flow, sending.endpoint)
    return row


def _of_frames(result: CallResult, flow: Flow, fps: float) -> Row:
    frames = frame_times(result.packets, flow)
    latency = np.array([f.decodable_s - f.captured_s for f in frames])
    there = latency[np.isfinite(latency)]
    p50, p95, p99 = np.percentile(there, [50, 95, 99]).tolist() if len(there) else [math.nan] * 3
    wait_s = result.playout.at(np.array([f.captured_s for f in frames]))
    return {
        "frames_in_time": float(np.mean(latency <= wait_s + CLOCK_RESOLUTION_S)),
        "frames_decodable": float(np.mean(np.isfinite(latency))),
        "frame_latency_p50_s": p50,
        "frame_latency_p95_s": p95,
        "frame_latency_p99_s": p99,
        **freezes(outcomes(frames, result.playout, fps), fps),
    }


def _of_speech(result: CallResult, flow: Flow, endpoint: Endpoint) -> Row:
    """Frames that no packet carried in time, be it their own, redundancy or in-band FEC of a later one."""
    speech = endpoint.parts["speech"] if isinstance(endpoint, SystemEndpoint) else endpoint
    frames = speech_frames(result.packets, flow, getattr(speech, "carried", lambda payload: (0,)))
    media_time_s = np.array([frame.media_time_s for frame in frames])
    missing = np.array([frame.known_s for frame in frames]) > deadlines(
        media_time_s, result.playout.at(media_time_s)
    )
    loss = float(missing.mean())
    runs = int(np.count_nonzero(missing[1:] & ~missing[:-1])) + int(missing[0])
    burst_ratio = max(1.0, missing.sum() / runs * (1 - loss)) if runs and loss < 1 else 1.0
    rating, mos = e_model(result.playout.mean_s, loss, burst_ratio)
    return {
        "speech_loss": loss,
        "e_model_r": rating,
        "e_model_mos": mos,
    }


def play(sending: Caller, result: CallResult, params: CallParams, device: str) -> Playback:
    """The playback from the datagrams that arrived and the session, and nothing else."""
    packets = received(sending, result, params)
    return type(sending.endpoint).decode(packets, sending.encoded.session, device)


def received(sending: Caller, result: CallResult, params: CallParams) -> list[ReceivedPacket]:
    """The source packets that are there when they are played, and of video those that come later as references."""
    streams = sending.encoded.session.streams
    packets = receive(result.arrivals, streams, result.playout, retransmission=params.nack, late_s=LATE_S)
    late = {flow.name for flow in flows_of(sending) if flow.begins_key is not None}
    return [packet for packet in packets if packet.early_s >= 0 or packet.stream in late]
