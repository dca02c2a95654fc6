"""Names of combinations of settings, from the settings in which they differ."""

from __future__ import annotations

import pandas as pd

from lossweep.experiments.column import Scalar
from lossweep.experiments.columns import setting
from lossweep.experiments.sweep import Sweep

CHANNELS = {
    "erasure": "independent loss",
    "bernoulli": "independent loss",
    "gilbert_elliott": "bursty loss",
    "loss_state": "loss of four states",
    "loss_trace": "recorded loss",
    "outage": "outages",
    "awgn": "AWGN",
    "ldpc_packets": "packets over LDPC and QAM",
    "rayleigh": "Rayleigh fading",
}
OF_CODES = ("fec_frames", "block_frames")
"""Settings that mean nothing where no code protects."""
VALUES = {
    "packetization": {"rtp": "RTP"},
    "concealment": {"textpc": "TextPC", "ngram": "n-grams", "unigram": "frequent words"},
    "interpolation": {"hold": "last values held", "linear": "interpolated"},
    "adaptive_fec": {
        "webrtc": "WebRTC's rule",
        "hybrid": "the hybrid rule",
        "follow": "the reported loss",
        "hairpin": "Hairpin",
    },
    "congestion_control": {"gcc": "GCC", "nada": "NADA"},
}
"""Values of settings, by column, that have another name for people."""
SAID: dict[str, dict[Scalar, str]] = {"block": {0: "one gain per transmission", 1: "one gain per symbol"}}
"""Settings, by column, of which a value says all."""


def phrases(sweep: Sweep, combinations: list[dict[str, str | None]]) -> list[str]:
    """Settings by which each combination differs from others of its name, without zeros where that is unique."""
    unique = list({tuple(c.items()): c for c in combinations}.values())
    if len(unique) < len(combinations):
        known = {tuple(c.items()): p for c, p in zip(unique, phrases(sweep, unique), strict=True)}
        return [known[tuple(c.items())] for c in combinations]
    names = [str(sweep.label(c["endpoint"] or "")) for c in combinations]
    short, full = (
        [_phrase(sweep, names, combinations, i, zero) for i in range(len(names))] for zero in ("", "0")
    )
    whole = list(zip(names, short, strict=True))
    chosen = [f if whole.count((n, s)) > 1 else s for n, s, f in zip(names, short, full, strict=True)]
    whole = list(zip(names, chosen, strict=True))
    return [
        phrase
        if whole.count((name, phrase)) == 1
        else ", ".join(filter(None, (phrase, f"({c['endpoint']})")))
        for name, phrase, c in zip(names, chosen, combinations, strict=True)
    ]


def value_in_words(sweep: Sweep, name: str, key: str | None) -> str:
    """A value of a setting in words."""
    if name == "channel" and key is not None:
        return CHANNELS.get(key, key)
    value = sweep.value(name, key) if name in sweep.axes else key
    if value in SAID.get(name, {}):
        return SAID[name][value]
    value = VALUES.get(name, {}).get(value, value) if isinstance(value, str) else value
    return (sweep.columns.get(name) or setting(name)).phrase(value)


def stands_everywhere(sweep: Sweep, name: str) -> bool:
    """Whether a row without this setting stands in every panel: so of endpoints, such as a codec without GOPs."""
    return name in sweep.axes and sweep.axes[name].part == "endpoint"


def follows(values: pd.Series, other: pd.Series) -> bool:
    """Whether one number follows from the other, as the loss rate from the probabilities of a channel."""
    if pd.to_numeric(values.dropna(), errors="coerce").isna().any():
        return False
    pair = pd.DataFrame({"a": values, "b": other.map(repr)}).drop_duplicates()
    return not pair["a"].duplicated().any() and not pair["b"].duplicated().any()


def _phrase(
    sweep: Sweep, names: list[str], combinations: list[dict[str, str | None]], i: int, zero: str
) -> str:
    """The settings by which a combination differs from others of its name; 0 is left out where `zero` is empty."""
    alike = [c for n, c in zip(names, combinations, strict=True) if n == names[i]]
    own = sweep.label(combinations[i]["endpoint"] or "")
    unprotected = not own.code and own.joint not in own.system
    words = [
        value_in_words(sweep, key, value)
        for key, value in combinations[i].items()
        if key != "endpoint" and len({c[key] for c in alike}) > 1 and (value != "0" or zero)
        if not (unprotected and key in OF_CODES)
    ]
    return ", ".join(phrase for phrase in words if phrase)
