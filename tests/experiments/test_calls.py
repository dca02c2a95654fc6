"""Calls from a scenario: equal to the open loop where nothing reacts, real bytes, and what cannot run."""

import numpy as np
import pytest

from lossweep.endpoints.codecs.audio.opus import FRAME_SAMPLES, _frames
from lossweep.endpoints.codecs.audio.packets import by_frame
from lossweep.experiments import calls
from lossweep.experiments.check import check
from lossweep.experiments.e_model import e_model
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.scenario_file import load

BASE = {
    "name": "call",
    "clip": {"source": "portrait", "seconds": 2},
    "endpoint": {"name": "h264", "quantizer": 40, "gop": "infinite", "fec_frames": 1},
    "code": {"name": "rs", "code_rate": 0.5},
    "channel": {"name": "bernoulli", "loss_rate": 0.1},
    "path": {"propagation_delay_s": 0.04, "jitter_s": 0, "playout_delay_s": 0.2},
    "metrics": ["psnr"],
}
BACK = {"name": "bernoulli", "loss_rate": 0.0}
NAMES = ("packets_sent", "packets_lost", "packets_repaired", "post_repair_loss", "wire_bps")


@pytest.fixture(scope="module")
def evaluator():
    return Evaluator(["psnr"])


def row(evaluator, changes):
    (cell,) = load(BASE, changes).cells()
    return evaluator.evaluate(cell).row


@pytest.mark.parametrize("gop", [25, "infinite"])
@pytest.mark.parametrize("endpoint", ["stream", "live"])
def test_a_call_in_which_nothing_reacts_is_the_open_loop(evaluator, gop, endpoint):
    """Packets known beforehand, and an encoder that is asked frame by frame (it may send key frames; none is asked)."""
    call = {} if endpoint == "stream" else {"pli": True, "reverse": BACK}
    loss = {"endpoint.gop": gop, "channel.loss_rate": 0.0}
    open_loop, closed = row(evaluator, loss), row(evaluator, {**loss, "call": call})
    for name in (*NAMES, "psnr"):
        assert closed[name] == open_loop[name], name
    assert "nack" not in open_loop


def test_losses_are_those_of_the_open_loop(evaluator):
    open_loop, closed = row(evaluator, {}), row(evaluator, {"call": {}})
    for name in NAMES:
        assert closed[name] == open_loop[name], name


@pytest.mark.parametrize("fec", ["code", "none", "webrtc", "follow", "oracle", "hybrid", "hairpin"])
def test_the_bytes_that_arrive_give_the_packets_that_the_simulation_counts(evaluator, fec):
    """Parsed RTP, retransmissions and repair packets of any number against the arrival pattern."""
    reacting = {"nack": True, "pli": True, "adaptive_fec": fec, "reverse": BACK}
    (cell,) = load(BASE, {"call": reacting, "path.playout_delay_s": 0.12, "channel.loss_rate": 0.15}).cells()
    clip = evaluator.clip(cell.clip)
    endpoint, encoded = evaluator.encoded(cell)
    sending = calls.caller(cell, clip, endpoint, encoded)
    result = calls.run(cell, sending)[0]
    received = calls.received(sending, result, cell.call)
    in_time = {packet.number for packet in received if packet.early_s >= 0}
    usable = {
        packet.number
        for packet, good in zip(result.packets, result.delivery.usable, strict=True)
        if packet.number >= 0 and good
    }
    assert in_time == usable
    assert len(usable) > 0.7 * sum(packet.number >= 0 for packet in result.packets)


def test_a_key_frame_on_request_ends_a_freeze(evaluator):
    without = row(evaluator, {"call": {"adaptive_fec": "none"}})
    asked = row(evaluator, {"call": {"adaptive_fec": "none", "pli": True, "reverse": BACK}})
    assert asked["pli_count"] >= 1
    assert asked["key_frames_encoded"] > 1
    assert asked["frames_in_time"] > without["frames_in_time"]
    assert asked["psnr"] > without["psnr"]


