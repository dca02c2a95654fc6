"""Combinations that cannot run, found before the first cell runs."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from lossweep.endpoints.clip import ClipError
from lossweep.endpoints.codecs.video.codec import LEAST_HEIGHT
from lossweep.endpoints.codecs.video.object_packets import K as OBJECT_SYMBOLS
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.system_part import Part
from lossweep.experiments.call_mistakes import call_mistakes
from lossweep.experiments.cell import name_of
from lossweep.experiments.clip_facts import facts_of
from lossweep.experiments.clips import check_seconds
from lossweep.experiments.metrics.metric import METRICS
from lossweep.experiments.parts import ClipParams, CodeParams, sends_symbols
from lossweep.experiments.path_delay import long_delays
from lossweep.experiments.scenario import Scenario


def infeasible(scenario: Scenario) -> list[str]:
    """One line for each thing that cannot run: endpoints with codes, coders' ranges, clips too short or small."""
    mistakes: list[str] = []
    mistakes += _link_mistakes(scenario)
    mistakes += call_mistakes(scenario)
    for endpoint, code in scenario.ways():
        mistakes += [f"endpoint: {line}" for line in _code_mistakes(endpoint, code)]
    mistakes += [f"clip: {line}" for line in _name_mistakes(scenario)]
    unreadable = [f"clip: {line}" for clip in scenario.clip if (line := why_unreadable(clip))]
    if unreadable:
        return list(dict.fromkeys([*mistakes, *unreadable]))
    mistakes += long_delays(scenario)
    endpoints = {id(way.endpoint): way.endpoint for way in scenario.endpoint}.values()
    videos = [video for endpoint in endpoints for video in _videos(endpoint)]
    for video in videos:
        mistakes += [f"endpoint: {line}" for line in _quantizer_mistakes(video)]
        for clip in scenario.clip:
            mistakes += [f"endpoint: {line}" for line in _size_mistakes(video, clip)]
    for endpoint in endpoints:
        for clip in scenario.clip:
            mistakes += [f"endpoint: {line}" for line in _part_mistakes(endpoint, clip)]
    mistakes += [f"metrics: {line}" for line in _metric_mistakes(scenario)]
    return list(dict.fromkeys(mistakes))


def _link_mistakes(scenario: Scenario) -> list[str]:
    """Endpoints for which no channel carries what they send, and channels for which no endpoint sends that."""
    names = [name_of(way.endpoint) for way in scenario.endpoint]
    endpoints = {name: sends_symbols(name) for name in names}
    channels = {channel.name: channel.physical() is not None for channel in scenario.channel}
    needed = {True: "symbols; add a physical channel", False: "packets; add a network"}
    carried = {True: "symbols", False: "packets"}
    return [
        f"endpoint {name} sends {needed[symbols]}, or leave {name} out"
        for name, symbols in endpoints.items()
        if symbols not in channels.values()
    ] or [
        f"channel {name} carries {carried[symbols]}, which no endpoint sends; leave {name} out"
        for name, symbols in channels.items()
        if symbols not in endpoints.values()
    ]


def _part_mistakes(endpoint: BaseModel, clip: ClipParams) -> list[str]:
    """What an endpoint, or a part of a system, sends and the clip does not hold."""
    facts, name = facts_of(clip), Path(clip.source).name
    if facts is None:
        return []
    parts = [getattr(endpoint, part, None) for part in ("video", "speech", "words")]
    sent = [name_of(part.options) for part in parts if isinstance(part, Part)] or [name_of(endpoint)]
    found = []
    for one in sent:
        part = getattr(ENDPOINTS.get(one), "sends", "")
        if part == "words" and not facts.parts & {"words", "speech"}:
            found.append(f"{one}: the clip {name} has no captions and no sound to take words from")
        elif part in ("video", "speech") and part not in facts.parts:
            found.append(f"{one}: the clip {name} has no {'pictures' if part == 'video' else 'sound'}")
    return [f"{line}; leave one of the two out" for line in found]


def _metric_mistakes(scenario: Scenario) -> list[str]:
    """Metrics for which the pictures of every clip are too small; 0 is a clip without pictures."""
    every = [facts_of(clip) for clip in scenario.clip]
    if any(facts is None for facts in every):
        return []
    largest = max(min(facts.width, facts.height) for facts in every if facts is not None)
    found = []
    for metric in scenario.metrics:
        least = int(getattr(METRICS.get(metric.name), "least_side", 1))
        if 0 < largest < least:
            found.append(
                f"{metric.name} needs pictures of {least}x{least} or more; the clips are {largest} pixels high or wide"
            )
    return found


