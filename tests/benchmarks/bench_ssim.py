"""SSIM of a 256 x 256 frame: `python tests/benchmarks/bench_ssim.py`.

This project's, and the same statistics by four separable filters of scipy (what it was before), side by side, as the
least time of many alternating runs. Prints milliseconds per frame and the ratio.
"""

import time

import numpy as np
from scipy.ndimage import correlate1d
from skimage.data import astronaut

from lossweep.experiments.metrics.metric import Picture, luma
from lossweep.experiments.metrics.ssim import K1, K2, RADIUS, WINDOW, Ssim

RUNS = 200


def by_scipy(x, y):
    """SSIM of two pictures by the definition, in float64."""

    def mean(plane):
        rows = correlate1d(plane, WINDOW, axis=0)[RADIUS:-RADIUS]
        return correlate1d(rows, WINDOW, axis=1)[:, RADIUS:-RADIUS]

    x, y = luma(x), luma(y)
    c1, c2 = (K1 * 255) ** 2, (K2 * 255) ** 2
    square, product = mean(x) ** 2 + mean(y) ** 2, mean(x) * mean(y)
    variances, covariance = mean(x**2 + y**2) - square, mean(x * y) - product
    return float(((2 * product + c1) / (square + c1) * (2 * covariance + c2) / (variances + c2)).mean())


def main():
    """Times both ways in turn."""
    face = np.ascontiguousarray(astronaut()[:256, 96:352])
    noise = np.random.default_rng(0).normal(0, 12, face.shape)
    shown = np.clip(face + noise, 0, 255).astype(np.uint8)
    metric, pair = Ssim(), (Picture.of(shown), Picture.of(face))
    ways = {"lossweep": lambda: metric.scores([pair])[0], "scipy": lambda: by_scipy(shown, face)}
    least = dict.fromkeys(ways, np.inf)
    for _ in range(RUNS):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            least[name] = min(least[name], time.perf_counter() - start)
    difference = abs(ways["lossweep"]() - ways["scipy"]())
    print(*(f"{name} {1000 * seconds:.2f} ms" for name, seconds in least.items()), sep=", ")
    print(f"{least['scipy'] / least['lossweep']:.1f} times faster, difference {difference:.1e}")


if __name__ == "__main__":
    main()