def test_retransmission_at_a_short_round_trip_shows_every_frame(evaluator):
    plain = row(evaluator, {"call": {"adaptive_fec": "none"}})
    resent = row(evaluator, {"call": {"adaptive_fec": "none", "nack": True, "reverse": BACK}})
    assert resent["frames_in_time"] > 0.8 > plain["frames_in_time"]
    assert resent["rtx_wire_bps"] > 0 == plain["rtx_wire_bps"]
    assert resent["wire_bps"] == pytest.approx(
        resent["source_wire_bps"] + resent["fec_wire_bps"] + resent["rtx_wire_bps"]
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"call": {"nack": True}}, "no path back"),
        (
            {"call": {"nack": True, "reverse": BACK}, "path.propagation_delay_s": 0},
            "the round trip is 0",
        ),
        (
            {
                "call": {"nack": True, "reverse": BACK},
                "path": {"propagation_delay_s": 0, "playout_delay_s": 0.2},
            },
            "the round trip is 0",
        ),
        ({"call": {}, "path.playout_delay_s": 0.02}, "nothing can be played"),
        ({"call": {}, "path": {"propagation_delay_s": 0.3, "playout_delay_s": 0.2}}, "nothing can be played"),
        ({"call": {"nack": True, "reverse": "bernoulli"}}, "call: reverse: bernoulli: missing 'loss_rate'"),
        ({"call": {"nack": True, "reverse": "nothing"}}, "call: reverse: unknown channel"),
        ({"call": {"nack": True, "reverse": 3}}, "call: reverse: 3 has no name"),
        ({"call": {"nack": True, "reverse": {"name": "awgn", "snr_db": 3}}}, "carries symbols, no packets"),
        ({"call": {}, "path.playout_delay_s": "auto"}, "in seconds"),
        ({"call": {"adaptive_fec": "hybrid", "reverse": BACK}}, "set nack: true"),
        (
            {"call": {"pli": True, "reverse": BACK}, "endpoint": {"name": "opus"}, "metrics": []},
            "ask the encoder",
        ),
        ({"call": {"adaptive_fec": "webrtc", "reverse": BACK}, "code": "none"}, "code none cannot"),
        (
            {"call": {"congestion_control": "gcc", "reverse": BACK}, "endpoint.gop": 25},
            "set gop: infinite",
        ),
        ({"call": {"repeat": 2}}, "set metrics"),
        (
            {"call": {"repeat": 2}, "endpoint": {"name": "opus"}, "metrics": []},
            "repeat and parties ask the encoder",
        ),
        ({"call": {"playout": "adaptive"}, "endpoint": {"name": "text"}, "metrics": []}, "not text"),
        ({"call": {"playout": "adaptive"}, "endpoint": {"name": "syncsc"}, "metrics": []}, "not syncsc"),
        (
            {
                "call": {"playout": "adaptive"},
                "endpoint": {"name": "system", "video": "syncsc", "speech": "opus"},
                "code": "none",
                "metrics": [],
            },
            "not syncsc",
        ),
        (
            {
                "call": {"playout": "adaptive"},
                "endpoint": {
                    "name": "system",
                    "video": {"name": "h264", "quantizer": 40, "gop": 8, "packetization": "object"},
                    "speech": "opus",
                },
                "metrics": [],
            },
            "not h264",
        ),
    ],
)
def test_what_cannot_run_is_said_in_one_line(changes, message):
    with pytest.raises(ScenarioError, match=message) as caught:
        load(BASE, changes)
    assert len(str(caught.value).splitlines()) == 1


def test_jitter_that_may_be_as_long_as_the_delay_is_no_round_trip_of_0():
    call = {"nack": True, "reverse": BACK}
    assert list(load(BASE, {"call": call, "path": {"playout_delay_s": 0.2}}).cells())
    path = {"propagation_delay_s": 0.01, "jitter_s": 0.02, "playout_delay_s": 0.2}
    assert list(load(BASE, {"call": call, "path": path}).cells())


def test_a_recorded_path_back_lies_beside_the_scenario(tmp_path):
    (tmp_path / "back.txt").write_text("0 1 0 0\n")
    call = {"nack": True, "reverse": {"name": "loss_trace", "file": "back.txt"}}
    assert check(BASE | {"call": call}, tmp_path)


def test_a_scenario_without_calls_keeps_its_cells():
    """The id is the one that this cell had before there were calls."""
    (plain,) = load(BASE, {"endpoint.gop": 25}).cells()
    (empty,) = load(BASE, {"endpoint.gop": 25, "call": {}}).cells()
    assert plain.id != empty.id
    assert "call" not in plain.parameters()
    assert plain.id == "4540bb9e5df0"