def why_unreadable(clip: ClipParams) -> str:
    """Why a clip cannot be opened or cut, one line; "" for one that can."""
    try:
        check_seconds(clip.seconds, clip.fps)
        facts_of(clip)
    except ClipError as error:
        return str(error)
    return ""


def _name_mistakes(scenario: Scenario) -> list[str]:
    """Files of one name in several folders: the table could not tell them apart."""
    sources: dict[str, set[str]] = {}
    for clip in scenario.clip:
        file, _, section = clip.source.partition(".tsv#")
        sources.setdefault(section or Path(file).stem, set()).add(clip.source)
    return [
        f"{len(found)} clips are called {name} ({', '.join(sorted(found))}); rename one of them"
        for name, found in sources.items()
        if len(found) > 1
    ]


def _code_mistakes(endpoint: BaseModel, code: CodeParams) -> list[str]:
    family, name = code.make(), name_of(endpoint)
    sent = _sent(endpoint, family)
    for options, own in [(endpoint, family), *sent]:
        takers = getattr(own, "endpoints", (name_of(options),))
        if name_of(options) not in takers:
            return [f"code {own.name} is for the endpoint {', '.join(takers)}, not {name_of(options)}"]
    for own in {id(own): own for _, own in sent}.values():
        users = [options for options, used in sent if used is own]
        if getattr(own, "key_code_rate", None) is not None and not any(hasattr(one, "gop") for one in users):
            whose = " and ".join(map(name_of, users))
            return [
                f"code {own.name} of {whose}: key_code_rate is for key frames of a video codec; leave it out"
            ]
    told = f"{name} with code {code.name}"
    try:
        ENDPOINTS.get(name)(endpoint, family)
        for options, own in sent:
            told = f"{name_of(options)} with code {own.name}"
            if getattr(options, "packetization", None) == "object":
                own.make_object(OBJECT_SYMBOLS)
            if (frames := getattr(options, "block_frames", None)) is not None:
                own.make(frames)
    except ValueError as error:
        return [f"{told}: {error}"]
    return []


def _sent(endpoint: BaseModel, family: CodeFamily) -> list[tuple[BaseModel, CodeFamily]]:
    """The endpoints that this is, one or the parts of a system, with the packet code of each."""
    parts = [getattr(endpoint, part, None) for part in ("video", "speech", "words")]
    found = [(part.options, part.code or family) for part in parts if isinstance(part, Part)]
    return found or [(endpoint, family)]


def _videos(endpoint: BaseModel) -> list[BaseModel]:
    """The conventional video endpoint that this is, or that is a part of this system."""
    part = getattr(endpoint, "video", None)
    options = part.options if isinstance(part, Part) else None
    return [one for one in (endpoint, options) if one is not None and hasattr(one, "gop")]


def _quantizer_mistakes(video: BaseModel) -> list[str]:
    codec = getattr(ENDPOINTS.get(name_of(video)), "codec", None)
    quantizer = getattr(video, "quantizer", None)
    if codec is None or quantizer is None:
        return []
    low, high = codec.quantizers
    return (
        []
        if low <= quantizer <= high
        else [f"{codec.name}: quantizer {quantizer:g} is not within {low} and {high}"]
    )


def _size_mistakes(video: BaseModel, clip: ClipParams) -> list[str]:
    name, gop = name_of(video), getattr(video, "gop", 1)
    gop = 1 if gop == "infinite" else int(gop)
    found = []
    facts = facts_of(clip)
    if facts is not None and "video" not in facts.parts:
        return []
    frames = facts.frames if facts is not None else None
    if frames is not None and gop > frames:
        found.append(
            f"{name}: a gop of {gop} is longer than the clip {Path(clip.source).name} ({frames} frames)"
        )
    resolution = getattr(video, "resolution", None)
    if resolution is not None and resolution % 2:
        found.append(f"{name}: resolution {resolution} is odd; 4:2:0 pictures have even sizes")
    coded = getattr(ENDPOINTS.get(name), "codec", None) is not None
    if coded and resolution is None and facts is not None and facts.height < LEAST_HEIGHT:
        clip_name = Path(clip.source).name
        found.append(
            f"{name}: the clip {clip_name} is {facts.height} pixels high; codecs take {LEAST_HEIGHT} or more"
        )
    if resolution is not None and facts is not None and resolution > facts.height + facts.height % 2:
        found.append(f"{name}: resolution {resolution} is above the clip's {facts.height}")
    return found
