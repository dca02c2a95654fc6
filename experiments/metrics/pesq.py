"""Perceptual evaluation of speech quality, from the package pesq."""

from __future__ import annotations

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.experiments.metrics.alignment import both

NOTHING_HEARD = 1.0
"""Below what P.862.2 maps any speech to (1.04)."""


class Pesq:
    """Wideband PESQ as MOS-LQO, 1.04 to 4.64; nan where the reference is too short or has no utterance.

    Known deviation: what is heard is digital silence, which P.862 leaves undefined, counts 1.

    Source: ITU-T P.862.2.
    """

    name = "pesq"
    higher_is_better = True
    label = "PESQ (wideband)"
    needs = "speech"
    columns = ("pesq",)

    def __init__(self, device: str = "cpu") -> None:
        del device

    def score(self, reference: Clip, received: Playback) -> dict[str, float]:
        """A value for each of `columns`."""
        from pesq import BufferTooShortError, NoUtterancesError, pesq

        said, heard = both(reference, received)
        if not said.any():
            return {"pesq": float("nan")}
        try:
            if not heard.any():
                pesq(SPEECH_RATE, said, said, "wb")  # for what it says of the reference
                return {"pesq": NOTHING_HEARD}
            return {"pesq": float(pesq(SPEECH_RATE, said, heard, "wb"))}
        except (BufferTooShortError, NoUtterancesError):
            return {"pesq": float("nan")}
