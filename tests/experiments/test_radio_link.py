"""Symbols and packets in one scenario: which channel each endpoint crosses, channel uses, one panel."""

import pandas as pd
import pytest

from lossweep.channels.ldpc_packets import LdpcPackets
from lossweep.experiments.check import check
from lossweep.experiments.curves import panels
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.sweep import Sweep

LINK = {"name": "ldpc_packets", "snr_db": [0, 10], "symbols_per_s": 153_600 / 4}
SCENARIO = {
    "name": "s",
    "clip": {"source": "portrait", "size": 128, "seconds": 0.4},
    "endpoint": [
        {"name": "softcast", "rho": 1 / 32, "gop": 4, "chunk": 16},
        {"name": "h264", "bpp": 0.2, "gop": 5},
    ],
    "channel": [{"name": "awgn", "snr_db": [0, 10]}, LINK],
    "path": {"playout_delay_s": 0.5},
    "metrics": ["psnr"],
}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield check(SCENARIO)


@pytest.fixture(scope="module")
def rows(scenario):
    evaluator = Evaluator(["psnr"])
    return pd.DataFrame([evaluator.evaluate(cell).row for cell in scenario.cells()])


def test_each_endpoint_crosses_the_channels_that_carry_what_it_sends(scenario):
    found = [(cell.endpoint_name, cell.channel.name) for cell in scenario.cells()]
    assert sorted(found) == [("h264", "ldpc_packets")] * 2 + [("softcast", "awgn")] * 2


def test_channel_uses_of_packets_are_those_of_their_transport_blocks(rows):
    coded = rows[rows["channel"] == "ldpc_packets"]
    assert coded["packets_sent"].nunique() == 1, "the same packets at every SNR"
    for row in coded.to_dict("records"):
        symbols = LdpcPackets(snr_db=row["snr_db"], symbols_per_s=1).scheme.symbols
        blocks = row["channel_uses"] / symbols
        assert blocks == round(blocks)
        payload_blocks = row["wire_bps"] * 0.4 / 1000
        assert payload_blocks <= blocks < payload_blocks + row["packets_sent"]
        assert row["rho_used"] == pytest.approx(row["channel_uses"] / (3 * 128 * 128 * 10))
        assert row["symbol_rate"] == pytest.approx(row["channel_uses"] / 0.4)
    few, many = coded.sort_values("snr_db")["channel_uses"].iloc[::-1]
    assert few < many / 3


def test_what_needs_more_than_the_link_has_is_late_or_dropped(rows):
    coded = rows[rows["channel"] == "ldpc_packets"].set_index("snr_db")
    assert coded.loc[0, "symbol_rate"] > 1.5 * LINK["symbols_per_s"]
    assert coded.loc[0, "packets_late"] + coded.loc[0, "packets_lost"] > 0.2 * coded.loc[0, "packets_sent"]
    assert coded.loc[10, "packets_late"] + coded.loc[10, "packets_lost"] == 0


def test_systems_with_a_channel_of_their_own_stand_in_one_panel(scenario, rows):
    sweep = Sweep.of(rows, {"scenario": scenario.public(), "clips": {}, "labels": {}})
    (panel,) = panels(sweep, "snr_db", "psnr")
    assert len(panel.curves) == 2
    assert all(list(curve.points["x"]) == [0, 10] for curve in panel.curves)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"channel": LINK}, "endpoint softcast sends symbols; add a physical channel, or leave softcast out"),
        ({"endpoint": {"name": "softcast"}}, "channel ldpc_packets carries packets, which no endpoint sends"),
    ],
)
def test_an_endpoint_without_a_channel_and_a_channel_without_an_endpoint_are_refused(change, line):
    with pytest.raises(ScenarioError, match=line) as error:
        check(SCENARIO | change)
    assert "\n" not in str(error.value)
