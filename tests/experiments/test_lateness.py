"""`check` says when a fixed playout delay leaves repair no time."""

import pytest

from lossweep.experiments.check import check
from lossweep.experiments.lateness import late_repair

BASE = {"name": "late", "channel": {"name": "bernoulli", "loss_rate": 0.1}, "metrics": []}


@pytest.mark.parametrize(
    ("endpoint", "delay_s", "named"),
    [
        ({"name": "h264", "quantizer": 40, "gop": 25}, 0.15, "1040 ms"),
        ({"name": "h264", "quantizer": 40, "gop": 25, "fec_frames": 3}, 0.15, "160 ms"),
        ({"name": "h264", "quantizer": 40, "gop": 25, "fec_frames": 2}, 0.15, ""),
        ({"name": "h264", "quantizer": 40, "gop": 25}, 1.2, ""),
        ({"name": "h264", "quantizer": 40, "gop": 25}, "auto", ""),
        ({"name": "opus", "block_frames": 16}, 0.2, "360 ms"),
    ],
)
def test_late_repair_is_named(endpoint, delay_s, named):
    data = BASE | {
        "endpoint": endpoint,
        "code": {"name": "rs", "code_rate": 0.5},
        "path": {"playout_delay_s": delay_s},
    }
    lines = late_repair(check(data))
    assert [named in line for line in lines] == ([True] if named else [])
    assert not late_repair(check(data | {"code": "none"}))


def test_parts_of_a_system_are_named():
    rs = {"name": "rs", "code_rate": 0.5}
    endpoint = {
        "name": "system",
        "video": {"name": "h264", "quantizer": 40, "gop": 25, "code": rs},
        "speech": {"name": "opus", "block_frames": 2},
    }
    lines = late_repair(check(BASE | {"endpoint": endpoint, "path": {"playout_delay_s": 0.2}}))
    assert len(lines) == 1
    assert lines[0].startswith("h264")


@pytest.mark.parametrize(
    ("options", "fps", "named"),
    [
        ({"group": 4, "look_ahead": 0}, 25, ""),
        ({"group": 4, "look_ahead": 0}, 12.5, "packets of 8 frames with their look-ahead need 690 ms"),
        ({"group": 2, "look_ahead": 8}, 25, "packets of 4 frames with their look-ahead need 530 ms"),
    ],
)
def test_packets_of_a_face_that_come_late_are_named(options, fps, named):
    endpoint = {"name": "syncsc", **options}
    path = {"playout_delay_s": 0.4, "propagation_delay_s": 0.05}
    lines = late_repair(
        check(BASE | {"endpoint": endpoint, "clip": {"source": "portrait", "fps": fps}, "path": path})
    )
    assert [named in line for line in lines] == ([True] if named else [])


def test_a_face_in_a_system_has_the_code_of_its_part():
    video = {"name": "syncsc", "group": 4, "look_ahead": 0, "code": {"name": "pacsc-s", "code_rate": 0.5}}
    endpoint = {"name": "system", "video": video, "speech": {"name": "opus", "code": "none"}}
    lines = late_repair(check(BASE | {"endpoint": endpoint, "path": {"playout_delay_s": 0.2}}))
    assert [line.split(":")[0] for line in lines] == ["syncsc"]


def test_a_path_longer_than_the_playout_delay_is_named():
    path = {"propagation_delay_s": 0.3, "playout_delay_s": 0.2}
    data = BASE | {"endpoint": {"name": "h264", "quantizer": 40, "gop": 25}, "path": path}
    (line,) = late_repair(check(data))
    assert "nothing can be played" in line
    assert not late_repair(check(data | {"path": path | {"playout_delay_s": 0.4}}))
