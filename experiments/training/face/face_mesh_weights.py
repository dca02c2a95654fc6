"""MediaPipe's landmark weights as safetensors.

    python -m lossweep.experiments.training.face.face_mesh_weights TASK OUT

TASK is `face_landmarker.task`, OUT the file to write; needs the package `tflite`.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.face_mesh import BLOCKS, WIDTHS

FILE = "face_landmarks_detector.tflite"
PARTS = ("narrow", "narrow_bend", "around", "widen", "bend")
KINDS = {0: np.float32, 1: np.float16, 2: np.int32}
"""NumPy's types of TensorFlow Lite's tensor types."""


def weights(task: Path) -> dict[str, NDArray[np.float32]]:
    """The weights of `FaceMesh` by name, from the operations of the file in order."""
    import tflite

    graph = tflite.Model.GetRootAs(zipfile.ZipFile(task).read(FILE), 0)
    layers = _layers(tflite, graph)
    blocks = (BLOCKS + 1) * len(WIDTHS) - 1
    names = ["first", "first_bend", *(f"blocks.{b}.{part}" for b in range(blocks) for part in PARTS)]
    # The tongue comes first of the three outputs; it is not used.
    names += ["", "presence", "points"]
    out = {}
    for name, parts in zip(names, layers, strict=True):
        if name:
            out.update({f"{name}.{k}": v for k, v in zip(("weight", "bias"), parts, strict=False)})
    return out


def _layers(tflite: Any, model: Any) -> list[tuple[NDArray[np.float32], ...]]:
    """Weight and bias of each convolution, slopes of each PReLU; as PyTorch orders the axes."""
    graph, known = model.Subgraphs(0), {}
    kinds = tflite.BuiltinOperator
    layers: list[tuple[NDArray[np.float32], ...]] = []
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        code = model.OperatorCodes(operator.OpcodeIndex())
        kind = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        inputs = operator.InputsAsNumpy()
        if kind == kinds.DEQUANTIZE:
            known[operator.Outputs(0)] = _array(model, graph.Tensors(inputs[0]))
        elif kind == kinds.CONV_2D:
            layers.append((known[inputs[1]].transpose(0, 3, 1, 2), known[inputs[2]]))
        elif kind == kinds.DEPTHWISE_CONV_2D:
            layers.append((known[inputs[1]].transpose(3, 0, 1, 2), known[inputs[2]]))
        elif kind == kinds.PRELU:
            layers.append((known[inputs[1]].ravel(),))
    return layers


def _array(model: Any, tensor: Any) -> NDArray[np.float32]:
    raw = model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
    return np.float32(np.frombuffer(raw, KINDS[tensor.Type()]).reshape(tensor.ShapeAsNumpy()))


def main(argv: list[str]) -> int:
    """Writes the weights; returns the exit status."""
    from safetensors.numpy import save_file

    task, out = map(Path, argv)
    save_file({k: np.ascontiguousarray(v.astype(np.float16)) for k, v in weights(task).items()}, out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
