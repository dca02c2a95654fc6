"""lip_sync: LSE-D and LSE-C of what is seen and heard at the other end."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from endpoints.clip import SPEECH_RATE, Clip, ClipError, Received
from experiments.metrics.lip_sync.error import SHIFT, LipSyncError, lip_sync_error, mean_distances
from experiments.metrics.lip_sync.expert import FPS, OWN, check, make
from experiments.metrics.metric import Picture

KEPT = 256
CLIPS_KEPT = 4
UNKNOWN = LipSyncError(float("nan"), float("nan"), float("nan"))


class LipSync:
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
        self._expert = make(expert, device)
        self.weights_sha256 = self._expert.weights_sha256
        self.label = f"LSE ({self._expert.label})"
        self._clean: OrderedDict[int, tuple[Clip, NDArray[np.float32], LipSyncError]] = OrderedDict()
        self._known: OrderedDict[tuple[int, tuple[str, ...], bytes], LipSyncError] = OrderedDict()

    @staticmethod
    def check(expert: str = OWN) -> None:
        """Nothing, where such an expert may be. See `expert.check`."""
        check(expert)

    def forget(self) -> None:
        """Drops the scores that are kept (for benchmarks)."""
        self._known.clear()
        self._clean.clear()

    def score(self, reference: Clip, received: Received) -> dict[str, float | str]:
        """A value for each of `columns`; none where there are no pictures or no speech.

        Raises:
            ClipError: the clean clip shows no face, naming it.
        """
        if any(clip.video is None or clip.speech is None for clip in (reference, received.clip)):
            return {}
        usual, clean = self._of_clean(reference)
        late = round(received.sound_late_s * SPEECH_RATE)
        heard = received.clip.speech[max(0, -late) :]
        heard = np.pad(heard, (max(0, late), 0))[: len(reference.speech)]
        error = self._error(reference, replace(received, clip=replace(received.clip, speech=heard)), usual)
        return {
            "lse_d": error.distance,
            "lse_c": error.confidence,
            "lse_offset": error.offset,
            "lse_d_clean": clean.distance,
            "lse_c_clean": clean.confidence,
            "lse_expert": self._expert.label,
        }

    def _of_clean(self, clip: Clip) -> tuple[NDArray[np.float32], LipSyncError]:
        if id(clip) not in self._clean:
            try:
                usual = self._expert.usual(clip.video)
            except ClipError as error:
                raise ClipError(f"lip_sync: clip {clip.name}: {error}") from None
            digests = tuple(Picture.of(picture).digest for picture in clip.video)
            error = self._error(clip, Received(clip, digests=digests), usual)
            self._clean[id(clip)] = clip, usual, error  # holding the clip keeps its id from being given again
        while len(self._clean) > CLIPS_KEPT:
            self._clean.popitem(last=False)
        return self._clean[id(clip)][1:]

    def _error(self, clean: Clip, received: Received, usual: NDArray[np.float32]) -> LipSyncError:
        """The error of what was received, once for the same pictures and sound."""
        fps, speech = received.clip.fps, np.asarray(received.clip.speech, np.float32)
        frames = min(int(len(received.clip.video) / fps * FPS), len(speech) * FPS // SPEECH_RATE)
        if frames <= 2 * SHIFT or not speech.any():
            return UNKNOWN
        shown = [min(int(i * fps / FPS + 1e-6), len(received.clip.video) - 1) for i in range(frames)]
        digests = tuple(received.digests[i] for i in shown)
        speech = speech[: frames * SPEECH_RATE // FPS]
        key = usual.tobytes(), digests, speech.tobytes()
        del clean
        if key not in self._known:
            seen, heard = self._expert.numbers(received.pictures(shown), digests, speech, usual)
            self._known[key] = lip_sync_error(mean_distances(seen, heard, self._expert.padded))
        self._known.move_to_end(key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return self._known[key]
