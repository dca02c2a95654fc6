"""What is heard: on time to the sample, whole where frames are there, concealed where they are not."""

import dataclasses

import numpy as np
import pytest
from scipy.signal import correlate

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.channels.loss_trace import GivenLosses
from lossweep.endpoints.clip import SPEECH_RATE, Clip, ClipError
from lossweep.endpoints.codecs.audio.aac import AacEndpoint, AacParams
from lossweep.endpoints.codecs.audio.opus import OpusEndpoint, OpusParams
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.endpoints.fec.repetition import Repetition
from lossweep.endpoints.receiver import receive
from lossweep.experiments.clips import load_clips
from lossweep.experiments.evaluator import as_long_as, play
from lossweep.sim.rtp import initial_sequence_number, parse
from lossweep.sim.simulate import simulate

OPUS_FRAME, AAC_FRAME = 320, 1024


@pytest.fixture(scope="module")
def clip():
    return load_clips("portrait")[0]


def opus(code=None, **options):
    return OpusEndpoint(OpusParams(**options), code or NoCode())


def aac(code=None, **options):
    return AacEndpoint(AacParams(**options), code or NoCode())


def heard(clip, endpoint, encoded, lost=()):
    """The speech when these packets, by index in the stream, are lost; no network but a delay of 20 ms."""
    delivery = simulate(encoded.stream, only(set(lost), encoded.stream), Delay(0.02), seed=1)
    assert np.count_nonzero(delivery.lost) == len(set(lost))
    return as_long_as(clip, play(endpoint, encoded, delivery, "cpu")).clip.speech


def source_packets(stream):
    """Index in the stream of each frame's packet."""
    return np.concatenate([np.arange(b.first, b.first + b.code.k) for b in stream.blocks])


def only(lost, stream):
    """A path that loses these packets of a stream."""
    order = np.argsort(stream.available_s, kind="stable").tolist()
    return GivenLosses(tuple(index in lost for index in order))


SYSTEMS = [
    opus(bitrate=8_000),
    opus(bitrate=16_000),
    opus(bitrate=24_000, fec=True),
    opus(redundancy=2),
    aac(),
]


@pytest.mark.parametrize("endpoint", SYSTEMS, ids=lambda e: e.label)
def test_the_speech_comes_back_in_place_and_intelligible(clip, endpoint):
    from pystoi import stoi

    encoded = endpoint.encode(clip)
    speech = heard(clip, endpoint, encoded)
    assert speech.shape == clip.speech.shape
    assert speech.dtype == np.float32
    lag = int(np.argmax(correlate(speech, clip.speech, method="fft"))) - len(clip.speech) + 1
    narrowband = endpoint.label.startswith("opus-8000")  # its resampler is 62 microseconds off
    assert abs(lag) <= int(narrowband)
    assert stoi(clip.speech, speech, SPEECH_RATE) > 0.92
    achieved = encoded.columns["speech_bps"]
    assert 0.9 * endpoint.params.bitrate < achieved < 1.1 * endpoint.params.bitrate


def test_a_click_comes_back_when_it_was():
    click = np.zeros(SPEECH_RATE, np.float32)
    click[9000:9020] = 0.8
    for endpoint in (opus(bitrate=64_000), aac(bitrate=64_000)):
        clicks = Clip("click", speech=click)
        speech = heard(clicks, endpoint, endpoint.encode(clicks))
        assert abs(int(np.argmax(np.abs(speech))) - 9010) <= 16


@pytest.mark.parametrize("family", [NoCode(), ReedSolomon(0.5)], ids=lambda f: f.label)
@pytest.mark.parametrize("make", [opus, aac], ids=["opus", "aac"])
def test_what_was_lost_is_concealed_and_what_is_before_stays(clip, make, family):
    endpoint = make(family)
    frame, encoded = OPUS_FRAME if make is opus else AAC_FRAME, endpoint.encode(clip)
    stream, (line,) = encoded.stream, encoded.session.streams
    block, delay = stream.blocks[3], round(line.first_timestamp * SPEECH_RATE / line.clock_rate)
    lost = [*range(block.first + 2, block.first + block.code.n)]
    first = int(np.flatnonzero(source_packets(stream) == lost[0])[0]) * frame - delay
    whole, holed = heard(clip, endpoint, encoded), heard(clip, endpoint, encoded, lost)
    np.testing.assert_array_equal(holed[:first], whole[:first])
    gone = slice(first + frame, first + (block.code.k - 2) * frame)
    assert np.std(holed[gone] - whole[gone]) > 0.3 * np.std(whole[gone])
    end = slice(gone.stop - frame, gone.stop)
    assert np.std(holed[end]) < 0.2 * np.std(holed[first - 2 * frame : first])  # faded
    later = slice(gone.stop + 12_000, None)
    assert np.std(holed[later] - whole[later]) < 0.1 * np.std(whole[later])


