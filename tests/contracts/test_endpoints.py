"""What every registered endpoint must hold; a plug-in passes unchanged.

Only packets and the session reach a receiver: it plays nothing that it was not sent, reads every byte that it gets, and
gives the same from the packets alone, in another process, however they are numbered, repeated or put in order.
"""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from endpoint_cases import (
    CASES,
    cases,
    decoded,
    delivered,
    digest,
    encoded,
    endpoint,
    other,
    portrait,
)

from lossweep.endpoints.clip import SPEECH_RATE, Playback
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.receiver import receive
from lossweep.endpoints.session import from_json, to_json
from lossweep.sim import rtp
from lossweep.sim.delivery import Arrival


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LOSSWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@cases
def test_with_everything_lost_it_shows_grey_silence_and_no_words_whatever_the_clip(case):
    shown = []
    for clip in (portrait(), other()):
        sender = endpoint(case)
        sent = sender.encode(clip)
        assert len(sent.stream.packets) > 0
        playback = type(sender).decode([], sent.session)
        if playback.clip.video is not None:
            assert set(playback.outcome) == {"grey"}
            assert all((picture == 128).all() for picture in playback.pictures(range(3)))
        assert playback.clip.speech is None or not playback.clip.speech.any()
        assert not playback.clip.words
        parts = (playback.clip.video, playback.clip.speech, playback.clip.words)
        shown.append([None if part is None else len(part) for part in parts])
    assert shown[0] == shown[1]


@cases
def test_without_loss_it_shows_the_clip(case):
    sent, clip = encoded(case), portrait()
    delivery = delivered(sent.stream)
    playback = decoded(case, delivery.arrivals(sent.stream), delivery.playout_delay_s)
    if playback.clip.video is not None:
        assert len(playback.clip.video) >= len(clip.video)
        assert set(playback.outcomes(len(clip.video))) == {"whole"}
    if playback.clip.speech is not None:
        assert len(playback.clip.speech) >= 0.9 * len(clip.speech)
        assert playback.clip.speech.any()
    if playback.clip.words is not None:
        assert [word.text for word in playback.clip.words] == [word.text for word in clip.words]


@cases
@pytest.mark.parametrize("seed", range(4))
def test_what_the_receiver_has_from_bytes_is_what_the_pattern_says(case, seed):
    """A packet that carries something older than its timestamp is wanted earlier by that."""
    sent = encoded(case)
    stream, streams = sent.stream, {(s.ssrc, s.payload_type): s for s in sent.session.streams}
    delivery = delivered(
        stream, 0.1 + 0.15 * seed, seed, jitter_s=0.05, playout_delay_s=(None, 0.2)[seed % 2] or "auto"
    )
    there = {
        (p.stream, p.number): p.early_s
        for p in receive(delivery.arrivals(stream), sent.session.streams, delivery.playout_delay_s)
    }
    counted = 0
    for i, packet in enumerate(stream.packets):
        header, _ = rtp.parse(packet)
        line = streams.get((header.ssrc, header.payload_type))
        if line is None:
            continue
        number = (header.sequence_number - line.first_sequence_number) % 2**16
        older_s = line.media_time_s(header.timestamp) - stream.media_time_s[i]
        early_s = there.get((line.name, number), -1.0)
        in_payload = line.repair is None and delivery.recovered[i]  # rebuilt by the endpoint itself
        assert (early_s >= older_s - 2e-9) == (delivery.usable[i] and not in_payload)
        counted += 1
    assert counted >= np.count_nonzero(delivery.source)


@cases
def test_packets_twice_and_in_any_order_change_nothing(case):
    stream = encoded(case).stream
    delivery = delivered(stream, 0.2, seed=7, playout_delay_s=10.0)
    arrivals = delivery.arrivals(stream)
    rng = np.random.default_rng(0)
    late = [dataclasses.replace(a, arrived_s=a.arrived_s + 0.2 * rng.random()) for a in arrivals]
    again = [dataclasses.replace(a, arrived_s=a.arrived_s + 0.2 * rng.random()) for a in arrivals]
    mixed = sorted(late + again, key=lambda a: a.arrived_s)
    assert [a.data for a in mixed[: len(arrivals)]] != [a.data for a in arrivals]
    assert digest(decoded(case, mixed, 10.0)) == digest(decoded(case, arrivals, 10.0))


