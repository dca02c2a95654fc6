"""Exit statuses of the command `lossweep`."""

BAD_INPUT = 2
FAILED = 1
INTERRUPTED = 130
