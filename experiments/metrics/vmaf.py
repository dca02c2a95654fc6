"""VMAF, by the ffmpeg program that imageio-ffmpeg carries."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.metric import ClipMetric, MetricAbsent, MetricError
from lossweep.experiments.metrics.pairing import pairs


class Vmaf(ClipMetric):
    """Video multi-method assessment fusion, libvmaf's default model, mean over frames.

    Frames are paired by presentation time before libvmaf sees them. Pictures go to it as 4:2:0.

    Raises:
        MetricAbsent: no ffmpeg program, or one without libvmaf.

    Source: Netflix, libvmaf.
    """

    name = "vmaf"
    higher_is_better = True
    label = "VMAF"
    needs = "video"
    columns = ("vmaf",)

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        import imageio_ffmpeg

        try:
            self._program = imageio_ffmpeg.get_ffmpeg_exe()
            filters = subprocess.run(
                [self._program, "-filters"], capture_output=True, text=True, check=True
            ).stdout
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            raise MetricAbsent(
                f"vmaf is absent: no ffmpeg that runs ({error}); install imageio-ffmpeg"
            ) from error
        if " libvmaf " not in filters:
            raise MetricAbsent(
                f"vmaf is absent: {self._program} has no libvmaf; name one that has in IMAGEIO_FFMPEG_EXE"
            )

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """`vmaf` in [0, 100], higher is better.

        Raises:
            MetricError: a clip without video, pictures of different sizes, or ffmpeg failed (its last line).
        """
        matched = pairs(reference, playback)
        shown = playback.pictures([i for i, _ in matched])
        wanted = [reference.video[j] for _, j in matched]
        sizes = {picture.shape for picture in (*shown, *wanted)}
        if len(sizes) > 1:
            raise MetricError(f"vmaf: pictures of different sizes: {sorted(sizes)}; resize one first")
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / "shown.rgb", Path(folder) / "reference.rgb"]
            for file, video in zip(files, (shown, wanted), strict=True):
                _write(file, video)
            return {"vmaf": self._run(files, wanted[0].shape, reference.fps, Path(folder) / "vmaf.json")}

    def _run(self, files: list[Path], shape: tuple[int, ...], fps: float, log: Path) -> float:
        import ffmpeg

        raw = {"format": "rawvideo", "pix_fmt": "rgb24", "s": f"{shape[1]}x{shape[0]}", "r": fps}
        shown, reference = (ffmpeg.input(str(file), **raw).filter("format", "yuv420p") for file in files)
        compared = ffmpeg.filter(
            [shown, reference], "libvmaf", log_fmt="json", log_path=str(log), n_threads=1
        )
        try:
            compared.output("-", format="null").run(
                cmd=self._program, capture_stdout=True, capture_stderr=True
            )
        except ffmpeg.Error as error:
            last = error.stderr.decode(errors="replace").strip().split("\n")[-1]
            raise MetricError(f"vmaf: ffmpeg failed: {last}") from error
        return json.loads(log.read_text(encoding="utf-8"))["pooled_metrics"]["vmaf"]["mean"]


def _write(file: Path, video: Iterable[NDArray[np.uint8]]) -> None:
    with file.open("wb") as out:
        for picture in video:
            out.write(np.ascontiguousarray(picture).data)
