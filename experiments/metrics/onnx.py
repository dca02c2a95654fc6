"""ONNX models of the package speechmos, on one thread."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lossweep.experiments.metrics.metric import MetricAbsent


def session(metric: str, file: str) -> Any:
    """An onnxruntime session of a model file of speechmos; equal inputs give equal outputs.

    Args:
        metric: who asks, for the message.
        file: inside the package's folder.
    Raises:
        MetricAbsent: speechmos or onnxruntime is not installed.
    """
    missing = [name for name in ("speechmos", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise MetricAbsent(f"{metric} needs {' and '.join(missing)}: pip install {' '.join(missing)}")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    folder = Path(find_spec("speechmos").origin).parent
    return onnxruntime.InferenceSession(str(folder / file), options, providers=["CPUExecutionProvider"])
