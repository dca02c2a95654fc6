"""Path elements for tests: one or more of every registered name."""

from hypothesis import strategies as st

from lossweep.channels.channel import CHANNELS

EXAMPLES = {
    "bernoulli": [{"loss_rate": 0.2}],
    "gilbert_elliott": [
        {"loss_rate": 0.2, "mean_burst_s": 0.08},
        {"loss_rate": 0.3, "mean_burst_length": 4},
        {"p": 0.7, "r": 0.8, "one_minus_h": 0.9, "one_minus_k": 0.05},
    ],
    "loss_state": [{"p13": 0.05, "p31": 0.3, "p32": 0.3, "p23": 0.4, "p14": 0.02}],
    "outage": [{"start_s": 0.3, "duration_s": 0.1}, {"start_s": 0.1, "duration_s": 0.05, "every_s": 0.25}],
    "hidden_markov": [],
    "loss_trace": [],
    "delay": [
        {"propagation_delay_s": 0.05},
        {"propagation_delay_s": 0.02, "jitter_s": 0.03, "reordering": True},
        {"propagation_delay_s": 0.05, "jitter_s": 0.02},
        {"propagation_delay_s": 0.05, "jitter_s": 0.02, "distribution": "pareto", "correlation_time_s": 0.2},
        {"propagation_delay_s": 0.01, "jitter_s": 0.05, "distribution": "gamma", "reordering": True},
    ],
    "duplication": [{"duplicate_rate": 0.3}],
    "capacity": [
        {"capacity_bps": 120_000, "queue_packets": 6},
        {"capacity_bps": 60_000, "queue_bytes": 1500},
        {"capacity_bps": 90_000},
        {"capacity_bps": 60_000, "queue_packets": 100, "aqm": "codel"},
        {"capacity_bps": 60_000, "aqm": "codel"},
    ],
    "ldpc_packets": [
        {"snr_db": 1.1, "symbols_per_s": 1e8, "mcs": 3},
        {"snr_db": 5, "symbols_per_s": 1e8, "coherence_time_s": 0.03},
    ],
    "cross_traffic": [
        {"rate_bps": 30_000, "packet_bytes": 300},
        {"rate_bps": 90_000, "on_s": 0.1, "off_s": 0.1},
    ],
    "corruption": [{"corrupt_rate": 0.2}, {"corrupt_rate": 0.2, "deliver": True}],
}


def add_traces(folder):
    """Writes small traces and returns the examples with those that read them."""
    bits, rows = folder / "bits.txt", folder / "rows.csv"
    bits.write_text("0010000110001000000100\n" * 3)
    rows.write_text("time,loss\n0,0\n0.2,0.5\n0.4,0.1\n0.6,1\n0.7,0\n")
    delays = folder / "delays.txt"
    delays.write_text("\n".join(str(0.01 + 0.003 * i) for i in range(20)))
    stamps, rates = folder / "stamps.txt", folder / "rates.txt"
    stamps.write_text("\n".join(str(17 * i + i % 5) for i in range(40)))
    rates.write_text("0 0.1 10ms 0\n0.1 0 10ms 0.1\n0.2 0.05 9ms 0\n0.45 0.2 9ms 0\n")
    traces = [{"file": str(bits)}, {"file": str(bits), "packet_interval_s": 0.02}, {"file": str(rows)}]
    chain = folder / "chain.json"
    chain.write_text('{"transitions": [[0.9, 0.1], [0.4, 0.6]], "loss": [0.01, 0.8]}')
    return EXAMPLES | {
        "hidden_markov": [{"file": str(chain)}],
        "loss_trace": traces,
        "capacity": [
            *EXAMPLES["capacity"],
            {"file": str(stamps), "queue_packets": 4},
            {"file": str(rates), "queue_s": 0.2},
            {"file": str(rates), "queue_bytes": 3000, "aqm": "codel"},
        ],
        "delay": [*EXAMPLES["delay"], {"file": str(delays), "propagation_delay_s": 0.01}],
    }


def elements(examples):
    """A strategy of lists of one to four elements."""
    made = [CHANNELS.get(name).from_params(**params) for name, all_ in examples.items() for params in all_]
    return st.lists(st.sampled_from(made), min_size=1, max_size=4)
