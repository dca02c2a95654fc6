"""What a scenario asks for and no cell could do: found before the first one runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel

from lossweep.endpoints.codecs.video.object_packets import K as OBJECT_SYMBOLS
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.system_part import Part
from lossweep.experiments.cell import name_of
from lossweep.experiments.clips.source import BUILT_IN, TRANSCRIPT_SUFFIXES
from lossweep.experiments.parts import ClipParams, CodeParams
from lossweep.experiments.scenario import Scenario


def infeasible(scenario: Scenario) -> list[str]:
    """One line for each thing that cannot run: endpoints with codes, coders' ranges, clips too short or small."""
    mistakes: list[str] = []
    for endpoint, code in scenario.ways():
        mistakes += [f"endpoint: {line}" for line in _code_mistakes(endpoint, code)]
    mistakes += [f"clip: {line}" for line in _name_mistakes(scenario)]
    endpoints = {id(way.endpoint): way.endpoint for way in scenario.endpoint}.values()
    videos = [video for endpoint in endpoints for video in _videos(endpoint)]
    for video in videos:
        mistakes += [f"endpoint: {line}" for line in _quantizer_mistakes(video)]
        for clip in scenario.clip:
            mistakes += [f"endpoint: {line}" for line in _size_mistakes(video, clip)]
    return list(dict.fromkeys(mistakes))


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
    family = code.make()
    name = name_of(endpoint)
    takers = getattr(family, "endpoints", (name,))
    if name not in takers:
        return [f"code {code.name} is for the endpoint {', '.join(takers)}, not {name}"]
    try:
        ENDPOINTS.get(name)(endpoint, family)
        if getattr(endpoint, "packetization", None) == "object":
            family.make_object(OBJECT_SYMBOLS)
        if (frames := getattr(endpoint, "block_frames", None)) is not None:
            family.make(frames)
    except ValueError as error:
        return [f"{name} with code {code.name}: {error}"]
    return []


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
    name, gop = name_of(video), int(getattr(video, "gop", 1))
    found = []
    facts = facts_of(clip)
    frames = facts.frames if facts is not None else None
    if frames is not None and gop > frames:
        found.append(
            f"{name}: a gop of {gop} is longer than the clip {Path(clip.source).name} ({frames} frames)"
        )
    resolution = getattr(video, "resolution", None)
    if resolution is not None and resolution % 2:
        found.append(f"{name}: resolution {resolution} is odd; 4:2:0 pictures have even sizes")
    if resolution is not None and facts is not None and resolution > facts.height + facts.height % 2:
        found.append(f"{name}: resolution {resolution} is above the clip's {facts.height}")
    return found


@dataclass(frozen=True)
class Facts:
    """What the container of a clip says, as the clip is cut and scaled: length, frame rate, height in pixels."""

    seconds: float
    fps: float
    height: int

    @property
    def frames(self) -> int:
        """Pictures of the clip."""
        return max(1, round(self.seconds * self.fps))


def facts_of(clip: ClipParams) -> Facts | None:
    """Length, frame rate and height of a clip; None where its container does not say, or it has no pictures."""
    whole = PORTRAIT if clip.source == BUILT_IN else _container(clip.source)
    if whole is None:
        return None
    seconds = whole.seconds if clip.seconds is None else min(whole.seconds, clip.seconds)
    return Facts(seconds, clip.fps or whole.fps, clip.size or whole.height)


PORTRAIT = Facts(seconds=8.0, fps=25.0, height=256)


@lru_cache(maxsize=1024)
def _container(source: str) -> Facts | None:
    path = Path(source.partition("#")[0] if ".tsv#" in source else source)
    if path.suffix.lower() in TRANSCRIPT_SUFFIXES:
        return None
    import av

    try:
        with av.open(f"file:{path}") as container:
            if not container.streams.video:
                return None
            stream = container.streams.video[0]
            seconds = container.duration / av.time_base if container.duration is not None else None
            if stream.duration is not None and stream.time_base is not None:
                seconds = float(stream.duration * stream.time_base)
            if seconds is None or stream.average_rate is None:
                return None
            return Facts(seconds, float(stream.average_rate), stream.height)
    except (OSError, ValueError):
        return None
