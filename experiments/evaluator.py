"""Evaluates cells: a clip through an endpoint and a network, measured.

A cell is a pure function of its parameters, so what cells have in common is done once: a clip is loaded and
encoded once, a block with the same bytes and the same arrivals is decoded once, and a picture is scored once against
the same reference, whatever cells show it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ParamSpec, TypeVar

import numpy as np
from cachetools import LRUCache

from lossweep.channels.delay import Delay
from lossweep.channels.errors import LossweepError
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.codecs.video.decode import decode_block
from lossweep.endpoints.endpoint import ENDPOINTS, Encoded, Endpoint, Truth
from lossweep.endpoints.jscc.contract import EncodedSymbols, SymbolEndpoint
from lossweep.endpoints.receiver import receive
from lossweep.endpoints.session import Session
from lossweep.experiments import calls, radio
from lossweep.experiments.cell import Cell
from lossweep.experiments.columns import parameter_columns
from lossweep.experiments.metrics.freezes import freezes
from lossweep.experiments.metrics.metric import Picture
from lossweep.experiments.parts import ClipParams, MetricParams
from lossweep.experiments.result import Result, Row
from lossweep.experiments.scores import Scores, Sheet
from lossweep.sim.delivery import Delivery
from lossweep.sim.rtp import IP_UDP_HEADER_BYTES
from lossweep.sim.simulate import simulate
from lossweep.sim.statistics import statistics
from lossweep.sim.stream import Stream

CLIPS_HELD = 2
STREAMS_HELD = 12
NOTES = ("rate_note", "reference_note")
"""Columns in which an endpoint says what is wrong with a clip."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Crossed:
    """A clip on its way to the receiver.

    Attributes:
        name, label: of the endpoint.
        columns: of the row.
        truth: for metrics.
        play: what the receiver shows.
    """

    name: str
    label: str
    columns: Row
    truth: Truth
    play: Callable[[], Playback]


