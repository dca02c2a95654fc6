"""The video jitter buffer's delay: a Kalman filter on frame sizes and delay variation (WebRTC's rule)."""

from __future__ import annotations

import math

PHI, PSI = 0.97, 0.9999
NOISE_SIGMAS, NOISE_OFFSET_S, ADDED_S = 2.33, 0.03, 0.01
CLAMP_SIGMAS, OUTLIER_SIGMAS, SIZE_OUTLIER_SIGMAS = 3.5, 15.0, 3.0
START_FRAMES = 30
NACKS_FOR_RTT = 3
RENDER_S = 0.01
CHANGE_PER_S = 0.1
FIRST_VARIANCE_S2 = 4e-6
LEAST_VARIANCE_S2 = 1e-6


class VideoJitter:
    """Estimates how long frames have to wait.

    The delay variation of a frame is modelled as slope * (its size - the size of the frame before) + offset + noise. A
    two-state Kalman filter follows slope and offset; the buffer waits for the largest frame's share and 2.33 sigma of
    the noise less 30 ms, plus 10 ms. Innovations are clamped at 3.5 sigma, and frames beyond 15 sigma (those of a size
    beyond 3 sigma excepted) change the noise only, so that one late frame does not inflate the buffer. After three
    requests for packets the round trip is added.

    Source: WebRTC, modules/video_coding/timing (constants).
    """

    def __init__(self) -> None:
        self._slope, self._offset = 1 / (512e3 / 8), 0.0
        self._covariance = [[1e-8, 0.0], [0.0, 1e-2]]
        self._noise = [0.0, FIRST_VARIANCE_S2]
        self._mean_size, self._size_variance, self._largest = 500.0, 100.0, 500.0
        self._before: tuple[float, float, int] | None = None
        self._frames = 0
        self._requests = 0
        self._delay_s: float | None = None

    def frame(self, captured_s: float, complete_s: float, size_bytes: int) -> None:
        """Notes a complete frame, in order of capture; frames that never are complete are left out."""
        if self._before is not None:
            captured_before, complete_before, size_before = self._before
            variation_s = (complete_s - complete_before) - (captured_s - captured_before)
            self._update(variation_s, size_bytes - size_before, size_bytes)
        self._before = captured_s, complete_s, size_bytes
        self._frames += 1

    def requested(self) -> None:
        """Notes a request for packets of a frame."""
        self._requests += 1

    def jitter_s(self, rtt_s: float = 0.0) -> float:
        """The wait for jitter, in seconds, >= 0.

        Args:
            rtt_s: round trip; counts once packets were requested three times.
        """
        noise_s = max(0.0, NOISE_SIGMAS * math.sqrt(self._noise[1]) - NOISE_OFFSET_S)
        wait_s = max(0.0, self._slope * (self._largest - self._mean_size)) + noise_s + ADDED_S
        return wait_s + (rtt_s if self._requests >= NACKS_FOR_RTT else 0.0)

    def target_s(self, passed_s: float, decode_s: float = 0.0, rtt_s: float = 0.0) -> float:
        """The delay of the buffer; it changes by at most 100 ms per second.

        Args:
            passed_s: since the call before.
            decode_s: time that decoding takes.
            rtt_s: see `jitter_s`.
        """
        wanted = self.jitter_s(rtt_s) + decode_s + RENDER_S
        if self._delay_s is None:
            self._delay_s = wanted
        step = CHANGE_PER_S * passed_s
        self._delay_s += min(max(wanted - self._delay_s, -step), step)
        return self._delay_s

    def _update(self, variation_s: float, size_step: float, size_bytes: int) -> None:
        self._largest = max(PSI * self._largest, float(size_bytes))
        if size_bytes <= self._mean_size + 2 * math.sqrt(self._size_variance):
            self._mean_size = PHI * self._mean_size + (1 - PHI) * size_bytes
        self._size_variance = max(
            1.0, PHI * self._size_variance + (1 - PHI) * (size_bytes - self._mean_size) ** 2
        )
        deviation_s = variation_s - (self._slope * size_step + self._offset)
        sigma = math.sqrt(self._noise[1])
        large = size_bytes > self._mean_size + SIZE_OUTLIER_SIGMAS * math.sqrt(self._size_variance)
        self._estimate_noise(max(-CLAMP_SIGMAS * sigma, min(CLAMP_SIGMAS * sigma, deviation_s)))
        if self._frames < START_FRAMES or abs(deviation_s) < OUTLIER_SIGMAS * sigma or large:
            self._filter(deviation_s, size_step)

    def _estimate_noise(self, deviation_s: float) -> None:
        keep = min(1 - 1 / (self._frames + 2), 1 - 1 / 400) if self._frames >= START_FRAMES else 1 - 1 / 30
        mean, variance = self._noise
        mean = keep * mean + (1 - keep) * deviation_s
        variance = keep * variance + (1 - keep) * (deviation_s - mean) ** 2
        self._noise = [mean, max(LEAST_VARIANCE_S2, variance)]

    def _filter(self, deviation_s: float, size_step: float) -> None:
        covariance = self._covariance
        covariance[0][0] += 2.5e-16
        covariance[1][1] += 1e-10
        gain0 = covariance[0][0] * size_step + covariance[0][1]
        gain1 = covariance[1][0] * size_step + covariance[1][1]
        weight = 300 * math.exp(-abs(size_step) / max(self._largest, 1.0)) + 1
        spread = weight * self._noise[1] + size_step * gain0 + gain1
        gain0, gain1 = gain0 / spread, gain1 / spread
        self._slope = max(1e-9, self._slope + gain0 * deviation_s)
        self._offset += gain1 * deviation_s
        (a, b), (c, d) = covariance
        self._covariance = [
            [(1 - gain0 * size_step) * a - gain0 * c, (1 - gain0 * size_step) * b - gain0 * d],
            [c * (1 - gain1) - size_step * gain1 * a, d * (1 - gain1) - size_step * gain1 * b],
        ]
