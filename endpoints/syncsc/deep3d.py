"""The paper's extractor: a user's own Deep3DFaceRecon checkpoint with its BFM folder, as a tracker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lossweep.channels.errors import OptionError, WeightsError
from lossweep.endpoints.syncsc.face_model import FaceModel
from lossweep.endpoints.syncsc.similarity_transform import similarity
from lossweep.endpoints.syncsc.tracker import Tracked, fit_face
from lossweep.endpoints.weights import load_checkpoint

SIDE = 224
FOCAL, CENTRE, DISTANCE = 1015.0, 112.0, 10.0
RESCALE = 102.0
PARTS = {"id": 80, "exp": 64, "tex": 80, "angle": 3, "gamma": 27, "tx": 2, "tz": 1}
CHECKPOINT, BFM, STANDARD = "epoch_20.pth", "BFM_model_front.mat", "similarity_Lm3D_all.mat"
# MediaPipe's numbers of the 68 points of iBUG 300-W, whose order BFM's keypoints have.
IBUG = (
    *(162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389),
    *(71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87),
)
FIVE = ((33, 133), (362, 263), (4,), (61,), (291,))
"""Eyes, nose, corners of the mouth, by which a face is laid into the network's picture."""


class ReconNet(nn.Module):
    """ResNet-50 and a linear layer for each part of the 257 coefficients. Takes [n, 3, 224, 224] in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import resnet50

        self.backbone = resnet50(weights=None)
        self.backbone.fc = nn.Identity()
        self.final_layers = nn.ModuleList(nn.Conv2d(2048, size, 1) for size in PARTS.values())

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Coefficients by part, [n, size]."""
        seen = self.backbone(pictures)[..., None, None]
        return {n: layer(seen).flatten(1) for n, layer in zip(PARTS, self.final_layers, strict=True)}


class Deep3DTracker:
    """Reads BFM coefficients with a Deep3DFaceRecon checkpoint and fits the face model to their 68 landmarks.

    The face's place comes from the extractor that ships (in place of MTCNN). The semantics that are sent are
    this project's, fitted to the network's landmarks: the generator does not use BFM.

    Args:
        folder: holds epoch_20.pth, and BFM_model_front.mat and similarity_Lm3D_all.mat (or BFM/ with the two).
        largest: take the largest of several faces.
    Raises:
        WeightsError: a file is missing or is something else.
    Source: Deng et al., Accurate 3D Face Reconstruction with Weakly-Supervised Learning, CVPRW 2019; file
        formats, camera and alignment as in the authors' PyTorch code.
    """

    def __init__(self, folder: Path, device: str = "cpu", largest: bool = False) -> None:
        from lossweep.endpoints.syncsc.extractor import ExtractorTracker

        self.device, self.model = device, FaceModel.load()
        self.finder = ExtractorTracker.load(device, largest)
        self.network = _network(folder / CHECKPOINT).to(device).eval()
        bfm = folder / "BFM" if (folder / "BFM").is_dir() else folder
        faces = _mat(bfm / BFM, ("meanshape", "idBase", "exBase", "keypoints"))
        mean = faces["meanshape"].reshape(-1, 3)
        at = np.asarray(faces["keypoints"], np.int64).ravel() - 1
        self.mean = np.float32((mean - mean.mean(0))[at])
        self.bases = {
            "id": np.float32(faces["idBase"].reshape(-1, 3, PARTS["id"])[at]),
            "exp": np.float32(faces["exBase"].reshape(-1, 3, PARTS["exp"])[at]),
        }
        self.standard = five_of(_mat(bfm / STANDARD, ("lm",))["lm"])

    @classmethod
    def load(cls, device: str = "cpu", largest: bool = False, folder: str = "") -> Deep3DTracker:
        """From the endpoint's option `tracker_folder`."""
        if not folder:
            raise OptionError(f"tracker deep3d needs tracker_folder: the folder of {CHECKPOINT} and of {BFM}")
        return cls(Path(folder), device, largest)

    @torch.inference_mode()
    def track(self, pictures: Sequence[NDArray[np.uint8]]) -> Tracked:
        """See `Tracker.track`."""
        points = []
        for picture, seen in zip(pictures, self.finder.follow(pictures), strict=True):
            five = np.stack([seen[list(part), :2].mean(0) for part in FIVE])
            scale, corner = placement(five, self.standard)
            points.append(self.landmarks(_cut(picture, scale, corner).to(self.device)) / scale)
            points[-1][:, :2] += corner
        return fit_face(complete_landmarks(np.stack(points), self.model), self.model)

    def landmarks(self, picture: Tensor) -> NDArray[np.float64]:
        """The 68 landmarks [68, 3] in pixels of the network's picture [1, 3, 224, 224]; y down, z away."""
        found = {name: part[0].cpu().double().numpy() for name, part in self.network(picture).items()}
        shape = self.mean + sum(base @ found[name] for name, base in self.bases.items())
        shape = shape @ rotation(found["angle"]).T + np.concatenate([found["tx"], found["tz"]])
        away = DISTANCE - shape[:, 2]
        flat = shape[:, :2] * FOCAL / away[:, None] + CENTRE
        depth = (away - away.mean()) * FOCAL / away.mean()
        return np.column_stack([flat[:, 0], SIDE - 1 - flat[:, 1], depth])


