"""One cell of a sweep: a clip through an endpoint and a network, measured.

A cell is a pure function of its parameters, so what cells have in common is done once: a clip is loaded and
encoded once (`lossweep.endpoints.codecs.video.encode`), a block with the same bytes and the same arrivals is decoded once
(`lossweep.endpoints.codecs.video.decode`), and a picture is scored once against the same reference, whatever cells show it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lossweep.channels.channel import CHANNELS
from lossweep.channels.path import PathModel
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.codecs.video.decode import decode_block
from lossweep.endpoints.endpoint import ENDPOINTS, Encoded
from lossweep.endpoints.fec.code import CODES
from lossweep.endpoints.receiver import receive
from lossweep.endpoints.session import Session
from lossweep.experiments.metrics.freezes import freezes
from lossweep.experiments.metrics.metric import METRICS, MetricAbsent, Picture
from lossweep.experiments.metrics.pairing import pairs
from lossweep.sim.delivery import Delivery
from lossweep.sim.simulate import simulate
from lossweep.sim.statistics import statistics
from lossweep.sim.stream import Stream

Cell = dict[str, Any]
CLIPS_HELD = 2
STREAMS_HELD = 12
SCORES_HELD = 1_000_000


def cell_id(cell: Cell) -> str:
    """The cell's name: a hash of all its parameters; of paths only the last part counts."""
    clip = cell["clip"]
    names = {key: Path(clip[key]).name for key in ("source", "recognizer") if key in clip}
    text = json.dumps({**cell, "clip": {**clip, **names}}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def group_key(cell: Cell) -> str:
    """Cells of one group share clip and endpoint, hence encodings, decoded blocks and scores.

    Systems that differ by the receiver's voice alone show the same pictures: they are one group.
    """
    sent = {key: value for key, value in cell["endpoint"].items() if key != "voice"}
    return json.dumps([cell["clip"], sent], sort_keys=True)


def network_key(cell: Cell) -> str:
    """Cells with one key meet the same network."""
    return json.dumps([cell[key] for key in ("code", "channel", "path", "repetition")], sort_keys=True)


@dataclass
class Result:
    """What a cell gives: one row of the table, and one row a frame (columns as lists)."""

    row: dict[str, Any]
    frames: dict[str, list[Any]]
    seconds: dict[str, float] = field(default_factory=dict)


class Bench:
    """Evaluates cells one after another and keeps what the next ones can use again.

    Args:
        metrics: names, or mappings with a name and options.
        device: "cpu" or "cuda", for metrics and endpoints that run a network.
    Attributes:
        absent: metric -> one line: why it is not measured and how to get it.
        scored, asked: pictures scored, and frames for which a score was asked.
    """

    def __init__(self, metrics: Sequence[str | dict[str, Any]], device: str = "cpu") -> None:
        self.device = device
        self.metrics: dict[str, Any] = {}
        self.absent: dict[str, str] = {}
        self.scored = self.asked = 0
        self.seconds: dict[str, float] = {}
        for metric in metrics:
            options = {"name": metric} if isinstance(metric, str) else dict(metric)
            name = options.pop("name")
            try:
                self.metrics[name] = METRICS.get(name)(device=device, **options)
            except MetricAbsent as reason:
                self.absent[name] = str(reason)
        self._clips: OrderedDict[str, tuple[Clip, list[Picture]]] = OrderedDict()
        self._sent: OrderedDict[str, tuple[Any, Encoded[Session]]] = OrderedDict()
        self._scores: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def evaluate(self, cell: Cell) -> Result:
        """The cell's row and its frames.

        Raises:
            ValueError: what the clip, the endpoint or the channel says is wrong.
        """
        self.seconds = {}
        clip, references = self._timed("clip", self._clip, cell["clip"], says_words(cell["endpoint"]))
        endpoint, encoded = self._timed("encode", self._encoded, cell, clip)
        delivery = self._timed("simulate", deliver, cell, encoded.stream)
        row = {
            "cell": cell_id(cell),
            "clip": clip.name,
            "endpoint": endpoint.label,
            **columns(cell, endpoint, encoded),
            **statistics(encoded.stream, delivery),
        }
        if not self.metrics:
            return Result(row, {}, self.seconds)
        playback = self._timed("decode", play, endpoint, encoded, delivery, self.device)
        playback = as_long_as(clip, playback)
        frames: dict[str, list[Any]] = {}
        if clip.video is not None and playback.clip.video is not None:
            row |= freezes(playback.outcomes(len(clip.video)), playback.clip.fps)
            frames = self._frame_scores(clip, references, playback, cell.get("score_every", 1), row)
        for metric in self.metrics.values():
            if hasattr(metric, "score") and _has(metric.needs, clip, playback.clip):
                row |= self._timed(metric.name, metric.score, clip, playback, encoded.truth)
        return Result(row, frames, self.seconds)

    def clip(self, params: dict[str, Any], spoken: bool = False) -> Clip:
        """The clip of a cell's parameters; `spoken`: its words are needed, and recognized if not known."""
        return self._clip(params, spoken)[0]

    def encoded(self, cell: Cell) -> tuple[Any, Encoded[Session]]:
        """The endpoint of a cell, and what it sends."""
        return self._encoded(cell, self.clip(cell["clip"], says_words(cell["endpoint"])))

    def forget(self) -> None:
        """Drops what was kept for the next cells: scores, features, decoded blocks (for benchmarks)."""
        self._scores.clear()
        decode_block.cache_clear()
        for metric in self.metrics.values():
            getattr(metric, "forget", lambda: None)()

    def restore(self, cell: Cell) -> tuple[Clip, Playback]:
        """The clip of a cell and what its receiver shows."""
        clip, _ = self._clip(cell["clip"], says_words(cell["endpoint"]))
        endpoint, encoded = self._encoded(cell, clip)
        return clip, play(endpoint, encoded, deliver(cell, encoded.stream), self.device)

    def _timed(self, what: str, function: Any, *args: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*args)
        finally:
            self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - start

    def _clip(self, params: dict[str, Any], spoken: bool) -> tuple[Clip, list[Picture]]:
        from lossweep.experiments.clips import load_clips
        from lossweep.experiments.clips.recognized import with_words

        def load() -> tuple[Clip, list[Picture]]:
            (clip,) = load_clips(**params)
            if spoken:
                clip = with_words(clip)
            return clip, [Picture.of(picture) for picture in clip.video] if clip.video is not None else []

        return _kept(self._clips, json.dumps([params, spoken], sort_keys=True), CLIPS_HELD, load)

    def _encoded(self, cell: Cell, clip: Clip) -> tuple[Any, Encoded[Session]]:
        def encode() -> tuple[Any, Encoded[Session]]:
            endpoint = make_endpoint(cell, self.device)
            return endpoint, endpoint.encode(clip)

        key = json.dumps([cell["clip"], cell["endpoint"], cell["code"]], sort_keys=True)
        return _kept(self._sent, key, STREAMS_HELD, encode)

    def _frame_scores(
        self, clip: Clip, references: list[Picture], received: Playback, every: int, row: dict[str, Any]
    ) -> dict[str, list[Any]]:
        paired = pairs(clip, received)[::every]
        outcomes = received.outcomes(len(clip.video))
        outcome = [outcomes[reference] for _, reference in paired]
        pictures = received.pictures([shown for shown, _ in paired])
        both = [
            (Picture(pixels, received.digests[shown]), references[reference])
            for pixels, (shown, reference) in zip(pictures, paired, strict=True)
        ]
        frames: dict[str, list[Any]] = {
            "frame": [reference for _, reference in paired],
            "time_s": [reference / clip.fps for _, reference in paired],
            "outcome": outcome,
        }
        undecodable = np.array([o in ("frozen", "grey") for o in outcome])
        for metric in self.metrics.values():
            if not hasattr(metric, "scores"):
                continue
            scores = self._timed(metric.name, self._scores_of, metric, both)
            frames[metric.name] = scores
            row[metric.name] = float(np.mean(scores))
            if metric.undecodable_score is not None:
                paper = np.where(undecodable, metric.undecodable_score, scores)
                row[f"{metric.name}_paper"] = float(np.mean(paper))
        return frames

    def _scores_of(self, metric: Any, both: list[tuple[Picture, Picture]]) -> list[float]:
        self.asked += len(both)
        keys = [(metric.name, shown.digest, reference.digest) for shown, reference in both]
        new = {key: pair for key, pair in zip(keys, both, strict=True) if key not in self._scores}
        self.scored += len(new)
        for key, score in zip(new, metric.scores(list(new.values())), strict=True):
            self._scores[key] = score
        scores = [self._scores[key] for key in keys]
        for key in keys:
            self._scores.move_to_end(key)
        while len(self._scores) > SCORES_HELD:
            self._scores.popitem(last=False)
        return scores


def says_words(endpoint: dict[str, Any]) -> bool:
    """Whether an endpoint of a cell sends words, alone or as a part of a system."""
    return ENDPOINTS.get(endpoint["name"]).sends == "words" or endpoint.get("words") is not None


def make_endpoint(cell: Cell, device: str = "cpu") -> Any:
    """The endpoint of a cell, with its packet code; networks in it run on `device`."""
    code = {**cell["code"]}
    family = CODES.get(code.pop("name")).from_params(**code)
    cls = ENDPOINTS.get(cell["endpoint"]["name"])
    return cls(cls.Params.model_validate(cell["endpoint"]), family, device)


def make_channel(cell: Cell) -> Any:
    """The loss model of a cell."""
    channel = {**cell["channel"]}
    return CHANNELS.get(channel.pop("name")).from_params(**channel)


def make_path(cell: Cell) -> PathModel:
    """The path of a cell."""
    path = cell["path"]
    return PathModel.from_params(
        cell["channel"], propagation_delay_s=path["propagation_delay_s"], jitter_s=path["jitter_s"]
    )


def deliver(cell: Cell, stream: Stream) -> Delivery:
    """What the cell's network does with a stream."""
    path = cell["path"]
    return simulate(
        stream,
        *make_path(cell).elements,
        seed=cell["seed"],
        repetition=cell["repetition"],
        playout_delay_s=path["playout_delay_s"],
        pacing_factor=path["pacing_factor"],
    )


def play(endpoint: Any, encoded: Encoded[Session], delivery: Delivery, device: str) -> Playback:
    """What the receiver makes of the packets that arrived: all it gets is these packets and the session."""
    arrivals = delivery.arrivals(encoded.stream)
    received = receive(arrivals, encoded.session.streams, delivery.playout_delay_s)
    return type(endpoint).decode(received, encoded.session, device)


def as_long_as(clip: Clip, playback: Playback) -> Playback:
    """The playback with its sound cut to the clip's length, or silence behind it: the receiver does not know the end."""
    if clip.speech is None or playback.clip.speech is None:
        return playback
    heard = playback.clip.speech[: len(clip.speech)]
    heard = np.pad(heard, (0, len(clip.speech) - len(heard)))
    return replace(playback, clip=replace(playback.clip, speech=heard))


def columns(cell: Cell, endpoint: Any, encoded: Encoded[Session]) -> dict[str, Any]:
    """What the table says of a cell beside what was measured."""
    channel = make_channel(cell)
    return {
        **encoded.columns,
        "code": endpoint.code.name,
        "code_rate": endpoint.code.code_rate,
        "channel": cell["channel"]["name"],
        "loss_rate": round(channel.loss_rate, 12),
        "mean_burst_length": round(channel.mean_burst_length, 12),
        **{key: value for key, value in cell["path"].items() if key != "playout_delay_s"},
        "repetition": cell["repetition"],
        "seed": cell["seed"],
    }


def _has(part: str, *clips: Clip) -> bool:
    return all(getattr(clip, part) is not None for clip in clips)


def _kept(cache: OrderedDict, key: str, size: int, make: Any) -> Any:
    if key not in cache:
        cache[key] = make()
    cache.move_to_end(key)
    while len(cache) > size:
        cache.popitem(last=False)
    return cache[key]
