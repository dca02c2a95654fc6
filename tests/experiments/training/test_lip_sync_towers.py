"""Towers that agree on what moves together find by how much a clip's sound is late."""

import numpy as np

from lossweep.experiments.training.lip_sync.dataset import Example
from lossweep.experiments.training.lip_sync.train_towers import cosine_table, fit, offset
from lossweep.experiments.training.trainer import TrainConfig

FRAMES, LATE = 110, 3


def talking(person, late=0):
    """Features of pictures and sound that follow the same smooth motion; the sound is `late` frames late."""
    rng = np.random.default_rng(person)
    motion = rng.normal(size=(FRAMES + 8, 6))
    motion = (motion[2:] + motion[1:-1] + motion[:-2])[: FRAMES + 6].astype(np.float32)
    common = np.random.default_rng(99)
    seen, heard = (common.normal(size=(6, size)).astype(np.float32) for size in (141, 180))
    pictures = motion[3 : FRAMES + 3] @ seen
    sound = motion[3 - late : FRAMES + 3 - late] @ heard
    return Example(f"{person}", f"{person}", False, pictures[None], sound[None])


def test_trained_towers_find_late_sound_of_a_person_they_were_not_trained_on(tmp_path):
    config = TrainConfig(tmp_path, tmp_path, tmp_path, tmp_path / "pair.pt", 0.1)
    pair = fit([talking(person) for person in range(12)], config)
    late = talking(50, late=LATE)
    assert offset(cosine_table(pair, late)) == LATE
    assert offset(cosine_table(pair, late.shifted(LATE))) == 0
    again = fit([talking(person) for person in range(12)], config)
    for name, value in pair.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), again.state_dict()[name].numpy())
