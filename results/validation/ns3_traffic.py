"""The traffic that ns-3 and lossweep are given."""

FRAME_BYTES = 500
SECONDS = 80
INTERVALS_US = (
    47_300,
    48_100,
    49_900,
    50_700,
    51_100,
    52_300,
    53_900,
    54_700,
    55_100,
    56_300,
    57_700,
    58_900,
)
"""Clients with one packet each so many microseconds: together 0.9 Mbit/s of frames of 500 bytes, and now and then
many at once."""
