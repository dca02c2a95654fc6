"""What `check` says of packets that a fixed playout delay leaves no time for."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pydantic import BaseModel

from lossweep.endpoints.fec.code import CODES
from lossweep.endpoints.syncsc.codes.interleaving import Layout
from lossweep.endpoints.syncsc.face_endpoint import FaceParams
from lossweep.experiments.cell import Cell
from lossweep.experiments.path_delay import unplayable
from lossweep.experiments.scenario import Scenario

OPUS_FRAME_S, AAC_FRAME_S = 0.02, 0.064
DEFAULT_FPS = 25.0


def late_repair(scenario: Scenario) -> list[str]:
    """One line per endpoint whose packets come when what they are for has been played, and per path that is too long.

    A repair packet of a block code leaves at the block's end, and so does a packet that holds numbers of several frames
    of a face. So the playout delay must be longer than the block and the propagation delay together. Streams whose
    playout delay is "auto" always wait long enough.
    """
    lines: dict[str, None] = {}
    for cell in scenario.cells():
        delay_s = cell.path.playout_delay_s
        if isinstance(delay_s, str):
            continue
        if cell.channel.physical() is None and (line := unplayable(cell.channel, cell.path)) is not None:
            lines[line] = None
        for name, code, block_s in blocks(cell):
            need_s = block_s + cell.path.propagation_delay_s
            if code != "none" and not CODES.get(code).spans_stream and need_s > delay_s:
                lines[
                    f"{name}: repair of {code} comes {1000 * need_s:.0f} ms after a block begins, later than the "
                    f"playout delay of {1000 * delay_s:.0f} ms: the first packets of each block are not repaired; "
                    "use shorter blocks (fec_frames, gop, block_frames) or a longer playout_delay_s"
                ] = None
        for name, frames, block_s in faces(cell):
            need_s = block_s + cell.path.propagation_delay_s
            if need_s > delay_s:
                lines[
                    f"{name}: packets of {frames} frames with their look-ahead need {1000 * need_s:.0f} ms, more than "
                    f"the playout delay of {1000 * delay_s:.0f} ms: most come too late; use a smaller group or "
                    "look_ahead, or a longer playout_delay_s"
                ] = None
    return list(lines)


def faces(cell: Cell) -> Iterator[tuple[str, int, float]]:
    """Name, frames of a block, and the time from a block's begin until all of it can be shown, of faces."""
    fps = cell.clip.fps or DEFAULT_FPS
    for part in (cell.endpoint, getattr(cell.endpoint, "video", None)):
        options = getattr(part, "options", part)
        if isinstance(options, FaceParams):
            family = getattr(part, "code", None) or cell.code.make()
            layout = Layout(family.code_rate, options.group, options.look_ahead)
            yield options.name, layout.frames, (layout.delay_frames + 1) / fps


def blocks(cell: Cell) -> Iterator[tuple[str, str, float]]:
    """Name, packet code and block duration in seconds of each video or audio stream of a cell."""
    fps = cell.clip.fps or DEFAULT_FPS
    parts = [getattr(cell.endpoint, name, None) for name in ("video", "speech")]
    for part in [cell.endpoint, *(part for part in parts if part is not None)]:
        options: BaseModel = getattr(part, "options", part)
        code = getattr(getattr(part, "code", None), "name", None) or cell.code.name
        name = str(getattr(options, "name", ""))
        gop = getattr(options, "gop", None)
        frames = getattr(options, "block_frames", None)
        if gop is not None:
            span = getattr(options, "fec_frames", "gop")
            longest = math.inf if gop == "infinite" else float(gop)
            frames_s = (longest if span == "gop" else min(float(span), longest)) / fps
            yield name, str(code), frames_s
        elif frames is not None:
            yield name, str(code), frames * (AAC_FRAME_S if name == "aac" else OPUS_FRAME_S)