def rotation(angles: NDArray) -> NDArray[np.float64]:
    """Rz Ry Rx of three angles in radians."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return z @ y @ x


def five_of(points: NDArray) -> NDArray[np.float64]:
    """Eyes, nose and corners of the mouth [5, 3] of 68 standard points, y up."""
    eyes = [points[[36, 39]].mean(0), points[[42, 45]].mean(0)]
    return np.stack([*eyes, points[30], points[48], points[54]]).astype(np.float64)


def placement(five: NDArray, standard: NDArray) -> tuple[float, NDArray[np.float64]]:
    """Scale and top left corner (in the picture) at which a face is cut out for the network.

    Args:
        five: [5, 2] in the picture, y down.
        standard: [5, 3], y up.
    """
    up = five * [1, -1]
    system = np.zeros((10, 8))
    system[0::2, :3], system[0::2, 3] = standard, 1
    system[1::2, 4:7], system[1::2, 7] = standard, 1
    k = np.linalg.lstsq(system, up.ravel(), rcond=None)[0]
    scale = RESCALE / ((np.linalg.norm(k[:3]) + np.linalg.norm(k[4:7])) / 2)
    middle = np.array([k[3], -k[7]])
    return float(scale), middle - SIDE / 2 / scale


def complete_landmarks(points: NDArray, model: FaceModel, rounds: int = 4) -> NDArray[np.float64]:
    """All 478 points of faces of which 68 are known: the face model's nearest shape (regularized), moved alike.

    Args:
        points: [frames, 68, 3] in pixels.
    """
    some = list(IBUG)
    lids = 0.085 * model.lids[None]
    basis = np.concatenate([model.identity_basis, model.expression_basis, lids]).astype(np.float64)
    flat = basis[:, some].reshape(len(basis), -1) / 0.03
    normal = np.linalg.inv(flat @ flat.T + np.eye(len(basis))) @ flat / 0.03
    out = []
    for frame in points:
        shape: NDArray[np.floating] = model.mean.astype(np.float64)
        for _ in range(rounds):
            scale, turn, origin = (part[0] for part in similarity(shape[some], frame[None]))
            aligned = (frame - origin) @ turn / scale
            shape = model.mean + np.tensordot(normal @ (aligned - model.mean[some]).ravel(), basis, 1)
        out.append(scale * shape @ turn.T + origin)
    return np.stack(out)


def _cut(picture: NDArray[np.uint8], scale: float, corner: NDArray) -> Tensor:
    height, width = picture.shape[:2]
    line = (np.arange(SIDE) + 0.5) / scale
    x, y = np.meshgrid((corner[0] + line) * 2 / width - 1, (corner[1] + line) * 2 / height - 1)
    grid = torch.from_numpy(np.float32(np.stack([x, y], -1)))[None]
    whole = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None] / 255
    return functional.grid_sample(whole, grid, align_corners=False)


def _network(path: Path) -> ReconNet:
    if not path.exists():
        raise WeightsError(f"tracker deep3d: {path} is missing; put Deep3DFaceRecon's {CHECKPOINT} there")
    network = ReconNet()
    try:
        network.load_state_dict(load_checkpoint(path)["net_recon"])
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(
            f"tracker deep3d: {path} is no Deep3DFaceRecon checkpoint ({str(error).splitlines()[0]})"
        ) from None
    return network


def _mat(path: Path, names: tuple[str, ...]) -> dict[str, NDArray]:
    from scipy.io import loadmat

    if not path.exists():
        raise WeightsError(f"tracker deep3d: {path} is missing; it belongs to Deep3DFaceRecon's BFM folder")
    try:
        return {name: loadmat(path)[name] for name in names}
    except (KeyError, ValueError) as error:
        raise WeightsError(f"tracker deep3d: {path} lacks {error}; make it as Deep3DFaceRecon says") from None