class Evaluator:
    """Evaluates cells one after another and caches what later cells share.

    Args:
        metrics: names, or names with options.
        device: "cpu" or "cuda", for metrics and endpoints that run a network.
        stage: called with the name of each stage ("clip", "encode", "simulate", "decode", a metric) before it runs.
    Attributes:
        scores: the metrics and their scores.
    """

    def __init__(
        self,
        metrics: Sequence[str | MetricParams],
        device: str = "cpu",
        stage: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.device = device
        self.scores = Scores(metrics, device)
        self.seconds: dict[str, float] = {}
        self._stage = stage
        self._clips: LRUCache[tuple[str, bool], tuple[Clip, list[Picture]]] = LRUCache(CLIPS_HELD)
        self._squares: LRUCache[tuple[str, bool], tuple[Clip, list[Picture], str]] = LRUCache(CLIPS_HELD)
        self._radioed: LRUCache[str, tuple[SymbolEndpoint, EncodedSymbols[object]]] = LRUCache(STREAMS_HELD)
        self._callers: LRUCache[tuple[int, bool], calls.Caller] = LRUCache(STREAMS_HELD)
        self._sent: LRUCache[str, tuple[Endpoint, Encoded[Session]]] = LRUCache(STREAMS_HELD)

    def evaluate(self, cell: Cell, only: Sequence[str] | None = None) -> Result:
        """The cell's row and its frames. A metric that fails gives nan in its columns, and a note.

        Args:
            only: names of the metrics to measure; None measures all.
        Raises:
            ValueError: what the clip, the endpoint or the channel finds wrong.
        """
        self.seconds = {}
        clip, references = self._timed("clip", self._clip_of, cell)
        crossed = self._radio(cell, clip) if cell.carries_symbols() else self._packets(cell, clip)
        row: Row = {"cell": cell.id, "clip": clip.name, "endpoint": crossed.label, **crossed.columns}
        sheet = Sheet(row, only)
        if cell.needs_square() and (note := self._square(cell.clip, cell.says_words())[2]):
            sheet.notes.append(f"{crossed.name}: {note}")
        sheet.notes += [f"{clip.name}: {row[column]}" for column in NOTES if row.get(column)]
        if not self.scores.metrics:
            return Result(row, seconds=self.seconds, notes=tuple(sheet.notes))
        playback = as_long_as(clip, self._timed("decode", crossed.play))
        frames = {}
        if clip.video is not None and playback.clip.video is not None:
            row |= freezes(playback.outcomes(len(clip.video)), playback.clip.fps)
            frames = self.scores.of_frames(clip, references, playback, cell.score_every, sheet, self._timed)
        self.scores.of_clip(clip, playback, crossed.truth, sheet, self._timed)
        return Result(row, frames, self.seconds, sheet.columns, tuple(sheet.notes))

    def clip(self, params: ClipParams, spoken: bool = False) -> Clip:
        """The clip of a cell's parameters; `spoken`: its words are needed, and recognized if not known."""
        return self._clip(params, spoken)[0]

    def encoded(self, cell: Cell) -> tuple[Endpoint, Encoded[Session]]:
        """The endpoint of a cell, and what it sends."""
        return self._encoded(cell, self._clip_of(cell)[0])

    def restore(self, cell: Cell) -> tuple[Clip, Playback]:
        """The clip of a cell and what its receiver shows."""
        clip, _ = self._clip_of(cell)
        crossed = self._radio(cell, clip) if cell.carries_symbols() else self._packets(cell, clip)
        return clip, crossed.play()

    def _packets(self, cell: Cell, clip: Clip) -> Crossed:
        """The clip through an endpoint and a network."""
        endpoint, encoded = self._timed("encode", self._encoded, cell, clip)
        if cell.call is not None:
            return self._call(cell, clip, endpoint, encoded)
        delivery = self._timed("simulate", deliver, cell, encoded.stream)
        row = {**columns(cell, endpoint, encoded), **statistics(encoded.stream, delivery)}
        sizes = delivery.size_bytes + IP_UDP_HEADER_BYTES
        row |= radio.packet_columns(cell, sizes, encoded.stream.duration_s, clip)
        decode = partial(play, endpoint, encoded, delivery, self.device)
        return Crossed(endpoint.name, endpoint.label, row, encoded.truth, decode)

    def _call(self, cell: Cell, clip: Clip, endpoint: Endpoint, encoded: Encoded[Session]) -> Crossed:
        """The clip through an endpoint and a network to which both ends react."""
        assert cell.call is not None
        key = (id(encoded), cell.call.needs_encoder)
        if key not in self._callers:
            self._callers[key] = self._timed("encode", calls.caller, cell, clip, endpoint, encoded)
        sending = self._callers[key]
        results = self._timed("simulate", calls.run, cell, sending)
        row = {**columns(cell, endpoint, encoded), **calls.columns(cell, clip, sending, results)}
        first = results[0]
        row |= radio.packet_columns(cell, first.forward.size_bytes, first.stream.duration_s, clip)
        decode = partial(calls.play, sending, results[0], cell.call, self.device)
        return Crossed(endpoint.name, endpoint.label, row, encoded.truth, decode)

    def _radio(self, cell: Cell, clip: Clip) -> Crossed:
        """The clip through an endpoint that sends symbols and a physical channel."""
        key = radio.encoding_key(cell)
        if key not in self._radioed:
            self._radioed[key] = self._timed("encode", radio.encode, cell, clip, self.device)
        endpoint, encoded = self._radioed[key]
        received = self._timed("simulate", radio.transmitted, cell, encoded)
        decode = partial(type(endpoint).decode, received, encoded.session, self.device)
        row = radio.columns(cell, encoded, clip)
        return Crossed(endpoint.name, endpoint.label, row, encoded.truth, decode)

    def forget(self) -> None:
        """Drops what was kept for the next cells: scores, features, decoded blocks (for benchmarks)."""
        decode_block.cache_clear()
        self.scores.forget()

    def _timed(self, what: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        self._stage(what)
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - start

    def _clip_of(self, cell: Cell) -> tuple[Clip, list[Picture]]:
        """The clip as the cell's endpoint takes it."""
        spoken = cell.says_words()
        return self._square(cell.clip, spoken)[:2] if cell.needs_square() else self._clip(cell.clip, spoken)

    def _square(self, params: ClipParams, spoken: bool) -> tuple[Clip, list[Picture], str]:
        """The square around the face of a clip, and what was cropped and scaled."""
        from lossweep.experiments.clips.face_square import face_square

        key = (params.model_dump_json(), spoken)
        if key not in self._squares:
            own, pictures = self._clip(params, spoken)
            clip, note = face_square(own)
            if note:
                pictures = [Picture.of(p) for p in clip.video] if clip.video is not None else []
            self._squares[key] = clip, pictures, note
        return self._squares[key]

    def _clip(self, params: ClipParams, spoken: bool) -> tuple[Clip, list[Picture]]:
        from lossweep.experiments.clips import load_clips
        from lossweep.experiments.clips.recognized import with_words

        key = (params.model_dump_json(), spoken)
        if key not in self._clips:
            (clip,) = load_clips(**params.model_dump())
            if spoken:
                clip = with_words(clip)
            self._clips[key] = clip, [Picture.of(p) for p in clip.video] if clip.video is not None else []
        return self._clips[key]

    def _encoded(self, cell: Cell, clip: Clip) -> tuple[Endpoint, Encoded[Session]]:
        key = "\n".join(part.model_dump_json() for part in (cell.clip, cell.endpoint, cell.code))
        if key not in self._sent:
            endpoint = make_endpoint(cell, self.device)
            self._sent[key] = endpoint, endpoint.encode(clip)
        return self._sent[key]


def make_endpoint(cell: Cell, device: str = "cpu") -> Endpoint:
    """The endpoint of a cell, with its packet code; networks in it run on `device`."""
    endpoint: Endpoint = ENDPOINTS.get(cell.endpoint_name)(cell.endpoint, cell.code.make(), device)
    return endpoint


def deliver(cell: Cell, stream: Stream) -> Delivery:
    """What the cell's network does with a stream."""
    path = cell.path
    network = cell.channel.make(path.propagation_delay_s, path.jitter_s)
    return simulate(
        stream,
        *network.elements,
        seed=cell.seed,
        repetition=cell.repetition,
        playout_delay_s=path.playout_delay_s,
        pacing_factor=path.pacing_factor,
    )


def play(endpoint: Endpoint, encoded: Encoded[Session], delivery: Delivery, device: str) -> Playback:
    """The playback from the packets that arrived and the session, and nothing else."""
    arrivals = delivery.arrivals(encoded.stream)
    received = receive(arrivals, encoded.session.streams, delivery.playout_delay_s)
    return type(endpoint).decode(received, encoded.session, device)


def as_long_as(clip: Clip, playback: Playback) -> Playback:
    """The playback with its sound as long as the clip's, cut or with silence: a receiver does not know the end."""
    if clip.speech is None or playback.clip.speech is None:
        return playback
    speech = playback.clip.speech[: len(clip.speech)]
    speech = np.pad(speech, (0, len(clip.speech) - len(speech)))
    return replace(playback, clip=replace(playback.clip, speech=speech))


def columns(cell: Cell, endpoint: Endpoint, encoded: Encoded[Session]) -> Row:
    """What the table holds of a cell beside what was measured: its parameters, and what the encoder made of them."""
    network = cell.channel.make(cell.path.propagation_delay_s, cell.path.jitter_s)
    bursts = [
        burst for one in network.elements if (burst := getattr(one, "mean_burst_length", None)) is not None
    ]
    delays = [one for one in network.elements if isinstance(one, Delay)]
    return {
        **parameter_columns({**cell.parameters(), "channel": cell.channel.settings()}),
        "propagation_delay_s": sum(one.propagation_delay_s for one in delays),
        "jitter_s": delays[0].jitter_s if len(delays) == 1 else None,
        **encoded.columns,
        "code": endpoint.code.name,
        "code_rate": endpoint.code.code_rate,
        "channel": cell.channel.name,
        "loss_rate": None if network.loss_rate is None else round(network.loss_rate, 12),
        "mean_burst_length": round(bursts[0], 12) if len(bursts) == 1 else None,
    }


def one_line(error: BaseException) -> str:
    """An error as one line: a `LossweepError` unchanged, others with their type."""
    text = " ".join(str(error).split())
    return text if isinstance(error, LossweepError) else f"{type(error).__name__}: {text}"
