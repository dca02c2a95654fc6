"""Names of systems and settings for people."""

import pytest

from lossweep.experiments.labels import label


@pytest.mark.parametrize(
    ("endpoint", "code", "name"),
    [
        ({"name": "h264"}, {"name": "none"}, "H.264"),
        ({"name": "h264"}, {"name": "rs", "code_rate": 2 / 3}, "H.264 + RS 2/3"),
        (
            {"name": "h264"},
            {"name": "rs", "code_rate": 0.5, "interleave": 1, "key_code_rate": None},
            "H.264 + RS 1/2",
        ),
        (
            {"name": "h264"},
            {"name": "rs", "code_rate": 0.5, "interleave": 2},
            "H.264 + RS 1/2 (interleave 2)",
        ),
        (
            {"name": "h264"},
            {"name": "flexfec", "code_rate": 0.5, "pattern": "row"},
            "H.264 + FlexFEC 1/2 (row)",
        ),
        ({"name": "syncsc"}, {"name": "pacsc-s", "code_rate": 0.5}, "SyncSC, PacSC-S 1/2"),
    ],
)
def test_a_code_is_named_with_its_rate_and_what_is_not_usual(endpoint, code, name):
    assert str(label(endpoint, code)) == name
