"""Speech of the clip and of its receiver, sample by sample at the same time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import Clip, Playback


def both(reference: Clip, received: Playback) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What was said and what is heard, over the time of the reference.

    What is heard later is cut off; where the receiver's speech ends early there is silence.

    Returns:
        Two float32 [samples] in [-1, 1], 16 kHz.
    Raises:
        ValueError: a clip without speech, naming it.
    """
    for role, clip in (("reference", reference), ("received", received.clip)):
        if clip.speech is None or not len(clip.speech):
            raise ValueError(f"the {role} clip {clip.name!r} has no speech to score")
    said, heard = reference.speech, received.clip.speech[: len(reference.speech)]
    return said, np.pad(heard, (0, len(said) - len(heard)))
