"""Calls that cannot run, found before the first cell runs."""

from __future__ import annotations

from pydantic import BaseModel

from lossweep.endpoints.codecs.video.endpoint import VideoParams
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.code import CODES
from lossweep.endpoints.system_part import Part
from lossweep.experiments.call_params import CallParams
from lossweep.experiments.cell import name_of
from lossweep.experiments.parts import PathParams
from lossweep.experiments.path_delay import unplayable, usual_delay_s
from lossweep.experiments.scenario import Scenario


def call_mistakes(scenario: Scenario) -> list[str]:
    """One line for each thing that is wrong with the calls of a scenario."""
    calls = [one for one in scenario.call if one is not None]
    found = [line for one in calls for path in scenario.path for line in _delays(scenario, one, path)]
    return found + [line for one in calls for line in _ways(scenario, one)]


def _delays(scenario: Scenario, call: CallParams, path: PathParams) -> list[str]:
    delay_s = path.playout_delay_s
    if isinstance(delay_s, str):
        return [
            "call: it needs path.playout_delay_s in seconds, such as 0.2; auto is for sending without reaction"
        ]
    found = []
    for channel in scenario.channel:
        if channel.physical() is not None:
            continue
        if (line := unplayable(channel, path)) is not None:
            found.append(line)
        if call.reverse is None or not call.needs_feedback:
            continue
        ways = (channel, call.reverse)
        if all(usual_delay_s(way.make(path.propagation_delay_s, path.jitter_s)) == 0.0 for way in ways):
            found.append(
                "call: the round trip is 0, so a retransmission would cost no time; give the path a delay, such as "
                "path.propagation_delay_s: 0.02"
            )
    return found


def _ways(scenario: Scenario, call: CallParams) -> list[str]:
    found = []
    if call.repeat > 1 and scenario.metrics:
        found.append("call: a clip that is sent several times is not scored; set metrics: [] or repeat: 1")
    for endpoint, code in scenario.ways():
        part = getattr(endpoint, "video", None)
        if (call.repeat > 1 or call.parties > 1) and part is not None:
            found.append("call: repeat and parties are for a video endpoint alone, not for a system")
        video = part.options if isinstance(part, Part) else endpoint
        whole = isinstance(video, VideoParams) and video.packetization == "rtp"
        followed = whole or (part is None and _speaks(endpoint))
        if call.playout == "adaptive" and not followed:
            found.append(
                "call: playout adaptive follows speech, and video in packetization rtp (h264, h265, av1), not "
                f"{name_of(video)}, which would come too late; set playout: fixed"
            )
        own = part.code.name if isinstance(part, Part) and part.code is not None else code.name
        if call.needs_encoder and not whole:
            found.append(
                "call: pli, adaptive_fec, congestion_control, repeat and parties ask the encoder during the call; they "
                "need h264, h265 or av1 with packetization rtp, alone or, without repeat and parties, in a system, not "
                f"{name_of(endpoint)}"
            )
        elif call.needs_encoder and CODES.get(own).spans_stream:
            found.append(
                "call: pli, adaptive_fec and congestion_control ask the encoder during the call, and code "
                f"{own} protects a stream that is known beforehand; use rs, flexfec, ulpfec or raptorq"
            )
        elif call.adaptive_fec not in ("code", "none") and own != "rs":
            found.append(
                f"call: adaptive_fec makes as many repair packets as it needs, which code {own} cannot; set code: "
                "{name: rs, code_rate: 0.5}"
            )
        elif call.congestion_control != "none" and getattr(video, "gop", None) != "infinite":
            found.append("call: congestion_control changes the quantizer between frames; set gop: infinite")
        elif call.congestion_control != "none" and name_of(video) != "h264":
            found.append(f"call: congestion_control needs h264, not {name_of(video)}")
    return found


def _speaks(endpoint: BaseModel) -> bool:
    """Whether an endpoint, or a part of it, sends speech."""
    return getattr(endpoint, "speech", None) is not None or ENDPOINTS.get(name_of(endpoint)).sends == "speech"