@cases
@pytest.mark.parametrize("playout_delay_s", ["auto", 0.4])
def test_what_arrives_later_never_changes_what_was_played(case, playout_delay_s):
    """Up to a media time, the packets that were there by then are all that counts."""
    played_s = 0.7
    if "voice" in CASES[case][1]:
        pytest.skip("the voice is synthesised when the clip is over: the README says so")
    stream = encoded(case).stream
    delivery = delivered(stream, 0.15, 2, jitter_s=0.03, playout_delay_s=playout_delay_s)
    arrivals, wait_s = delivery.arrivals(stream), delivery.playout_delay_s
    by_then = [a for a in arrivals if a.arrived_s <= played_s + wait_s]
    full, part = (decoded(case, some, wait_s) for some in (arrivals, by_then))
    assert beginning(full, played_s) == beginning(part, played_s)


def beginning(shown: Playback, seconds: float) -> tuple:
    """Frames, samples and words of the first `seconds`; after a receiver's last one: the same picture, silence."""
    frames, samples, clip = round(seconds * 25) + 1, round(seconds * SPEECH_RATE), shown.clip
    digests = () if clip.video is None else (shown.digests + shown.digests[-1:] * frames)[:frames]
    speech = None if clip.speech is None else np.pad(clip.speech, (0, samples))[:samples].tolist()
    words = [word.text for word in clip.words or () if word.start_s <= seconds]
    outcomes = () if clip.video is None else shown.outcomes(frames)
    return outcomes, digests, speech, words


@cases
def test_numbers_that_wrap_change_nothing(case, monkeypatch):
    def shown(sent):
        delivery = delivered(sent.stream, 0.2, seed=7)
        arrivals = delivery.arrivals(sent.stream)
        received = receive(arrivals, sent.session.streams, delivery.playout_delay_s)
        return digest(type(endpoint(case)).decode(received, sent.session))

    usual = shown(encoded(case))
    monkeypatch.setattr("lossweep.sim.rtp.initial_sequence_number", lambda ssrc: 65_535 - ssrc % 2)
    wrapping = endpoint(case).encode(portrait())
    numbers = {rtp.parse(packet)[0].sequence_number for packet in wrapping.stream.packets}
    assert {65_535, 0} <= numbers
    assert shown(wrapping) == usual


def test_another_process_decodes_from_the_packets_and_the_session_alone(tmp_path):
    work, shown = [], []
    for case, (name, _) in enumerate(CASES):
        sent = encoded(case)
        delivery = delivered(sent.stream, 0.2, seed=5)
        arrivals = delivery.arrivals(sent.stream)
        shown.append(digest(decoded(case, arrivals, delivery.playout_delay_s)))
        kind, text = type(sent.session), to_json(sent.session)
        assert to_json(from_json(text, kind)) == text
        packets = [(a.data.hex(), a.arrived_s) for a in arrivals]
        work.append([name, kind.__module__, kind.__name__, text, packets, delivery.playout_delay_s])
    (tmp_path / "work.json").write_text(json.dumps(work))
    code = "import test_endpoints as t; import sys; t.receiver(sys.argv[1])"
    command = [sys.executable, "-c", code, str(tmp_path / "work.json")]
    done = subprocess.run(
        command, cwd=__file__.rpartition("/")[0], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == shown


def receiver(path: str) -> None:
    """The other process: it never saw the clip nor a sender."""
    from importlib import import_module

    out = []
    with open(path) as file:
        for name, module, kind, text, packets, playout_delay_s in json.load(file):
            session = from_json(text, getattr(import_module(module), kind))
            arrivals = [Arrival(bytes.fromhex(data), arrived_s) for data, arrived_s in packets]
            received = receive(arrivals, session.streams, playout_delay_s)
            out.append(digest(ENDPOINTS.get(name).decode(received, session)))
    print(json.dumps(out))
