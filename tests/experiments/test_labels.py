"""Names of systems and settings for people."""

import pandas as pd
import pytest
from sweeps import manifest, row

from lossweep.experiments.labels import label
from lossweep.experiments.sweep import Sweep


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


def test_a_code_that_a_rule_stands_in_for_is_not_named():
    said = manifest() | {"labels": {"h264-rs-0.5": {"system": "H.264", "code": "RS 1/2", "joint": " + "}}}
    for rule, name in (("code", "H.264 + RS 1/2"), ("webrtc", "H.264"), ("none", "H.264")):
        one = row("h264", "rs", 0.1, 0) | {"endpoint": "h264-rs-0.5", "adaptive_fec": rule}
        table = pd.DataFrame([one])
        made = Sweep.of(table, said)
        assert str(made.label_of(made.table)) == name
