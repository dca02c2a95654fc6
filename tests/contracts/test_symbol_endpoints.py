"""What holds for every endpoint that sends symbols, and the laws of the digital link."""

from dataclasses import replace

import numpy as np
import pytest

from lossweep.channels.awgn import Awgn
from lossweep.channels.errors import OptionError
from lossweep.channels.mcs import PAYLOAD_BYTES, SCHEMES, best_mcs
from lossweep.channels.physical import ReceivedSymbols
from lossweep.endpoints.clip import ClipError
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.endpoints.jscc.contract import Reception, SymbolError, Transmission, transmit
from lossweep.experiments.check import check
from lossweep.experiments.clips import load_clips
from lossweep.experiments.errors import ScenarioError

NAMES = [
    name for name in ENDPOINTS.names() if getattr(ENDPOINTS.get(name), "carries", "packets") == "symbols"
]
RHO = 1 / 16


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(scope="module")
def clip():
    whole = load_clips("portrait", seconds=0.4, size=128)[0]
    return replace(whole, video=whole.video[:9])


def made(name, **options):
    kind = ENDPOINTS.get(name)
    return kind(kind.Params(name=name, **{"rho": RHO, "gop": 4, **options}), NoCode())


def error_of(clip, playback):
    shown = playback.clip.video
    return np.mean([np.mean((np.float64(a) - b) ** 2) for a, b in zip(clip.video, shown, strict=True)])


def through(endpoint, clip, snr_db, seed=1, repetition=0):
    channel = Awgn(snr_db)
    encoded = endpoint.encode(clip, channel)
    received = transmit(encoded.transmissions, channel, seed, repetition)
    return encoded, type(endpoint).decode(received, encoded.session)


@pytest.mark.parametrize("name", NAMES)
def test_channel_uses_are_within_the_bandwidth_ratio_and_mostly_used(name, clip):
    encoded, _ = through(made(name), clip, 5.0)
    height, width = clip.video[0].shape[:2]
    allowed = RHO * 3 * height * width * len(clip.video)
    assert 0.8 * allowed < encoded.uses <= allowed + 1
    for one in encoded.transmissions:
        if len(one.symbols):
            assert np.mean(np.abs(one.symbols) ** 2) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_better_channel_gives_better_pictures_and_equal_chance_equal_ones(name, clip):
    endpoint = made(name)
    errors = [error_of(clip, through(endpoint, clip, snr_db)[1]) for snr_db in (0.0, 15.0)]
    assert errors[1] < errors[0]
    one, other = (through(endpoint, clip, 5.0, seed=2)[1] for _ in range(2))
    assert one.digests == other.digests
    assert len(one.clip.video) == len(clip.video)


@pytest.mark.parametrize("name", NAMES)
def test_a_receiver_without_signal_does_not_know_the_clip(name, clip):
    """The same noise in place of the symbols of two clips gives the same pictures."""
    other = replace(clip, video=[np.ascontiguousarray(p[::-1, ::-1]) for p in clip.video[::-1]])
    shown = []
    for one in (clip, other):
        encoded = made(name).encode(one, Awgn(5.0))
        rng = np.random.default_rng(0)
        received = [
            Reception(
                ReceivedSymbols(
                    (rng.normal(size=len(t.symbols)) + 0j).astype(np.complex64),
                    np.ones(len(t.symbols), np.complex64),
                    1.0,
                ),
                (None,) * len(t.blocks),
            )
            for t in encoded.transmissions
        ]
        if name == "softcast":  # which coefficients are sent is side information; without it nothing is shown
            received = [replace(r, received=replace(r.received)) for r in received]
        shown.append(type(made(name)).decode(received, encoded.session))
    assert shown[0].digests == shown[1].digests


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_sent_is_one_line(name, clip):
    with pytest.raises((SymbolError, ClipError)) as error:
        made(name, rho=1e-6).encode(clip, Awgn(0.0))
    assert "rho" in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(ClipError, match="no pictures"):
        made(name).encode(replace(clip, video=None), Awgn(0.0))
    small = replace(clip, video=[p[:123, :123] for p in clip.video])
    with pytest.raises(ClipError, match="123x123"):
        made(name).encode(small, Awgn(0.0))
    kind = ENDPOINTS.get(name)
    with pytest.raises(OptionError, match="takes no packet code"):
        kind(kind.Params(name=name), ReedSolomon(0.5))


@pytest.mark.parametrize(
    ("endpoint", "channel", "line"),
    [
        (
            {"name": "h264", "bpp": 0.03},
            {"name": "awgn", "snr_db": 0},
            "h264 sends packets; add a network",
        ),
        (
            {"name": "softcast"},
            {"name": "bernoulli", "loss_rate": 0},
            "softcast sends symbols; add a physical",
        ),
    ],
)
def test_packets_over_a_radio_and_symbols_over_a_network_are_refused_in_one_line(endpoint, channel, line):
    scenario = {"name": "s", "endpoint": endpoint, "channel": channel, "metrics": []}
    with pytest.raises(ScenarioError, match=line) as error:
        check(scenario)
    assert len(str(error.value).splitlines()) == 1


def test_the_block_error_rate_falls_and_thresholds_are_above_shannons():
    """Capacity is that of Gaussian inputs; a gap of 0.5 to 3 dB is what 1,024-bit LDPC blocks have."""
    grid = np.arange(-12, 20, 0.1)
    for scheme in SCHEMES:
        rates = scheme.block_error_rate(grid)
        assert (np.diff(rates) <= 1e-9).all()
        assert rates[0] == 1
        assert rates[-1] < 1e-3
        shannon_db = 10 * np.log10(2 ** (1024 / scheme.symbols) - 1)
        assert 0.3 < scheme.threshold_db - shannon_db < 3.0
    assert [best_mcs(snr).index for snr in (-20, 5, 30)] == [0, 4, 9]


def test_blocks_fail_as_often_as_the_table_says():
    scheme = SCHEMES[4]
    snr_db = scheme.threshold_db
    sent = Transmission(blocks=(bytes(PAYLOAD_BYTES),) * 4000, mcs=4)
    blocks = transmit([sent], Awgn(snr_db), 1, 0)[0].blocks
    failed = np.mean([block is None for block in blocks])
    assert failed == pytest.approx(float(scheme.block_error_rate(snr_db)), abs=4 * np.sqrt(0.1 * 0.9 / 4000))


def test_a_fixed_scheme_has_a_cliff_and_the_bound_is_above_the_adaptive_scheme(clip):
    fixed = made("h264-ldpc", link="fixed", mcs=4)
    errors = [error_of(clip, through(fixed, clip, SCHEMES[4].threshold_db + d)[1]) for d in (-2, 2)]
    assert errors[0] > 20 * errors[1]
    adaptive, bound = (
        error_of(clip, through(made("h264-ldpc", link=link), clip, 5.0)[1])
        for link in ("adaptive", "capacity")
    )
    assert bound < adaptive
