"""SyncSC: a talking face as coefficients of a face model, packet codes for them, and pictures rendered from them."""

from pathlib import Path

MODEL = Path(__file__).parent / "model"
"""The folder of the weights that ship."""
