"""`check` says when only key frames are scored."""

from math import gcd

import pytest

from lossweep.experiments.check import check
from lossweep.experiments.scored_frames import key_frames_only

BASE = {"name": "scored", "channel": {"name": "bernoulli", "loss_rate": 0.1}, "metrics": []}


@pytest.mark.parametrize(
    ("every", "gop", "named"), [(1, 4, False), (5, 4, False), (4, 4, True), (12, 4, True)]
)
@pytest.mark.parametrize("system", [False, True])
def test_a_multiple_of_the_group_is_named_with_a_number_that_is_none(every, gop, named, system):
    video = {"name": "h264", "quantizer": 40, "gop": gop}
    endpoint = {"name": "system", "video": video, "speech": {"name": "opus"}} if system else video
    lines = key_frames_only(check(BASE | {"endpoint": [endpoint, endpoint], "score_every": every}))
    assert len(lines) == named
    for line in lines:
        assert f"h264 with gop {gop}: score_every {every}" in line
        better = int(line.rpartition(" ")[2])
        assert gcd(better, gop) == 1


def test_endpoints_without_groups_and_single_frames_are_not_named():
    endpoints = [{"name": "h264", "quantizer": 40, "gop": 1}, {"name": "syncsc"}, {"name": "text"}]
    assert not key_frames_only(check(BASE | {"endpoint": endpoints, "score_every": 8}))
