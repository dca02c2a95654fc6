"""A value of a scenario in one line."""

from __future__ import annotations


def in_words(value: object) -> str:
    """As in "gilbert_elliott loss_rate=0.1 mean_burst_s=0.08".

    A mapping shows its name alone, and other keys with their values.
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(in_words, value))}]"
    if not isinstance(value, dict):
        return str(value)
    return (
        " ".join(str(v) if k in ("name", "source") else f"{k}={in_words(v)}" for k, v in value.items())
        or "default"
    )
