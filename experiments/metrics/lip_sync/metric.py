"""lip_sync: LSE-D and LSE-C of the received pictures and speech."""

from __future__ import annotations

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from lossweep.endpoints.clip import SPEECH_RATE, Clip, ClipError, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.content_cache import content_hash, get_or_make
from lossweep.experiments.metrics.lip_sync.error import (
    FPS,
    SHIFT,
    LipSyncError,
    lip_sync_error,
    mean_distances,
)
from lossweep.experiments.metrics.lip_sync.expert import OWN, check, make
from lossweep.experiments.metrics.metric import ClipMetric, MetricError, Picture

KEPT = 256
LEAST_FRAMES = 2 * SHIFT + 1
UNKNOWN = LipSyncError(float("nan"), float("nan"), float("nan"))


class LipSync(ClipMetric):
    """Lip-sync error by an expert, which the tables name.

    Columns: `lse_d`, the least mean distance of pictures and sound over offsets of -15 to 15 frames (lower is better);
    `lse_c`, the median over the offsets less that (higher is better); `lse_offset`, the offset, in frames of 1/25 s,
    positive where the sound is late (SyncNet's own program prints it with the other sign); `lse_d_clean` and
    `lse_c_clean`, the clean clip's own score; `lse_expert`, whose distances they are. Distances of different experts
    cannot be compared. Where nothing sounds, and below 31 frames, there is no score (nan); a frozen or grey screen has
    one. Clips without pictures or without speech get no columns.

    Args:
        expert: "own", or the file `syncnet_v2.model` of the published SyncNet v2, or its folder.
    Raises:
        MetricAbsent: the expert's weights are not there.
        ValueError: unknown expert.
    Source: Chung & Zisserman 2016; Prajwal et al. 2020, section 4 (LSE-D, LSE-C).
    """

    name = "lip_sync"
    higher_is_better = False
    label = "LSE-D"
    needs = "video"
    columns = ("lse_d", "lse_c", "lse_offset", "lse_d_clean", "lse_c_clean", "lse_expert")
    opposite = ("lse_c", "lse_c_clean")

    def __init__(self, device: str = "cpu", expert: str = OWN) -> None:
        super().__init__(device)
        self._expert = make(expert, device)
        self.weights_sha256 = self._expert.weights_sha256
        self.label = f"LSE ({self._expert.label})"
        self._places: LRUCache[tuple[str, ...], NDArray[np.float32]] = LRUCache(KEPT)
        self._seen: LRUCache[tuple[tuple[str, ...], ...], NDArray[np.float32]] = LRUCache(KEPT)
        self._heard: LRUCache[bytes, NDArray[np.float32]] = LRUCache(KEPT)
        self._digests: tuple[Clip | None, tuple[str, ...]] = None, ()

    @staticmethod
    def check(expert: str = OWN) -> None:
        """Nothing, where such an expert may be. See `expert.check`."""
        check(expert)

    def forget(self) -> None:
        """Drops what is kept for the next cells (for benchmarks)."""
        for kept in (self._places, self._seen, self._heard):
            kept.clear()

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float | str]:
        """A value for each of `columns`; none where there are no pictures or no speech.

        Raises:
            MetricError: the clean clip shows no face, naming it.
        """
        if any(clip.video is None or clip.speech is None for clip in (reference, playback.clip)):
            return {}
        if self._digests[0] is not reference:
            self._digests = reference, tuple(Picture.of(picture).digest for picture in reference.video)
        clean = self._error(reference, Playback(reference, digests=self._digests[1]), reference.speech)
        late = round(playback.sound_late_s * SPEECH_RATE)
        heard = np.pad(playback.clip.speech[max(0, -late) :], (max(0, late), 0))[: len(reference.speech)]
        error = self._error(reference, playback, np.pad(heard, (0, len(reference.speech) - len(heard))))
        return {
            "lse_d": error.distance,
            "lse_c": error.confidence,
            "lse_offset": error.offset,
            "lse_d_clean": clean.distance,
            "lse_c_clean": clean.confidence,
            "lse_expert": self._expert.label,
        }

    def _error(self, reference: Clip, playback: Playback, speech: NDArray[np.float32]) -> LipSyncError:
        """Of the pictures on the receiver's screen over the time of the clip, with speech of the clip's length."""
        frames = min(int(len(reference.video) / reference.fps * FPS), len(speech) * FPS // SPEECH_RATE)
        if frames < LEAST_FRAMES or not speech.any():
            return UNKNOWN
        last = len(playback.clip.video) - 1
        shown = [min(int(i * playback.clip.fps / FPS + 1e-6), last) for i in range(frames)]
        speech = np.asarray(speech[: frames * SPEECH_RATE // FPS], np.float32)
        clean = self._digests[1]
        digests = tuple(playback.digests[i] for i in shown)

        def seen() -> NDArray[np.float32]:
            usual = get_or_make(self._places, clean, lambda: self._place(reference))
            return self._expert.embed_pictures(playback.pictures(shown), digests, usual)

        distances = mean_distances(
            get_or_make(self._seen, (clean, digests), seen),
            get_or_make(self._heard, content_hash(speech), lambda: self._expert.embed_speech(speech)),
            self._expert.padded,
        )
        return lip_sync_error(distances)

    def _place(self, clip: Clip) -> NDArray[np.float32]:
        try:
            return self._expert.usual_points(clip.video)
        except ClipError as error:
            raise MetricError(f"lip_sync: clip {clip.name}: {error}") from None
