"""What a metric is: of one picture against another, or of a clip against what was received of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import LossweepError
from lossweep.channels.registry import Registry
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth

if TYPE_CHECKING:
    from lossweep.experiments.column import Column

METRICS = Registry(
    "metric",
    "lossweep.metrics",
    {
        "psnr": "lossweep.experiments.metrics.psnr:Psnr",
        "ssim": "lossweep.experiments.metrics.ssim:Ssim",
        "ms_ssim": "lossweep.experiments.metrics.ms_ssim:MsSsim",
        "lpips": "lossweep.experiments.metrics.lpips.metric:Lpips",
        "vmaf": "lossweep.experiments.metrics.vmaf:Vmaf",
        "bleu": "lossweep.experiments.metrics.bleu:Bleu",
        "semantic_similarity": "lossweep.experiments.metrics.semantic_similarity:SemanticSimilarity",
        "word_recovery": "lossweep.experiments.metrics.word_recovery:WordRecovery",
        "face": "lossweep.experiments.metrics.face:Face",
        "coefficients": "lossweep.experiments.metrics.coefficients:Coefficients",
        "recognition": "lossweep.experiments.metrics.recognition:Recognition",
        "heard": "lossweep.experiments.metrics.recognized_words:RecognizedWords",
        "pesq": "lossweep.experiments.metrics.pesq:Pesq",
        "stoi": "lossweep.experiments.metrics.stoi:Stoi",
        "mcd": "lossweep.experiments.metrics.mcd:Mcd",
        "mel_similarity": "lossweep.experiments.metrics.mel_similarity:MelSimilarity",
        "dnsmos": "lossweep.experiments.metrics.dnsmos:Dnsmos",
        "plcmos": "lossweep.experiments.metrics.plcmos:Plcmos",
        "utmos": "lossweep.experiments.metrics.utmos:Utmos",
        "speaker_similarity": "lossweep.experiments.metrics.speaker_similarity:SpeakerSimilarity",
        "lip_sync": "lossweep.experiments.metrics.lip_sync.metric:LipSync",
        "playout_skew": "lossweep.experiments.metrics.playout_skew:PlayoutSkew",
    },
)


class MetricAbsent(LossweepError, RuntimeError):
    """A metric cannot be had here: which one, what is missing, where it was looked for, how to get it."""


@dataclass(frozen=True)
class Picture:
    """A picture that is known by its content: equal digests are equal pictures.

    Attributes:
        pixels: uint8 [height, width, 3], RGB; must not be written to afterwards.
        digest: content hash.
    """

    pixels: NDArray[np.uint8] = field(compare=False, repr=False)
    digest: str

    @classmethod
    def of(cls, pixels: NDArray[np.uint8]) -> Picture:
        """The picture with the BLAKE2b digest of its shape and bytes."""
        data = np.ascontiguousarray(pixels)
        head = f"{data.dtype} {data.shape} ".encode()
        return cls(pixels, hashlib.blake2b(data.tobytes(), key=head, digest_size=16).hexdigest())


class MetricError(LossweepError, ValueError):
    """Input that a metric cannot score: which metric, what was seen, and what to do; one line."""


class Metric:
    """What frame and clip metrics have in common. An instance is made as `cls(device="cpu", **options)`.

    Attributes:
        name: the metric's main column in the tables.
        label: for axes.
        higher_is_better: direction of the columns.
        columns: names of all columns; `name` alone where a metric does not say.
        opposite: those of `columns` with the other direction.
        schema: what each column means (name, label, unit, direction, range). The columns of lossweep's own metrics
            are declared in `column_table.py`; a plug-in declares its own here.
        weights_sha256: of the file of model weights; "" where there is none.
    """

    name: str
    label: str
    higher_is_better: bool
    columns: tuple[str, ...] = ()
    opposite: tuple[str, ...] = ()
    schema: tuple[Column, ...] | None = None
    weights_sha256: str = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not cls.columns and hasattr(cls, "name"):
            cls.columns = (cls.name,)

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    @classmethod
    def check(cls, **options: Any) -> None:
        """Refuses options that the constructor takes but cannot use, before a sweep begins.

        Raises:
            ValueError: what is wrong, and what to write.
        """

    def forget(self) -> None:
        """Drops what is kept to score faster."""


class FrameMetric(Metric):
    """A score of a picture against its reference.

    A score depends on the two pictures alone, bit for bit: not on the other pairs of the call nor on
    earlier calls.

    Attributes:
        undecodable_score: the score of a frame that could not be decoded in the column `<name>_paper`;
            None where the metric has no such column.
        least_side: smallest height and width in pixels for which it is defined.
    """

    undecodable_score: float | None = None
    least_side: int = 1

    def scores(self, pairs: Sequence[tuple[Picture, Picture]]) -> list[float]:
        """One score per pair (shown, reference).

        Raises:
            MetricError: pictures of a wrong type or of different shapes, with what was seen.
        """
        raise NotImplementedError


class ClipMetric(Metric):
    """A score of what a receiver shows and plays against the whole clip.

    Attributes:
        needs: the part that both the clip and the playback must have.
    """

    needs: Literal["video", "words", "speech"]

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`; nan where a value is not defined. No columns where the metric does not apply.

        Args:
            reference: the clip.
            playback: what the receiver shows and plays; it may be shorter or longer than the clip.
            truth: what the sender knows beside the clip.
        Raises:
            MetricError: input that the metric cannot score.
        """
        raise NotImplementedError


def checked(pair: tuple[Picture, Picture], metric: str, least_side: int) -> tuple[NDArray, NDArray]:
    """The pixels of both pictures of a pair, once they are known to be comparable.

    Args:
        pair: shown, reference.
        metric: name, for the message.
        least_side: smallest height and width that the metric is defined for, in pixels.
    Returns:
        Two uint8 [height, width, 3].
    Raises:
        MetricError: not uint8 RGB, different shapes or too small; the message gives what was seen.
    """
    for role, picture in zip(("shown", "reference"), pair, strict=True):
        pixels = picture.pixels
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise MetricError(
                f"{metric}: the {role} picture must be uint8 [height, width, 3], not {_seen(pixels)}"
            )
        if min(pixels.shape[:2]) < least_side:
            raise MetricError(
                f"{metric}: the {role} picture must be at least {least_side} on a side, not {_seen(pixels)}"
            )
    shown, reference = (picture.pixels for picture in pair)
    if shown.shape != reference.shape:
        raise MetricError(
            f"{metric}: shown is {_seen(shown)} but the reference {_seen(reference)}; resize one first"
        )
    return shown, reference


def _seen(pixels: Any) -> str:
    values = f" in [{pixels.min():g}, {pixels.max():g}]" if pixels.size else ""
    return f"{pixels.dtype} {list(pixels.shape)}{values}"


def luma(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Full-range luma of an RGB picture.

    Args:
        pixels: uint8 [height, width, 3].
    Returns:
        float64 [height, width] in [0, 255].
    Source: ITU-R BT.601, Y' = 0.299 R' + 0.587 G' + 0.114 B'.
    """
    return pixels @ np.array([0.299, 0.587, 0.114])
