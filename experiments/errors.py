"""Errors about scenarios."""

from __future__ import annotations

from lossweep.channels.errors import LossweepError


class ScenarioError(LossweepError, ValueError):
    """A scenario that cannot run; one line for each mistake, naming the place and what to do."""
