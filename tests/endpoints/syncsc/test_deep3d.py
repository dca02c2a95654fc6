"""A user's Deep3DFaceRecon checkpoint: loading and geometry, on a made-up one that always says the same."""

import numpy as np
import pytest
import torch
from scipy.io import savemat

from lossweep.channels.errors import OptionError, WeightsError
from lossweep.endpoints.syncsc.deep3d import (
    IBUG,
    PARTS,
    Deep3DTracker,
    ReconNet,
    complete_landmarks,
    placement,
)
from lossweep.endpoints.syncsc.face_model import FaceModel


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("deep3d")
    rng = np.random.default_rng(0)
    network = ReconNet()
    for layer in network.final_layers:
        torch.nn.init.zeros_(layer.weight)
        layer.bias.data = torch.from_numpy(np.float32(rng.normal(0, 0.1, layer.bias.shape)))
    torch.save({"net_recon": network.state_dict()}, place / "epoch_20.pth")
    vertices = 90
    savemat(
        place / "BFM_model_front.mat",
        {
            "meanshape": rng.normal(size=(1, 3 * vertices)),
            "idBase": 0.1 * rng.normal(size=(3 * vertices, 80)),
            "exBase": 0.1 * rng.normal(size=(3 * vertices, 64)),
            "keypoints": rng.permutation(vertices)[None, :68] + 1,
        },
    )
    savemat(place / "similarity_Lm3D_all.mat", {"lm": rng.normal(size=(68, 3))})
    return place


def test_landmarks_are_the_pinhole_projection_of_the_coefficients(folder):
    from scipy.io import loadmat
    from scipy.spatial.transform import Rotation

    tracker = Deep3DTracker(folder)
    with torch.inference_mode():
        found = tracker.landmarks(torch.zeros(1, 3, 224, 224))
    said = {
        n: layer.bias.detach().numpy() for n, layer in zip(PARTS, tracker.network.final_layers, strict=True)
    }
    bfm = loadmat(folder / "BFM_model_front.mat")
    whole = (bfm["meanshape"].ravel() + bfm["idBase"] @ said["id"] + bfm["exBase"] @ said["exp"]).reshape(
        -1, 3
    )
    whole -= bfm["meanshape"].reshape(-1, 3).mean(0)
    moved = np.concatenate([said["tx"], said["tz"]])
    turned = Rotation.from_euler("xyz", said["angle"]).apply(whole) + moved
    turned = turned[bfm["keypoints"].ravel() - 1]
    depth = 10 - turned[:, 2]
    expected = 112 + 1015 * turned[:, :2] / depth[:, None]
    np.testing.assert_allclose(found[:, 0], expected[:, 0], rtol=1e-4)
    np.testing.assert_allclose(found[:, 1], 223 - expected[:, 1], rtol=1e-4, atol=1e-2)


def test_a_face_of_the_standard_shape_is_laid_at_the_standard_size():
    rng = np.random.default_rng(1)
    standard = rng.normal(size=(5, 3))
    five = 40 * standard[:, :2] * [1, -1] + [130, 100]
    scale, corner = placement(five, standard)
    assert scale == pytest.approx(102 / 40)
    np.testing.assert_allclose(([130, 100] - corner) * scale, [112, 112], atol=1e-6)


def test_sixty_eight_points_bring_back_the_whole_face():
    model = FaceModel.load()
    rng = np.random.default_rng(2)
    truth = model.landmarks(0.3 * rng.normal(size=80), model.centre + 0.3 * model.scale * rng.normal(size=16))
    found = complete_landmarks(truth[None, list(IBUG)], model)[0]
    eyes = np.linalg.norm(truth[33] - truth[263])
    assert np.linalg.norm(found - truth, axis=1).mean() < 0.05 * eyes


def test_what_is_missing_is_named(folder, tmp_path):
    with pytest.raises(OptionError, match="tracker_folder"):
        Deep3DTracker.load()
    with pytest.raises(WeightsError, match=r"epoch_20.pth is missing"):
        Deep3DTracker(tmp_path)
    torch.save({"something": 1}, tmp_path / "epoch_20.pth")
    with pytest.raises(WeightsError, match="no Deep3DFaceRecon checkpoint"):
        Deep3DTracker(tmp_path)
    (tmp_path / "epoch_20.pth").write_bytes((folder / "epoch_20.pth").read_bytes())
    with pytest.raises(WeightsError, match=r"BFM_model_front.mat is missing"):
        Deep3DTracker(tmp_path)