@pytest.mark.parametrize("make", [opus, aac], ids=["opus", "aac"])
def test_a_block_that_reed_solomon_repairs_sounds_as_sent(clip, make):
    endpoint = make(ReedSolomon(0.5))
    encoded = endpoint.encode(clip)
    rng = np.random.default_rng(3)
    lost = [
        block.first + i
        for block in encoded.stream.blocks
        for i in rng.choice(block.code.n, block.code.n - block.code.k, replace=False)
    ]
    np.testing.assert_array_equal(heard(clip, endpoint, encoded, lost), heard(clip, endpoint, encoded))


def test_redundancy_gives_back_runs_of_its_length_and_no_longer_ones(clip):
    endpoint = opus(redundancy=2)
    encoded = endpoint.encode(clip)
    whole, count = heard(clip, endpoint, encoded), len(encoded.stream.packets)
    pairs = [i + j for i in range(20, count - 3, 7) for j in (0, 1)]
    np.testing.assert_array_equal(heard(clip, endpoint, encoded, pairs), whole)
    assert np.any(heard(clip, endpoint, encoded, [*pairs, 29]) != whole)


def test_in_band_fec_is_nearer_than_concealment(clip):
    """The two senders code the same frames with and without LBRR, so each is held against its own whole speech."""
    error = {}
    for fec in (True, False):
        endpoint = opus(bitrate=24_000, fec=fec)
        encoded = endpoint.encode(clip)
        assert (encoded.columns["lbrr"] > 0.5) == fec
        whole = heard(clip, endpoint, encoded)
        lost = range(10, len(encoded.stream.packets), 9)
        error[fec] = np.std(heard(clip, endpoint, encoded, lost) - whole)
    assert error[True] < 0.6 * error[False]


def test_what_comes_too_late_for_its_frame_counts_for_later_ones_only(clip):
    endpoint = opus(redundancy=1)
    encoded = endpoint.encode(clip)
    delivery = simulate(encoded.stream, Bernoulli(0.0), Delay(0.02), seed=1)

    def arriving(times):
        return play(endpoint, encoded, dataclasses.replace(delivery, arrived_s=times), "cpu").clip.speech

    whole, late = arriving(delivery.arrived_s), delivery.arrived_s.copy()
    deadline = encoded.stream.media_time_s + delivery.playout_delay_s
    late[101] = deadline[101] + 0.01  # too late for frame 100, early enough for its own, 20 ms later
    np.testing.assert_array_equal(arriving(late), whole)
    late[100] = np.nan
    assert np.any(arriving(late) != whole)
    late[101] = delivery.arrived_s[101]
    np.testing.assert_array_equal(arriving(late), whole)


def test_a_packet_whose_timestamp_and_number_disagree_is_damaged(clip):
    endpoint = opus()
    encoded = endpoint.encode(clip)
    delivery = simulate(encoded.stream, Bernoulli(0.0), Delay(0.02), seed=1)
    received = receive(delivery.arrivals(encoded.stream), encoded.session.streams, delivery.playout_delay_s)
    moved = [*received[:5], dataclasses.replace(received[5], media_time_s=3.0), *received[6:]]
    holed = [*received[:5], *received[6:]]
    decode = endpoint.decode
    np.testing.assert_array_equal(
        decode(moved, encoded.session).clip.speech, decode(holed, encoded.session).clip.speech
    )


def test_wire_timestamps_sequence_numbers_and_blocks(clip):
    for endpoint, ticks in ((opus(ReedSolomon(0.5)), 960), (aac(ReedSolomon(0.5)), 1024)):
        stream = endpoint.encode(clip).stream
        source = source_packets(stream)
        headers = [parse(packet)[0] for packet in stream.packets]
        first = initial_sequence_number(headers[0].ssrc)
        assert [headers[i].timestamp for i in source] == [ticks * i for i in range(len(source))]
        assert [headers[i].sequence_number for i in source] == [
            (first + i) % 2**16 for i in range(len(source))
        ]
        assert len({header.ssrc for header in headers}) == 2
        assert all(block.code.n == 2 * block.code.k for block in stream.blocks)


def test_a_copy_leaves_with_its_frame_and_reed_solomon_with_the_block(clip):
    for family, waits in ((Repetition(0.5), False), (ReedSolomon(0.5), True)):
        stream = opus(family).encode(clip).stream
        block = stream.blocks[2]
        source, repair = np.split(stream.available_s[block.packets], [block.code.k])
        assert np.array_equal(repair, np.full(block.code.k, source[-1]) if waits else source)


@pytest.mark.parametrize("make", [opus, aac], ids=["opus", "aac"])
def test_a_clip_without_sound_is_named(make):
    with pytest.raises(ClipError, match="clip still has no sound"):
        make().encode(Clip("still"))


@pytest.mark.parametrize("make", [opus, aac], ids=["opus", "aac"])
def test_all_lost_and_shortest_clip(make):
    endpoint = make()
    clip = Clip("short", speech=np.full(7, 0.1, np.float32))
    encoded = endpoint.encode(clip)
    assert heard(clip, endpoint, encoded).shape == (7,)
    assert not heard(clip, endpoint, encoded, range(len(encoded.stream.packets))).any()
