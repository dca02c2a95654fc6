"""The family of errors that a user may see: one line that says what is wrong, and what to do.

The command line catches `LossweepError` and prints the line. An error about one subject is defined where the
subject is (`ClipError` beside `Clip`, `StoreError` beside `Store`); the ones here have no single home.
"""

from __future__ import annotations


class LossweepError(Exception):
    """An error that a user can correct; its text is one line (a scenario's: one line for each mistake).

    Attributes:
        exit_status: of the command line: 2 for wrong input, 1 for what went wrong while running.
    """

    exit_status = 2


class UnknownName(LossweepError, ValueError):
    """A name that is not registered; the message gives the nearest known one."""


class PluginError(LossweepError, RuntimeError):
    """A registered name whose code cannot be imported."""


class OptionError(LossweepError, ValueError):
    """Options that do not go together, such as an endpoint with a code that it does not take."""


class MissingPackage(LossweepError, ValueError):
    """A package or program that is not installed; the message says how to install it."""


class WeightsError(LossweepError, ValueError):
    """A file of model weights that is missing, broken or not the right one; the message names the file."""


class TrainingDataError(LossweepError, ValueError):
    """A folder of training data that lacks what a training reads; the message names the folder."""
