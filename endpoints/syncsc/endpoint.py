"""SyncSC's video: coefficients of a face model, read by a tracker and rendered by a generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from lossweep.endpoints.clip import Clip
from lossweep.endpoints.endpoint import Encoded, Scalar
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.syncsc.codes.packet_coded import Coding
from lossweep.endpoints.syncsc.face_endpoint import FaceEndpoint, FaceParams
from lossweep.endpoints.syncsc.face_model import FaceModel
from lossweep.endpoints.syncsc.generator.renderer import RENDERERS, Renderer
from lossweep.endpoints.syncsc.references import choose, looks, shares, turned_away, turns
from lossweep.endpoints.syncsc.semantics import Scaling, smooth
from lossweep.endpoints.syncsc.session import FaceSession
from lossweep.endpoints.syncsc.tracker import TRACKERS, Tracked, Tracker


class SyncSCParams(FaceParams):
    """Options of the semantic video endpoint; see also `FaceParams`.

    Attributes:
        tracker: what reads the coefficients from the pictures: "extractor" (ships), "mediapipe", or "deep3d".
        tracker_folder: Deep3DFaceRecon's checkpoint and BFM files, for "deep3d".
        faces: "one" refuses a clip that shows several, "largest" takes the largest.
        drawing: "generator", "warp" (the warp alone, nothing learned) or "frozen" (the reference picture).
        references: pictures of the clip that both ends share before the session starts. 1 is the first frame, as in the
            paper. More are an enrolment: the sender looks at the whole clip beforehand, which a live call cannot. They
            are the pictures that are most unlike each other; see `references`. A PNG of 50 to 120 kB each, the column
            reference_bytes; they are in no rate.
        coding: of rows with codes that protect packets: "float16", or "integers" with an entropy code (finer, fewer
            bits).
    """

    name: Literal["syncsc"] = "syncsc"
    tracker: str = "extractor"
    tracker_folder: str = ""
    faces: Literal["one", "largest"] = "one"
    drawing: str = "generator"
    references: int = Field(1, ge=1, le=4)
    coding: Literal["float16", "integers"] = "float16"

    @field_validator("tracker")
    @classmethod
    def _tracker(cls, value: str) -> str:
        TRACKERS.check(value)
        return value

    @field_validator("drawing")
    @classmethod
    def _drawing(cls, value: str) -> str:
        RENDERERS.check(value)
        return value


class SyncSCEndpoint(FaceEndpoint):
    """A talking face as 16 numbers per frame, in standard deviations; later frames are rendered from the first one."""

    Params = SyncSCParams
    params: SyncSCParams
    title = "SyncSC"
    shows_lips = True
    marks: ClassVar[dict[str, str]] = {
        "drawing": "{}",
        "references": "r{}",
        "tracker": "{}",
        "interpolation": "{}",
        "coding": "{}",
    } | {
        "group": "g{}",
        "look_ahead": "a{}",
    }

    def __init__(self, params: SyncSCParams, code: CodeFamily, device: str = "cpu") -> None:
        super().__init__(params, code, device)

    @property
    def coding(self) -> Coding:
        """Of the rows, with codes that protect packets."""
        return self.params.coding

    @classmethod
    def scaling(cls) -> Scaling:
        """The face model's."""
        return Scaling.of(FaceModel.load())

    @classmethod
    def renderer(cls, name: str, device: str) -> Renderer:
        """The registered renderer of that name."""
        return _renderer(name, device)

    def encode(self, clip: Clip) -> Encoded[FaceSession]:
        """See `FaceEndpoint.encode`; and how far the head turns from the references, which breaks the picture."""
        encoded = super().encode(clip)
        assert encoded.truth.semantics is not None
        known, wanted = (
            self.scaling().coefficients(np.asarray(some))
            for some in ([one.coefficients for one in encoded.session.references], encoded.truth.semantics)
        )
        chosen = shares(np.asarray(encoded.session.references[0].identity), known, wanted).argmax(1)
        turn = float(turns(wanted, known[chosen]).max())
        columns: dict[str, Scalar] = {
            "head_turn": turn,
            "reference_note": turned_away(turn, self.params.references),
        }
        return replace(encoded, columns={**encoded.columns, **columns})

    def _shared(self, tracked: Tracked) -> list[int]:
        coefficients = self.scaling().coefficients(tracked.coefficients)
        return choose(looks(tracked.identity, coefficients), self.params.references)

    def _track(self, pictures: Sequence[NDArray[np.uint8]]) -> Tracked:
        options = self.params
        tracker = _tracker(options.tracker, self.device, options.faces == "largest", options.tracker_folder)
        identity, found = tracker.track(pictures)
        return Tracked(identity, smooth(found, FaceModel.load().scale).astype(np.float32))


@lru_cache(maxsize=4)
def _tracker(name: str, device: str, largest: bool, folder: str) -> Tracker:
    tracker: Tracker = TRACKERS.get(name).load(device, largest, folder)
    return tracker


@lru_cache(maxsize=4)
def _renderer(name: str, device: str) -> Renderer:
    renderer: Renderer = RENDERERS.get(name).load(device)
    return renderer
