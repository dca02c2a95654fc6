"""How alike two mel spectrograms are: SSIM, cosine and Fréchet distance of their cepstra."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.alignment import align_speech
from lossweep.experiments.metrics.mel import RANGE_DB, cepstrum, log_mel
from lossweep.experiments.metrics.metric import ClipMetric


class MelSimilarity(ClipMetric):
    """Likeness of speech by its mel spectrogram (80 bands, 16 ms) and its cepstrum c_1 to c_13.

    `mel_ssim`: SSIM of the spectrograms in dB as pictures, Gaussian window with sigma 1.5, range 80 dB.
    `mfcc_cos`: mean over frames of the cosine of the cepstra; two flat spectra count 1, one counts 0.
    `mfcc_fid`: Fréchet distance of Gaussians fitted to the cepstra of all frames, 0 for equal ones; nan
    for speech of fewer frames than coefficients. Identical speech gives 1, 1, 0.

    Source: Wang et al. 2004; Heusel et al. 2017 with MFCC for features.
    """

    name = "mel_similarity"
    higher_is_better = True
    label = "mel SSIM"
    needs = "speech"
    columns = ("mel_ssim", "mfcc_cos", "mfcc_fid")
    opposite = ("mfcc_fid",)

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`."""
        from skimage.metrics import structural_similarity

        spectra = [log_mel(speech, reference.speech) for speech in align_speech(reference, playback)]
        original, received = map(cepstrum, spectra)
        wide = min(spectra[0].shape) >= 11  # the window
        ssim = structural_similarity(*spectra, gaussian_weights=True, data_range=RANGE_DB) if wide else np.nan
        return {
            "mel_ssim": float(ssim),
            "mfcc_cos": float(cosines(original, received).mean()),
            "mfcc_fid": frechet(original, received),
        }


def cosines(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine of each row of `a` with that of `b`; 1 where both are zero, 0 where one is."""
    norms = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    product = norms[0] * norms[1]
    flat = product < 1e-12
    alike = (np.maximum(*norms) < 1e-6).astype(float)
    return np.where(flat, alike, (a * b).sum(1) / np.where(flat, 1, product))


def frechet(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Fréchet distance of the Gaussians of two sets of vectors.

    |mean difference|^2 + tr(A + B - 2 (A B)^(1/2)), with covariances A and B of rows n - 1.

    Args:
        a, b: float64 [vectors, dimensions].
    Returns:
        0 or more; nan where a set has fewer vectors than dimensions.
    Source: Dowson and Landau 1982.
    """
    if min(len(a), len(b)) <= a.shape[1]:
        return float("nan")
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # tr (A B)^(1/2) is the sum of the roots of the eigenvalues of A B, which are real and not negative.
    roots = np.sqrt(np.maximum(np.linalg.eigvals(first @ second).real, 0)).sum()
    spread = np.trace(first) + np.trace(second) - 2 * roots
    return float(max(0.0, ((a.mean(0) - b.mean(0)) ** 2).sum() + spread))