def test_the_e_model_falls_with_delay_and_loss():
    """R = 93.2 without impairment; Idd at 300 ms by hand: X = log2 3, 25 (1.6013 - 3.0108 + 2)."""
    assert e_model(0.1, 0.0) == (93.2, pytest.approx(4.41, abs=0.01))
    assert [e_model(0.1, p)[0] for p in (0, 0.01, 0.05, 0.2)] == sorted(
        (e_model(0.1, p)[0] for p in (0, 0.01, 0.05, 0.2)), reverse=True
    )
    assert 93.2 - e_model(0.3, 0.0)[0] == pytest.approx(14.76, abs=0.01)
    assert 93.2 - e_model(0.1, 0.0251 * 10)[0] == pytest.approx(95 / 2, abs=0.01)
    assert np.isclose(e_model(0.4, 1.0)[1], 1.0)
    with pytest.raises(ValueError, match="ranges"):
        e_model(0.1, 1.5)


@pytest.mark.parametrize("options", [{}, {"redundancy": 1}, {"redundancy": 2}], ids=["plain", "red1", "red2"])
@pytest.mark.parametrize("nack", [False, True])
def test_speech_frames_count_as_lost_where_the_decoder_has_none(options, nack):
    """The statistics know from the call what the receiver finds in the bytes."""
    changes = {
        "endpoint": {"name": "opus", "bitrate": 24000, **options},
        "metrics": [],
        "code": "none",
        "channel.loss_rate": 0.25,
    }
    call = {"adaptive_fec": "code", "nack": nack, "reverse": {"name": "bernoulli", "loss_rate": 0}}
    path = {"propagation_delay_s": 0.03, "jitter_s": 0, "playout_delay_s": 0.12}
    (cell,) = load(BASE, changes | {"call": call, "path": path}).cells()
    evaluator = Evaluator([])
    endpoint, encoded = evaluator.encoded(cell)
    clip = evaluator.clip(cell.clip)
    sending = calls.caller(cell, clip, endpoint, encoded)
    results = calls.run(cell, sending)
    packets, _ = by_frame(calls.received(sending, results[0], cell.call), FRAME_SAMPLES)
    found = _frames(packets, encoded.session.redundant)
    row = calls.columns(cell, clip, sending, results)
    assert row["speech_loss"] < 0.5
    assert row["speech_loss"] == pytest.approx(1 - len(found) / len(encoded.stream.packets))


def adaptive(evaluator, changes):
    """The call of a cell with adaptive playout, and its row."""
    (cell,) = load(BASE, {"code": "none", "metrics": [], "call": {"playout": "adaptive"}} | changes).cells()
    endpoint, encoded = evaluator.encoded(cell)
    clip = evaluator.clip(cell.clip)
    sending = calls.caller(cell, clip, endpoint, encoded)
    results = calls.run(cell, sending)
    return cell, sending, results[0], calls.columns(cell, clip, sending, results)


def test_on_a_calm_path_an_adaptive_playout_shows_all_frames_sooner(evaluator):
    _, _, result, row = adaptive(evaluator, {"channel.loss_rate": 0, "endpoint.gop": 25})
    assert row["frames_in_time"] >= 0.95
    assert row["frozen_share"] <= 0.05
    assert 0.04 < row["end_to_end_delay_s"] < 0.12
    assert row["end_to_end_delay_s"] == pytest.approx(result.playout.mean_s)


@pytest.mark.parametrize("endpoint", [{"name": "h264", "quantizer": 40, "gop": 25}, {"name": "opus"}])
def test_an_adaptive_playout_plays_from_bytes_what_its_statistics_count(evaluator, endpoint):
    path = {"propagation_delay_s": 0.04, "jitter_s": 0.02, "playout_delay_s": 0.2}
    cell, sending, result, row = adaptive(
        evaluator, {"endpoint": endpoint, "path": path, "channel.loss_rate": 0.02}
    )
    packets = calls.received(sending, result, cell.call)
    in_time = sum(packet.early_s >= 0 for packet in packets)
    assert in_time == np.count_nonzero(result.delivery.usable & result.delivery.source)
    assert row["post_repair_loss"] > 0
    assert np.ptp(result.playout.delay_s) > 0


def test_video_and_speech_of_a_system_share_the_longer_wait(evaluator):
    video = {"name": "h264", "quantizer": 40, "gop": 25}
    path = {"propagation_delay_s": 0.04, "jitter_s": 0.02, "playout_delay_s": 0.2}
    waits = {}
    for name, endpoint in (
        ("both", {"name": "system", "video": video, "speech": {"name": "opus"}}),
        ("video", video),
        ("speech", {"name": "opus"}),
    ):
        _, _, result, _ = adaptive(evaluator, {"endpoint": endpoint, "path": path, "channel.loss_rate": 0})
        waits[name] = result.playout.mean_s
    assert waits["both"] > 0.9 * max(waits["video"], waits["speech"])
